/// What the control groups of a process still allow it, of version 1 and 2, those above its own included.
///
/// A limit holds for a group and all below it, so that the least counts on the way up. A container often sees its own
/// group as the root of what is mounted, under a path that does not exist there: what is missing is passed over.
public struct ControlGroups {
  private let files: KernelFiles
  private let process: String

  /// - Parameters:
  ///   - root: where /proc and /sys are; of a test.
  ///   - process: its folder in /proc.
  public init(root: String = "", process: String = "self") {
    files = KernelFiles(root: root)
    self.process = process
  }

  /// Bytes that they still allow; nil where none says.
  public var memory: Int? {
    least("memory") { folder, version in
      let names =
        version == 2 ? ("memory.max", "memory.current") : ("memory.limit_in_bytes", "memory.usage_in_bytes")
      guard let limit = files.number("\(folder)/\(names.0)") else { return nil }
      // What version 1 says where there is no limit: the largest number of whole pages.
      guard limit < Int.max - (1 << 20) else { return nil }
      let used = (files.number("\(folder)/\(names.1)") ?? 0) - reclaimable("\(folder)/memory.stat")
      return max(0, limit - max(0, used))
    }
  }

  /// Cores' worth of time: 1.5 where it may have 150 ms in each 100; nil where none says.
  public var processorTime: Double? {
    least("cpu") { folder, version in
      if version == 2 {
        let numbers = files.text(of: "\(folder)/cpu.max").split(whereSeparator: \.isWhitespace).map { Double($0) }
        guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], period > 0 else { return nil }
        return quota / period
      }
      // Without a limit the quota is -1, which is no number here.
      guard let quota = files.number("\(folder)/cpu.cfs_quota_us"), quota > 0,
        let period = files.number("\(folder)/cpu.cfs_period_us"), period > 0
      else { return nil }
      return Double(quota) / Double(period)
    }
  }

  /// Cores that it can keep busy in that time: 2 for 1.5, since with one it would leave a third of it.
  public var cores: Int? { processorTime.map { max(1, Int($0.rounded(.up))) } }

  /// Threads that they still allow; nil where none says.
  public var threads: Int? {
    least("pids") { folder, _ in
      files.number("\(folder)/pids.max").map { max(0, $0 - (files.number("\(folder)/pids.current") ?? 0)) }
    }
  }

  /// Hardware threads that they allow; nil where none says. The kernel keeps processes within them, other kernels that
  /// look like it may not.
  public var hardwareThreads: [Int]? {
    var allowed: Set<Int>?
    _ = least("cpuset") { folder, version -> Int? in
      let names = version == 2 ? ["cpuset.cpus.effective"] : ["cpuset.effective_cpus", "cpuset.cpus"]
      let numbers = names.lazy.map { Cores.numbers(list: files.text(of: "\(folder)/\($0)")) }.first { !$0.isEmpty }
      if let numbers { allowed = allowed.map { $0.intersection(numbers) } ?? Set(numbers) }
      return nil
    }
    return allowed.map { $0.sorted() }
  }

  // MARK: - Where they are

  /// The least of what the groups of a controller say, from the process's own up to the root.
  private func least<Value: Comparable>(_ controller: String, _ value: (_ folder: String, _ version: Int) -> Value?)
    -> Value?
  {
    var values: [Value] = []
    for line in files.lines(of: "/proc/\(process)/cgroup") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      // Version 2 has one hierarchy for all; version 1 one for each controller, or for a few together.
      let version = parts[1].isEmpty ? 2 : 1
      guard version == 2 || parts[1].split(separator: ",").contains(Substring(controller)) else { continue }
      for mount in mounts(of: version == 2 ? nil : controller) {
        var folder = String(parts[2])
        // A mount may show a part of the hierarchy: that of the container.
        if mount.part != "/", folder == mount.part || folder.hasPrefix(mount.part + "/") {
          folder = String(folder.dropFirst(mount.part.count))
        }
        if folder == "/" { folder = "" }
        while true {
          if let found = value(mount.place + folder, version) { values.append(found) }
          guard !folder.isEmpty else { break }
          folder = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
        }
      }
    }
    return values.min()
  }

  private struct Mount {
    /// The group that is seen at `place`.
    var part: String
    var place: String
  }

  /// Where a hierarchy is mounted: that of a controller of version 1, or (nil) that of version 2.
  private func mounts(of controller: String?) -> [Mount] {
    let found = files.lines(of: "/proc/\(process)/mountinfo").compactMap { line -> Mount? in
      // ID, parent, device, part, place, options, further fields, "-", type, source, the file system's options.
      let fields = line.split(separator: " ")
      guard fields.count > 5, let dash = fields.firstIndex(of: "-"), dash + 3 < fields.count else { return nil }
      let isWanted =
        controller.map { name in
          fields[dash + 1] == "cgroup" && fields[dash + 3].split(separator: ",").contains(Substring(name))
        } ?? (fields[dash + 1] == "cgroup2")
      return isWanted ? Mount(part: String(fields[3]), place: String(fields[4])) : nil
    }
    return found.isEmpty
      ? [Mount(part: "/", place: controller.map { "/sys/fs/cgroup/\($0)" } ?? "/sys/fs/cgroup")] : found
  }

  /// Bytes of files in memory that a group gives up when it needs room.
  private func reclaimable(_ path: String) -> Int {
    let lines = files.lines(of: path).map { $0.split(separator: " ") }
    // Version 1 counts the groups below in a line of its own.
    return ["total_inactive_file", "inactive_file"].lazy
      .compactMap { name in lines.first { $0.count == 2 && $0[0] == name }.flatMap { Int($0[1]) } }.first ?? 0
  }
}
