#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension Host {
  /// Bytes of this process's memory that are in use, 0 where the kernel does not say.
  public static var residentMemory: Int { pages(1) ?? 0 }

  /// Bytes of this process's memory at its largest, 0 where the kernel does not say.
  public static var peakResidentMemory: Int {
    let line = KernelFiles().lines(of: "/proc/self/status").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
  }

  /// Bytes of this host, 0 where the kernel does not say.
  public static var memory: Int { meminfo("MemTotal:") ?? 0 }

  /// Bytes free on this host: what the kernel says, or less where a control group says so.
  public static var availableMemory: Int {
    min(meminfo("MemAvailable:") ?? 4 << 30, ControlGroups().memory ?? .max)
  }

  private static func meminfo(_ name: String) -> Int? {
    let line = KernelFiles().lines(of: "/proc/meminfo").first { $0.hasPrefix(name) }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
  }

  /// A number of /proc/self/statm in bytes: 0 what is mapped, 1 what is resident, 5 what can be written to.
  static func pages(_ place: Int) -> Int? {
    let numbers = KernelFiles().text(of: "/proc/self/statm").split(whereSeparator: \.isWhitespace)
    return numbers.count > place ? Int(numbers[place]).map { $0 * Int(getpagesize()) } : nil
  }
}

/// What the limits of a shell or a batch system (`ulimit -v`, `ulimit -d`) allow this process of memory.
///
/// They count what is mapped, whether or not it is ever touched: libraries, stacks, and what the allocator keeps.
public struct MemoryLimit: Sendable, Equatable {
  /// `address space (ulimit -v)`.
  public let name: String
  /// Bytes in all.
  public let allowed: Int
  /// Bytes that are taken.
  public let used: Int

  public var left: Int { max(0, allowed - used) }

  /// The one that leaves least; nil where there is none.
  public static var ofThisProcess: MemoryLimit? {
    let limits = [
      (name: "address space (ulimit -v)", limit: Limits.addressSpace, used: Host.pages(0)),
      (name: "data (ulimit -d)", limit: Limits.data, used: Host.pages(5)),
    ]
    return limits.compactMap { name, limit, used in
      limit.map { MemoryLimit(name: name, allowed: $0, used: used ?? 0) }
    }.min { $0.left < $1.left }
  }
}

/// Memory that was wanted and not to be had.
public struct MemoryError: Error, CustomStringConvertible, Sendable, Equatable {
  /// Bytes.
  public let wanted: Int
  /// The limit that is in the way, where there is one.
  public let limit: MemoryLimit?

  /// - Parameters:
  ///   - wanted: bytes.
  ///   - limit: as this process has it.
  public init(wanted: Int, limit: MemoryLimit? = .ofThisProcess) {
    self.wanted = wanted
    // What lies far from its limit was refused for another reason.
    self.limit = limit.flatMap { $0.left < wanted + $0.allowed / 4 ? $0 : nil }
  }

  public var description: String {
    let size = ByteText.of(wanted)
    guard let limit else { return "\(size) more of memory cannot be had: the host has no more" }
    return "\(size) more of memory cannot be had: a process may take \(ByteText.of(limit.allowed)) of "
      + "\(limit.name), this one has \(ByteText.of(limit.used))"
  }
}
