import Foundation

/// What the system tells of this host and this process.
public enum Host {
  /// gethostname(2).
  public static var name: String {
    var characters = [CChar](repeating: 0, count: 256)
    // The last character stays 0: a longer name is cut without one.
    guard gethostname(&characters, characters.count - 1) == 0 else { return "unknown" }
    return String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Of this process, on this host.
  public static var processNumber: Int32 { getpid() }

  /// Of who started it.
  public static var parentNumber: Int32 { getppid() }

  /// What the system calls the user whose process this is, getpwuid(3); nil where it has no name for them.
  public static var user: String? {
    getpwuid(geteuid()).flatMap { $0.pointee.pw_name.map { String(cString: $0) } }
  }

  /// A variable of the environment.
  public static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// All variables of the environment.
  public static var variables: [String: String] { ProcessInfo.processInfo.environment }

  /// This process's executable, also where its file has been replaced meanwhile.
  public static let ownProgram = "/proc/self/exe"

  /// Sets a variable of the environment, unless it is set.
  public static func setVariable(_ name: String, _ value: String) { setenv(name, value, 0) }

  /// Takes a variable out of the environment.
  public static func removeVariable(_ name: String) { unsetenv(name) }

  /// Ends the process at once: nothing is cleaned up, nobody is waited for.
  public static func endProcess(_ status: Int32) -> Never { _exit(status) }

  /// From now on other threads go first, of this process as well: setpriority(2), which on Linux means the calling thread
  /// and those that it starts. Elsewhere nothing happens.
  public static func yieldThread() {
    #if os(Linux)
      _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, 10)
    #endif
  }

  /// Sleeps at least so long.
  public static func pause(microseconds: UInt32) { usleep(microseconds) }

  /// What the kernel says of the first CPU under a name: `flags`, `model name`.
  public static func cpu(_ name: String) -> String? {
    let line = KernelFiles().lines(of: "/proc/cpuinfo").first { $0.hasPrefix(name) }
    return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// Names of the libraries, without their folders, that this process has loaded.
  public static var libraries: [String] {
    let paths = KernelFiles().lines(of: "/proc/self/maps").compactMap { line in
      line.split(separator: "/").last.map(String.init)
    }
    return Set(paths).filter { $0.contains(".so") }.sorted()
  }

  /// Seconds that processors have spent on this process, on all of its threads together.
  public static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Bytes that this process has read and written so far, through files, pipes and sockets, as far as the kernel counts
  /// them: not what is mapped or shared. 0 where it does not say.
  public static var transferredBytes: Int {
    KernelFiles().lines(of: "/proc/self/io").filter { $0.hasPrefix("rchar:") || $0.hasPrefix("wchar:") }
      .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
      .reduce(0, +)
  }
}

/// The files in which the kernel tells of itself, below a root that a test may choose.
struct KernelFiles {
  /// Before the slash that paths begin with.
  var root = ""

  func text(of path: String) -> String {
    (try? Files.read(root + path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  func lines(of path: String) -> [Substring] { text(of: path).split(separator: "\n") }

  /// The number that a file begins with; nil where there is none, such as `max` or -1.
  func number(_ path: String) -> Int? { Int(text(of: path).prefix { $0.isNumber }) }

  func exists(_ path: String) -> Bool { Files.exists(root + path) }
}
