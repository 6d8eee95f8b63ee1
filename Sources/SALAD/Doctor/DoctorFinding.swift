import Platform

/// Something that a job's ranks and hosts should not be like, with its cure.
public struct DoctorFinding: Encodable, Sendable, Equatable {
  /// What `salad` ends with because of it; `success` for what is merely worth knowing.
  public let status: ExitStatus
  public let sentence: String

  static func note(_ sentence: String) -> DoctorFinding { DoctorFinding(status: .success, sentence: sentence) }

  /// What all findings together end the command with: 70 before 74, 65 and 64.
  public static func status(of findings: [DoctorFinding]) -> ExitStatus {
    let order: [ExitStatus] = [.internalError, .inputOutput, .badData, .usage]
    return order.first { status in findings.contains { $0.status == status } } ?? .success
  }

  /// All that is wrong with these ranks, by nothing but what they tell.
  public static func all(of ranks: [RankReport]) -> [DoctorFinding] {
    differences(ranks) + binding(ranks) + limits(ranks) + interfaces(ranks) + exchange(ranks) + clocks(ranks)
      + runFolder(ranks) + data(ranks) + speed(ranks)
  }

  public func encode(to encoder: any Encoder) throws {
    enum CodingKeys: CodingKey { case status, sentence }
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(status, forKey: .status)
    try values.encode(sentence, forKey: .sentence)
  }

  /// `rank 3`, `ranks 0-2, 5`.
  static func text(_ ranks: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for rank in ranks.sorted() {
      if let last = ranges.last, last.upperBound + 1 == rank {
        ranges[ranges.count - 1] = last.lowerBound...rank
      } else {
        ranges.append(rank...rank)
      }
    }
    let parts = ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
    return "rank\(ranks.count == 1 ? "" : "s") \(parts.joined(separator: ", "))"
  }

  /// Ranks by what they have, in the order of the first that has it.
  static func groups<Value: Equatable>(_ ranks: [RankReport], by value: (RankReport) -> Value)
    -> [(value: Value, ranks: [Int])]
  {
    var groups: [(value: Value, ranks: [Int])] = []
    for rank in ranks {
      let mine = value(rank)
      if let place = groups.firstIndex(where: { $0.value == mine }) {
        groups[place].ranks.append(rank.rank)
      } else {
        groups.append((mine, [rank.rank]))
      }
    }
    return groups
  }

  static func hosts(_ ranks: [RankReport]) -> [(host: String, ranks: [RankReport])] {
    groups(ranks, by: \.host).map { group in (group.value, ranks.filter { $0.host == group.value }) }
  }
}

// MARK: - What each kind looks at

extension DoctorFinding {
  private static func differences(_ ranks: [RankReport]) -> [DoctorFinding] {
    func difference(_ what: String, _ status: ExitStatus, _ cure: String, _ value: (RankReport) -> String)
      -> [DoctorFinding]
    {
      let groups = groups(ranks, by: value)
      guard groups.count > 1 else { return [] }
      let parts = groups.map { "\(text($0.ranks)) \($0.value.isEmpty ? "none" : $0.value)" }
      return [
        DoctorFinding(status: status, sentence: "ranks differ in \(what) (\(parts.joined(separator: "; "))): \(cure)")
      ]
    }
    let bits = "the last bits of results may differ, give hosts of one kind"
    let least = ranks.compactMap { CPULevel(rawValue: $0.bestLevel) }.min()?.rawValue ?? "baseline"
    return difference("salad's version", .usage, "install one version on all hosts", \.version)
      + difference("MPI", .usage, "install one version on all hosts", \.mpi)
      + difference("oneDNN's version", .usage, "\(bits) and one version", \.oneDNN)
      + difference("instruction set", .usage, "\(bits), or --cpu \(least) to all ranks", \.instructionSet)
      + difference("CPU", .success, "the slowest sets the pace", \.cpu)
  }

  private static func binding(_ ranks: [RankReport]) -> [DoctorFinding] {
    hosts(ranks).flatMap { host, ranks -> [DoctorFinding] in
      var findings: [DoctorFinding] = []
      guard let first = ranks.first else { return [] }
      let who = text(ranks.map(\.rank))
      let plenty = first.processorTime.map { $0 < Double(first.allowedCores) } ?? false
      if first.hostBoundCores < first.allowedCores, !plenty {
        let share = first.allowedCores / max(1, ranks.count)
        findings.append(
          DoctorFinding(
            status: .usage,
            sentence: "\(who) on \(host) \(ranks.count == 1 ? "is" : "are") bound to \(first.hostBoundCores) "
              + "core\(first.hostBoundCores == 1 ? "" : "s") of \(first.allowedCores): add --bind-to none"
              + (share > 1 ? ", or --map-by slot:PE=\(share)" : "")))
      } else if ranks.count > first.hostBoundCores {
        findings.append(
          .note("\(ranks.count) ranks share \(first.hostBoundCores) cores on \(host): more ranks than cores are slower")
        )
      }
      if let time = first.processorTime, time < Double(first.hostBoundCores) {
        findings.append(
          .note(
            "a control group gives \(host) the time of \(time) of its \(first.hostBoundCores) cores: so few workers"))
      }
      return findings
    }
  }

  private static func limits(_ ranks: [RankReport]) -> [DoctorFinding] {
    func finding(
      _ status: ExitStatus, _ concerned: (RankReport) -> Bool, _ sentence: (_ who: String, RankReport) -> String
    ) -> [DoctorFinding] {
      let concerned = ranks.filter(concerned)
      return concerned.first.map {
        [DoctorFinding(status: status, sentence: sentence(text(concerned.map(\.rank)), $0))]
      }
        ?? []
    }
    return finding(.inputOutput, { ($0.limits.memoryLeft ?? .max) < 1 << 30 }) { who, rank in
      "\(who): \(ByteText.of(rank.limits.memoryLeft ?? 0)) of memory is left of what a process may take: raise ulimit -v "
        + "and -d, or the batch system's h_vmem"
    }
      + finding(.success, { $0.limits.memoryLeft == nil && $0.memory < 1 << 30 }) { who, rank in
        "\(who): \(ByteText.of(rank.memory)) of memory is free for a rank: give fewer ranks a host"
      }
      + finding(.inputOutput, { $0.workers < $0.wantedWorkers }) { who, rank in
        "\(who): threads for \(rank.workers) instead of \(rank.wantedWorkers) workers may be started: raise ulimit -u or "
          + "the container's limit of processes (pids.max)"
      }
      + finding(.inputOutput, { ($0.limits.openFiles ?? .max) < 64 + 4 * ranks.count }) { who, rank in
        "\(who): \(rank.limits.openFiles ?? 0) files may be open at a time: raise ulimit -n to 1024"
      }
      + finding(.success, { $0.limits.fileSize != nil }) { who, rank in
        "\(who): a file may have \(ByteText.of(rank.limits.fileSize ?? 0)) (ulimit -f), which a checkpoint must keep to: "
          + "salad train --dry-run tells how large it is"
      }
  }

  /// What containers and virtual machines make on every host, with the same addresses, and that leads nowhere.
  static func isVirtual(_ interface: String) -> Bool {
    ["docker", "br-", "virbr", "veth", "cni", "flannel", "podman", "lxc", "lxd"].contains { interface.hasPrefix($0) }
  }

  private static func interfaces(_ ranks: [RankReport]) -> [DoctorFinding] {
    // On one host ranks talk by shared memory.
    guard hosts(ranks).count > 1 else { return [] }
    func isWanted(_ name: String, of rank: RankReport) -> Bool {
      func names(_ list: String?) -> [Substring]? { list?.split(separator: ",") }
      if let included = names(rank.interfacesIncluded) { return included.contains(Substring(name)) }
      return !(names(rank.interfacesExcluded) ?? []).contains(Substring(name))
    }
    var names: [String] = []
    for rank in ranks {
      for name in rank.interfacesInUse + rank.interfaces.map(\.name) where isVirtual(name) && !names.contains(name) {
        names.append(name)
      }
    }
    return names.compactMap { name in
      let using = ranks.filter { $0.interfacesInUse.contains(name) }
      let having = ranks.filter { rank in isWanted(name, of: rank) && rank.interfaces.contains { $0.name == name } }
      let exclude = "--mca btl_tcp_if_exclude lo,\(name) --mca oob_tcp_if_exclude lo,\(name)"
      if !using.isEmpty {
        return DoctorFinding(
          status: .usage, sentence: "\(name) is in use by \(text(using.map(\.rank))): add \(exclude)")
      }
      guard hosts(having).count > 1 else { return nil }
      return DoctorFinding(
        status: .usage,
        sentence:
          "\(name) is up on \(hosts(having).map(\.host).joined(separator: ", ")), and Open MPI may try to reach "
          + "other hosts by it: add \(exclude)")
    }
  }

  private static func exchange(_ ranks: [RankReport]) -> [DoctorFinding] {
    var findings: [DoctorFinding] = []
    let wrong = ranks.filter { !$0.sumIsRight }
    if !wrong.isEmpty {
      findings.append(
        DoctorFinding(
          status: .internalError,
          sentence: "\(text(wrong.map(\.rank))) got a wrong sum of all ranks' numbers: try other transports "
            + "(--mca btl tcp,self), then test memory and network"))
    }
    let fast: Set = ["vader", "sm", "ucx", "psm", "psm2", "ofi", "cm"]
    let slow = ranks.filter { $0.ranksOnHost > 1 && !$0.transports.isEmpty && fast.isDisjoint(with: $0.transports) }
    if !slow.isEmpty {
      findings.append(
        .note(
          "\(text(slow.map(\.rank))) talk to ranks of their own host by TCP: allow shared memory (--mca btl vader,tcp,self)"
        ))
    }
    return findings
  }

  private static func clocks(_ ranks: [RankReport]) -> [DoctorFinding] {
    hosts(ranks).compactMap { host, ranks in
      guard let first = ranks.first(where: { abs($0.clockSkew) > 1 }) else { return nil }
      let seconds = (abs(first.clockSkew) * 10).rounded() / 10
      return DoctorFinding(
        status: .inputOutput,
        sentence: "the clock of \(host) is \(seconds) s \(first.clockSkew > 0 ? "ahead of" : "behind") rank 0's: "
          + "set it by NTP, or logs and files of the hosts cannot be put in order")
    }
  }

  private static func runFolder(_ ranks: [RankReport]) -> [DoctorFinding] {
    var findings: [DoctorFinding] = []
    for (reason, concerned) in groups(ranks.filter { $0.run?.reason != nil }, by: { $0.run?.reason ?? "" }) {
      findings.append(
        DoctorFinding(
          status: .inputOutput,
          sentence: "\(text(concerned)): \(reason): give a folder that all ranks may write to"))
    }
    let apart = ranks.filter { $0.run.map { !$0.isShared && $0.reason == nil } ?? false }
    if let first = apart.first?.run {
      findings.append(
        DoctorFinding(
          status: .inputOutput,
          sentence:
            "\(text(apart.map(\.rank))): \(first.path) is another folder than rank 0's: give one on a file system "
            + "that all hosts share"))
    }
    if let slow = ranks.filter({ ($0.run?.writeRate ?? .infinity) < 10e6 }).first, let rate = slow.run?.writeRate {
      findings.append(
        .note(
          "\(slow.run?.path ?? "") takes \(ByteText.of(Int(rate))) a second from a rank: checkpoints will take long"))
    }
    if let full = ranks.filter({ ($0.run?.freeBytes ?? .max) < 1 << 30 }).first, let free = full.run?.freeBytes {
      findings.append(
        .note("\(full.run?.path ?? "") has \(ByteText.of(free)) left: salad train --dry-run tells what a run takes"))
    }
    return findings
  }

  private static func data(_ ranks: [RankReport]) -> [DoctorFinding] {
    var findings: [DoctorFinding] = []
    for (reason, concerned) in groups(ranks.filter { $0.data?.reason != nil }, by: { $0.data?.reason ?? "" }) {
      findings.append(
        DoctorFinding(status: .badData, sentence: "\(text(concerned)): \(reason)"))
    }
    let readable = ranks.filter { $0.data.map { $0.reason == nil } ?? false }
    let listings = groups(readable) { $0.data?.listing ?? "" }
    if listings.count > 1 {
      let parts = listings.map { group in
        "\(text(group.ranks)) \(readable.first { $0.rank == group.ranks[0] }?.data?.images ?? 0) images"
      }
      findings.append(
        DoctorFinding(
          status: .badData,
          sentence:
            "ranks see different images in \(readable[0].data?.path ?? "") (\(parts.joined(separator: "; "))): give "
            + "a folder that all hosts share, or copies that are equal"))
    }
    if let data = readable.first?.data, let mine = data.fingerprint, let run = data.fingerprintOfRun, mine != run {
      findings.append(
        DoctorFinding(
          status: .badData,
          sentence:
            "\(data.path) has the fingerprint \(mine.prefix(12))..., the run's images have \(run.prefix(12))...: "
            + "the run was trained on other images"))
    }
    return findings
  }

  private static func speed(_ ranks: [RankReport]) -> [DoctorFinding] {
    var findings: [DoctorFinding] = []
    // A rank's product by its share of workers, against the best of them on CPUs of one kind.
    for (_, concerned) in groups(ranks, by: \.cpu) {
      let rates = ranks.filter { concerned.contains($0.rank) }
        .compactMap { rank in rank.productRate.map { (rank.rank, $0 / Double(max(1, rank.workers))) } }
      guard let best = rates.map(\.1).max() else { continue }
      let slow = rates.filter { $0.1 < best / 2 }
      guard !slow.isEmpty else { continue }
      findings.append(
        .note(
          "\(text(slow.map(\.0))) compute\(slow.count == 1 ? "s" : "") at less than half the speed of others on such a CPU: "
            + "look for other work there"))
    }
    if ranks.contains(where: { $0.blas == nil }) {
      findings.append(.note("matrix products were not measured: install libopenblas-dev"))
    }
    return findings
  }
}
