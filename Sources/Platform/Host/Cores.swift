import Foundation

extension Host {
  /// Hardware threads that are there.
  public static var hardwareThreads: Int { ProcessInfo.processInfo.processorCount }

  /// Hardware threads that this process may use.
  public static var activeHardwareThreads: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Threads that compute beside each other at full speed: the cores that this process may use, or fewer where a control
  /// group gives it less of their time. At least 1.
  public static var activeCores: Int {
    let cores = Cores.physical(of: hardwareThreads(of: "self"))
    return max(1, min(cores > 0 ? cores : activeHardwareThreads, ControlGroups().cores ?? .max))
  }

  /// The numbers of the hardware threads that a process may run on; none when the kernel does not say.
  ///
  /// The kernel keeps a process within the `cpuset` of its control groups, so that these are within it, too.
  ///
  /// - Parameter process: its folder in /proc.
  public static func hardwareThreads(of process: String) -> [Int] {
    let line = KernelFiles().lines(of: "/proc/\(process)/status").first { $0.hasPrefix("Cpus_allowed_list:") }
    return Cores.numbers(list: line?.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? "")
  }
}

/// Cores as the kernel tells of them.
public enum Cores {
  /// Numbers of a list as Linux writes it: `0-2,5` is 0, 1, 2 and 5.
  static func numbers(list: String) -> [Int] {
    list.split { $0 == "," || $0.isWhitespace }.flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  /// How many cores these hardware threads belong to. Those of one core (SMT, "hyperthreads") share its arithmetic: two
  /// workers on them are hardly faster than one, and take twice the memory.
  ///
  /// - Parameters:
  ///   - hardwareThreads: their numbers.
  ///   - root: where /sys is; of a test.
  public static func physical(of hardwareThreads: [Int], root: String = "") -> Int {
    let files = KernelFiles(root: root)
    let cores = hardwareThreads.map { thread -> Int in
      let topology = "/sys/devices/system/cpu/cpu\(thread)/topology"
      // The second is the new name of the first.
      let siblings = ["thread_siblings_list", "core_cpus_list"].lazy
        .map { numbers(list: files.text(of: "\(topology)/\($0)")) }.first { $0.contains(thread) }
      // A core is known by its first thread. Without topology, as in some containers, each thread is one.
      return siblings?.min() ?? thread
    }
    return Set(cores).count
  }
}
