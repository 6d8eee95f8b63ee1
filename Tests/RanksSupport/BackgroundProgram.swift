import Foundation

/// A program that goes on while a test starts others, and takes no lane of theirs. End it with `defer`.
public final class BackgroundProgram {
  private let process: pid_t
  private let folder: TemporaryFolder
  /// nil while it runs.
  public private(set) var status: Int32?

  /// Starts it.
  ///
  /// - Parameter command: the program and its arguments.
  public init(_ command: [String]) throws {
    folder = try TemporaryFolder()
    process = try Program.spawn(
      command, environment: [:], directory: nil, output: folder.path + "/output", errors: folder.path + "/errors")
  }

  deinit { folder.remove() }

  /// Its process id.
  public var number: Int32 { process }

  /// What it has written to standard output.
  public var output: String { (try? Program.text(of: folder.path + "/output")) ?? "" }

  /// What it has written to standard error.
  public var errors: String { (try? Program.text(of: folder.path + "/errors")) ?? "" }

  /// Whether it has not ended by itself.
  public var isRunning: Bool {
    if status == nil { status = Program.exitStatus(of: process) }
    return status == nil
  }

  /// Sends it a signal, unless it has ended, and waits for its end; after a minute it is killed.
  public func end(_ signal: Int32 = SIGKILL) {
    guard isRunning else { return }
    kill(process, signal)
    for _ in 0..<3000 where isRunning { usleep(20_000) }
    guard isRunning else { return }
    kill(process, SIGKILL)
    while isRunning { usleep(20_000) }
  }
}
