import Foundation

/// What a program did.
public struct ProgramResult: Sendable, CustomStringConvertible {
  public let command: [String]
  /// The exit status, or 128 + the signal that ended it, as shells say it.
  public let status: Int32
  /// Whether it was ended because it took longer than it may.
  public let timedOut: Bool
  /// Standard output.
  public let output: String
  /// Standard error.
  public let errors: String
  public let duration: Duration

  public var description: String {
    let end = timedOut ? "was ended after \(duration)" : "ended with status \(status)"
    return "\(command.joined(separator: " ")) \(end)\n--- output\n\(output)\n--- errors\n\(errors)"
  }
}

/// A failure to start a program.
public struct ProgramError: Error, CustomStringConvertible {
  public let description: String
}

/// Programs that tests start: a few at a time, with a time limit, and gone afterwards.
public enum Program {
  /// Runs a program to its end.
  ///
  /// Programs wait for each other, whichever tests start them, so that only as many run as keep the machine busy.
  ///
  /// - Parameters:
  ///   - command: the program, found on PATH unless it has a slash, and its arguments.
  ///   - environment: added to this process's.
  ///   - directory: where it starts; this process's directory by default.
  ///   - timeLimit: then the program and whatever it started is ended.
  ///   - watch: called with the process id some fifty times a second while it runs, for tests that send signals.
  public static func run(
    _ command: [String], environment: [String: String] = [:], directory: String? = nil,
    timeLimit: Duration = .seconds(600), watch: (@Sendable (pid_t) -> Void)? = nil
  ) async throws -> ProgramResult {
    try await lanes.run {
      try await withCheckedThrowingContinuation { continuation in
        queue.async {
          continuation.resume(
            with: Result {
              try runNow(command, environment: environment, directory: directory, timeLimit: timeLimit, watch: watch)
            })
        }
      }
    }
  }

  /// Runs a program on several ranks of this machine: `mpirun --bind-to none --oversubscribe -n RANKS COMMAND`.
  ///
  /// - Parameter options: further options of `mpirun`.
  public static func mpirun(
    ranks: Int, _ command: [String], options: [String] = [], environment: [String: String] = [:],
    directory: String? = nil, timeLimit: Duration = .seconds(600), watch: (@Sendable (pid_t) -> Void)? = nil
  ) async throws -> ProgramResult {
    try await run(
      ["mpirun", "--bind-to", "none", "--oversubscribe", "-n", "\(ranks)"] + options + command,
      environment: environment.merging(asRoot) { given, _ in given }, directory: directory, timeLimit: timeLimit,
      watch: watch)
  }

  /// The path of an executable that was built beside these tests, such as `ranks` or `salad`.
  public static func built(_ name: String) throws -> String {
    // On Linux the tests are an executable among the products; on macOS a bundle among them, loaded by another program.
    let bundles = Bundle.allBundles.map(\.bundleURL).filter { $0.pathExtension == "xctest" }
    let folders = bundles.map { $0.deletingLastPathComponent() } + [Bundle.main.bundleURL]
    let paths = folders.map { $0.appendingPathComponent(name).path }
    guard let path = paths.first(where: FileManager.default.isExecutableFile(atPath:)) else {
      throw ProgramError(description: "\(name): expected it at \(paths.joined(separator: " or ")), found nothing")
    }
    return path
  }

  /// The absolute path of a file of this repository, such as `Tests/Cluster/hosts`.
  public static func source(_ path: String) -> String {
    let file = URL(fileURLWithPath: #filePath)  // Tests/RanksSupport/Program.swift
    return (0..<3).reduce(file) { folder, _ in folder.deletingLastPathComponent() }.path + "/" + path
  }

  /// `mpirun` refuses to run as root unless told twice; tests in a container are root.
  static let asRoot = ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]

  private static let lanes = Lanes()

  /// No program blocks a thread that the tests need.
  private static let queue = DispatchQueue(label: "programs", attributes: .concurrent)

  static func runNow(
    _ command: [String], environment: [String: String] = [:], directory: String? = nil,
    timeLimit: Duration = .seconds(600), watch: ((pid_t) -> Void)? = nil
  ) throws -> ProgramResult {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    // Files, not pipes: a process that outlives its parent holds a pipe open, and reading it would hang.
    let output = folder.path + "/output"
    let errors = folder.path + "/errors"
    let clock = ContinuousClock()
    let start = clock.now
    let process = try spawn(command, environment: environment, directory: directory, output: output, errors: errors)

    var timedOut = false
    var status = exitStatus(of: process)
    while status == nil {
      if clock.now - start > timeLimit {
        timedOut = true
        status = end(process)
      } else {
        watch?(process)
        usleep(20_000)
        status = exitStatus(of: process)
      }
    }
    let duration = clock.now - start
    // Ranks end with mpirun; what is left of the session after it is ended, too.
    killSession(of: process)
    return ProgramResult(
      command: command, status: status ?? -1, timedOut: timedOut, output: try text(of: output),
      errors: try text(of: errors), duration: duration)
  }

  /// Starts the program as the leader of a session of its own, so that all it starts can be found again.
  static func spawn(
    _ command: [String], environment: [String: String], directory: String?, output: String, errors: String
  ) throws -> pid_t {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, O_WRONLY | O_CREAT, 0o600)
    // A queue's thread blocks all signals, and a child would inherit that: mpirun could not be asked to end.
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    #if canImport(Darwin)
      let newSession = POSIX_SPAWN_SETSID
    #else
      let newSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, which <spawn.h> shows only with GNU extensions.
    #endif
    posix_spawnattr_setflags(&attributes, Int16(Int32(POSIX_SPAWN_SETSIGMASK) | newSession))

    let command = directory.map { ["env", "-C", $0] + command } ?? command
    let variables = ProcessInfo.processInfo.environment.merging(environment) { _, given in given }
    var arguments = command.map { strdup($0) } + [nil]
    var settings = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (arguments + settings).forEach { free($0) } }
    var process: pid_t = 0
    let code = posix_spawnp(&process, command[0], &actions, &attributes, &arguments, &settings)
    guard code == 0 else {
      throw ProgramError(description: "\(command[0]) did not start: \(String(cString: strerror(code)))")
    }
    return process
  }

  /// Nil while the process runs.
  static func exitStatus(of process: pid_t) -> Int32? {
    var status: Int32 = 0
    let found = waitpid(process, &status, WNOHANG)
    if found == 0 || (found < 0 && errno == EINTR) { return nil }
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  /// Asks the process to end, which lets `mpirun` end its ranks, and makes it end five seconds later.
  private static func end(_ process: pid_t) -> Int32 {
    kill(-process, SIGTERM)
    for _ in 0..<250 {
      if let status = exitStatus(of: process) { return status }
      usleep(20_000)
    }
    killSession(of: process)
    kill(-process, SIGKILL)
    while true {
      if let status = exitStatus(of: process) { return status }
      usleep(20_000)
    }
  }

  /// Kills every process of the session that this process led: `mpirun` gives each rank a process group of its own.
  static func killSession(of leader: pid_t) {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    for process in entries.compactMap({ pid_t($0) }) where process != leader && getsid(process) == leader {
      kill(process, SIGKILL)
    }
  }

  static func text(of path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }
}
