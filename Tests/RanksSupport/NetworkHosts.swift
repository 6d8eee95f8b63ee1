import Foundation

/// Several hosts on this machine: network namespaces with a name and an address each, joined by a bridge.
///
///     try await NetworkHosts.with(count: 2) { hosts in
///       let run = try await hosts.mpirun(slots: [2, 1], [Program.built("ranks"), "collectives"])
///     }
///
/// `mpirun` starts its daemons on the other hosts as it would by ssh, ranks of different hosts talk over TCP, and
/// `MPI_Get_processor_name` tells the hosts apart. They share the file system, as a cluster's nodes do.
public struct NetworkHosts: Sendable {
  /// What `mpirun` and the ranks call them: host1, host2, ...
  public let names: [String]
  /// The network namespaces: one a host, and one for the bridge.
  public var namespaces: [String] { names.map { prefix + $0 } + [switchNamespace] }
  private let prefix: String
  private let folder: TemporaryFolder
  private var agent: String { folder.path + "/agent" }
  private var switchNamespace: String { prefix + "switch" }

  /// Why this machine cannot make such hosts, as a sentence; nil when it can.
  public static let unavailable: String? = findObstacle()

  /// Makes the hosts, calls `body`, and removes them with whatever still runs there, even after an error.
  public static func with<R: Sendable>(
    count: Int, _ body: @Sendable (NetworkHosts) async throws -> R
  ) async throws -> R {
    let hosts = try NetworkHosts(count: count)
    do {
      try await hosts.make()
      let result = try await body(hosts)
      await hosts.remove()
      return result
    } catch {
      await hosts.remove()
      throw error
    }
  }

  /// Runs a program by an `mpirun` on the first host, over TCP between hosts.
  ///
  /// - Parameters:
  ///   - slots: how many ranks each host gets; ranks fill the hosts in order.
  ///   - options: further options of `mpirun`.
  public func mpirun(
    slots: [Int], _ command: [String], options: [String] = [], environment: [String: String] = [:],
    timeLimit: Duration = .seconds(60), watch: (@Sendable (pid_t) -> Void)? = nil
  ) async throws -> ProgramResult {
    precondition(slots.count == names.count, "\(slots.count) slots for \(names.count) hosts")
    let list = zip(names, slots).filter { $1 > 0 }.map { "\($0):\($1)" }.joined(separator: ",")
    // These hosts share a few cores, which Open MPI cannot know: waiting ranks must give way.
    let start = [
      "mpirun", "--bind-to", "none", "--mca", "plm_rsh_agent", agent, "--mca", "mpi_yield_when_idle", "1",
      "--host", list, "-n", "\(slots.reduce(0, +))",
    ]
    return try await Program.run(
      on(host: names[0]) + start + options + command,
      environment: environment.merging(Program.asRoot) { given, _ in given }, timeLimit: timeLimit, watch: watch)
  }

  /// The start of a command that runs in a host's namespace under the host's name.
  private func on(host: String) -> [String] {
    ["ip", "netns", "exec", prefix + host, "unshare", "--uts", "sh", "-c", "hostname \"$0\" && exec \"$@\"", host]
  }

  private init(count: Int) throws {
    precondition((1...250).contains(count), "\(count) hosts, expected 1 ... 250")
    names = (1...count).map { "host\($0)" }
    prefix = "\(Self.family)\(getpid())-\(UInt32.random(in: 0 ... .max))-"
    folder = try TemporaryFolder()
  }

  private func make() async throws {
    // Called as `agent HOST COMMAND...`; joins the words and lets a shell parse them, as ssh does.
    let script = """
      #!/bin/sh
      host=$1
      shift
      exec ip netns exec "\(prefix)$host" unshare --uts sh -c 'hostname "$0" && exec sh -c "$*"' "$host" "$@"

      """
    try Data(script.utf8).write(to: URL(fileURLWithPath: agent))
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: agent)

    // The bridge has a namespace of its own, so that this machine's network sees nothing of it.
    var commands = [
      "ip netns add \(switchNamespace)",
      "ip -n \(switchNamespace) link add name bridge type bridge",
      "ip -n \(switchNamespace) link set bridge up",
    ]
    for (index, name) in names.enumerated() {
      let host = prefix + name
      commands += [
        "ip netns add \(host)",
        "ip -n \(host) link set lo up",
        "ip -n \(host) link add eth0 type veth peer name port\(index) netns \(switchNamespace)",
        "ip -n \(host) address add 10.57.0.\(index + 1)/24 dev eth0",
        "ip -n \(host) link set eth0 up",
        "ip -n \(switchNamespace) link set port\(index) master bridge up",
      ]
    }
    await Self.removeLeftovers()
    let run = try await Program.run(["sh", "-ec", commands.joined(separator: "\n")])
    guard run.status == 0 else { throw ProgramError(description: "hosts could not be made: \(run)") }
  }

  private func remove() async {
    await Self.remove(namespaces: namespaces)
    folder.remove()
  }

  // MARK: Namespaces

  /// What the names of all such namespaces begin with; the process id of the tests follows.
  private static let family = "salad-test-"

  private static func remove(namespaces: [String]) async {
    let commands = namespaces.map { name in
      "for process in $(ip netns pids \(name) 2>/dev/null); do kill -KILL $process; done; ip netns delete \(name)"
    }
    _ = try? await Program.run(["sh", "-c", commands.joined(separator: "\n")])
  }

  /// Removes what interrupted tests left behind.
  private static func removeLeftovers() async {
    guard let list = try? await Program.run(["ip", "netns", "list"]) else { return }
    let names = list.output.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
    let leftovers = names.filter { name in
      let owner = name.dropFirst(family.count).split(separator: "-").first.flatMap { pid_t($0) }
      return name.hasPrefix(family) && owner.map { kill($0, 0) != 0 && errno == ESRCH } ?? false
    }
    await remove(namespaces: leftovers)
  }

  private static func findObstacle() -> String? {
    guard geteuid() == 0 else { return "hosts made of network namespaces need root" }
    let name = "\(family)\(getpid())-try"
    let script = "ip netns add \(name) && ip -n \(name) link add name bridge type bridge && unshare --uts true"
    let run: ProgramResult
    do {
      run = try Program.runNow(["sh", "-c", script])
      _ = try Program.runNow(["sh", "-c", "ip netns delete \(name)"])
    } catch {
      return "hosts made of network namespaces need a shell: \(error)"
    }
    guard run.status == 0 else {
      let reason = run.errors.trimmingCharacters(in: .whitespacesAndNewlines)
      return "hosts made of network namespaces need iproute2, util-linux and the right to use them: \(reason)"
    }
    return nil
  }
}
