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

  /// A variable of the environment.
  public static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// Sets a variable of the environment, unless it is set.
  public static func setVariable(_ name: String, _ value: String) { setenv(name, value, 0) }

  /// Takes a variable out of the environment.
  public static func removeVariable(_ name: String) { unsetenv(name) }

  /// Ends the process at once: nothing is cleaned up, nobody is waited for.
  public static func endProcess(_ status: Int32) -> Never { _exit(status) }

  /// Sleeps at least so long.
  public static func pause(microseconds: UInt32) { usleep(microseconds) }

  // MARK: - Cores

  /// Cores that are there.
  public static var cores: Int { ProcessInfo.processInfo.processorCount }

  /// Cores that this process may use.
  public static var activeCores: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// The numbers of the cores that a process may run on; none when the kernel does not say.
  ///
  /// - Parameter process: its folder in /proc.
  public static func cores(of process: String) -> [Int] {
    let line = lines(of: "/proc/\(process)/status").first { $0.hasPrefix("Cpus_allowed_list:") }
    return cores(list: line?.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? "")
  }

  /// Cores of a list as Linux writes it: `0-2,5` is 0, 1, 2 and 5.
  static func cores(list: String) -> [Int] {
    list.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  /// What the kernel says of the first CPU under a name: `flags`, `model name`.
  public static func cpu(_ name: String) -> String? {
    let line = lines(of: "/proc/cpuinfo").first { $0.hasPrefix(name) }
    return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// Seconds that processors have spent on this process, on all of its threads together.
  public static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  // MARK: - Memory

  /// Bytes of this process's memory that are in use, 0 where the kernel does not say.
  public static var residentMemory: Int {
    let numbers = text(of: "/proc/self/statm").split(separator: " ")
    return numbers.count > 1 ? (Int(numbers[1]) ?? 0) * Int(getpagesize()) : 0
  }

  /// Bytes of this process's memory at its largest, 0 where the kernel does not say.
  public static var peakResidentMemory: Int {
    let line = lines(of: "/proc/self/status").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
  }

  /// Bytes free on this host: what the kernel says, or less where a control group says so.
  public static var availableMemory: Int {
    let available = lines(of: "/proc/meminfo").first { $0.hasPrefix("MemAvailable:") }
      .flatMap { $0.split(separator: " ").dropFirst().first }
      .flatMap { Int($0) }
      .map { $0 * 1024 }
    return min(available ?? 4 << 30, controlGroupMemory)
  }

  /// Bytes that this process's control groups still allow, the largest number where none says.
  private static var controlGroupMemory: Int {
    lines(of: "/proc/self/cgroup").map { line -> Int in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, parts[1].isEmpty || parts[1].split(separator: ",").contains("memory") else { return .max }
      // Version 2 has one hierarchy for all; version 1 one for memory, with other names.
      let isSecond = parts[1].isEmpty
      let root = isSecond ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
      let names =
        isSecond ? ("memory.max", "memory.current") : ("memory.limit_in_bytes", "memory.usage_in_bytes")
      // A container sees its own group as the root, under a path that does not exist there; limits above count, too.
      var (folder, least) = (String(parts[2]), Int.max)
      while true {
        if let limit = number("\(root)\(folder)/\(names.0)") {
          let used = (number("\(root)\(folder)/\(names.1)") ?? 0) - reclaimable("\(root)\(folder)/memory.stat")
          least = min(least, max(0, limit - max(0, used)))
        }
        guard !folder.isEmpty else { return least }
        folder = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
      }
    }.min() ?? .max
  }

  /// The number that a file consists of; nil where there is none, such as `max`.
  private static func number(_ path: String) -> Int? { Int(text(of: path).prefix { $0.isNumber }) }

  /// Bytes of files in memory that a group gives up when it needs room.
  private static func reclaimable(_ path: String) -> Int {
    lines(of: path).first { $0.hasPrefix("inactive_file ") }.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
  }

  // MARK: - Transfers

  /// Bytes that this process has read and written so far, through files, pipes and sockets, as far as the kernel counts
  /// them: not what is mapped or shared. 0 where it does not say.
  public static var transferredBytes: Int {
    lines(of: "/proc/self/io").filter { $0.hasPrefix("rchar:") || $0.hasPrefix("wchar:") }
      .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
      .reduce(0, +)
  }

  // MARK: - The kernel's files

  private static func text(of path: String) -> String {
    (try? Files.read(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  private static func lines(of path: String) -> [Substring] { text(of: path).split(separator: "\n") }
}
