#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Fresh memory from the kernel (mmap), given back with its owner.
///
/// It is zero without being written to: what is never touched costs nothing, and what is touched is so first by the thread
/// that works with it.
public struct Pages: ~Copyable, @unchecked Sendable {
  // @unchecked: who may touch which part when is the owner's matter.

  /// Two megabytes: large buffers in such pages cost few page faults and few TLB entries.
  public static let huge = 1 << 21

  /// Aligned for huge pages.
  public let start: UnsafeMutableRawPointer
  private let mapped: UnsafeMutableRawBufferPointer

  /// - Parameter bytes: how many there must be from `start` on.
  /// - Throws: where the system, or a limit of this process, does not allow them.
  public init(bytes: Int) throws(MemoryError) {
    let size = bytes + Self.huge
    guard let base = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), base != MAP_FAILED
    else { throw MemoryError(wanted: bytes) }
    start = base.alignedUp(toMultipleOf: Self.huge)
    #if os(Linux)
      madvise(start, bytes, MADV_HUGEPAGE)
    #endif
    mapped = UnsafeMutableRawBufferPointer(start: base, count: size)
  }

  deinit { munmap(mapped.baseAddress, mapped.count) }
}
