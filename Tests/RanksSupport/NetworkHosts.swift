import Foundation

/// Several hosts on this machine: network namespaces with a name and an address each, joined by a bridge.
///
///     try await NetworkHosts.with(count: 2) { hosts in
///       let run = try await hosts.mpirun(slots: [2, 1], [Program.built("ranks"), "collectives"])
///     }
///
/// `Tests/Cluster/hosts` makes them: its head says what such a host is.
public struct NetworkHosts: Sendable {
  /// What `mpirun` and the ranks call them: host1, host2, ...
  public let names: [String]
  /// What the network namespaces' names begin with.
  public let group: String
  private let agent: String

  /// Why this machine cannot make such hosts, as a sentence; nil when it can.
  public static let unavailable: String? = findObstacle()

  /// Makes the hosts, calls `body`, and removes them with whatever still runs there, even after an error.
  public static func with<R: Sendable>(
    count: Int, _ body: @Sendable (NetworkHosts) async throws -> R
  ) async throws -> R {
    let group = "salad-hosts-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    do {
      let agent = try await script("make", group, "\(count)").trimmingCharacters(in: .whitespacesAndNewlines)
      let hosts = NetworkHosts(names: (1...count).map { "host\($0)" }, group: group, agent: agent)
      let result = try await body(hosts)
      try await script("remove", group)
      return result
    } catch {
      _ = try? await script("remove", group)
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
    timeLimit: Duration = .seconds(600), watch: (@Sendable (pid_t) -> Void)? = nil
  ) async throws -> ProgramResult {
    precondition(slots.count == names.count, "\(slots.count) slots for \(names.count) hosts")
    let list = zip(names, slots).filter { $1 > 0 }.map { "\($0):\($1)" }.joined(separator: ",")
    // These hosts share a few cores, which Open MPI cannot know: waiting ranks must give way.
    let start = [
      "mpirun", "--bind-to", "none", "--mca", "plm_rsh_agent", agent, "--mca", "mpi_yield_when_idle", "1",
      "--host", list, "-n", "\(slots.reduce(0, +))",
    ]
    return try await Program.run(
      [Self.scriptPath, "run", group, names[0]] + start + options + command,
      environment: environment.merging(Program.asRoot) { given, _ in given }, timeLimit: timeLimit, watch: watch)
  }

  // MARK: The script

  private static let scriptPath = Program.source("Tests/Cluster/hosts")

  @discardableResult
  private static func script(_ words: String...) async throws -> String {
    let run = try await Program.run([scriptPath] + words)
    guard run.status == 0 else { throw ProgramError(description: "\(run)") }
    return run.output
  }

  private static func findObstacle() -> String? {
    do {
      let run = try Program.runNow([scriptPath, "check"])
      guard run.status != 0 else { return nil }
      return (run.output.isEmpty ? run.errors : run.output).trimmingCharacters(in: .whitespacesAndNewlines)
    } catch {
      return "hosts made of network namespaces need a shell: \(error)"
    }
  }
}
