import Foundation

/// Memory allocated once, aligned for vectors, zeroed, and released with its owner.
///
/// Who may touch which part when is the owner's matter: the workers share it without locks where they write to
/// disjoint parts.
final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int
  /// Of a large buffer: the pages to give back.
  private let mapped: UnsafeMutableRawBufferPointer?

  init(count: Int) {
    self.count = count
    let bytes = max(count * MemoryLayout<Element>.stride, 1)
    let raw: UnsafeMutableRawPointer
    if bytes >= Self.hugePage {
      (raw, mapped) = Self.map(bytes)
    } else {
      raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      memset(raw, 0, bytes)
      mapped = nil
    }
    pointer = raw.bindMemory(to: Element.self, capacity: max(count, 1))
  }

  deinit {
    if let mapped {
      munmap(mapped.baseAddress, mapped.count)
    } else {
      UnsafeMutableRawPointer(pointer).deallocate()
    }
  }

  /// Two megabytes: large buffers in such pages cost few page faults and few TLB entries.
  private static var hugePage: Int { 1 << 21 }

  /// Fresh memory from the kernel, zero without being written to: what is never touched costs nothing, and what is
  /// touched is so first by the thread that works with it.
  ///
  /// - Returns: the place aligned for huge pages, and what to unmap.
  private static func map(_ bytes: Int) -> (UnsafeMutableRawPointer, UnsafeMutableRawBufferPointer) {
    let size = bytes + hugePage
    guard let base = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), base != MAP_FAILED
    else { fatalError("\(bytes) bytes cannot be allocated: \(String(cString: strerror(errno)))") }
    let start = base.alignedUp(toMultipleOf: hugePage)
    #if os(Linux)
      madvise(start, bytes, MADV_HUGEPAGE)
    #endif
    return (start, UnsafeMutableRawBufferPointer(start: base, count: size))
  }

  /// The same elements in memory of their own.
  func copied() -> AlignedBuffer {
    let copy = AlignedBuffer(count: count)
    copy.pointer.update(from: pointer, count: count)
    return copy
  }

  /// The same elements in memory of their own.
  func copied() -> AlignedBuffer {
    let copy = AlignedBuffer(count: count)
    copy.pointer.update(from: pointer, count: count)
    return copy
  }

  var elements: UnsafeMutableBufferPointer<Element> { UnsafeMutableBufferPointer(start: pointer, count: count) }

  subscript(range: Range<Int>) -> UnsafeMutableBufferPointer<Element> {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range \(range) of a buffer of \(count)")
    return UnsafeMutableBufferPointer(start: pointer + range.lowerBound, count: range.count)
  }
}

/// Hands out offsets into a buffer that is allocated once, when all are known.
struct BufferPlan {
  private(set) var count = 0

  /// The offset of `elements` more elements, on a cache line of its own.
  mutating func reserve(_ elements: Int) -> Int {
    let offset = count
    count += (elements + 15) / 16 * 16
    return offset
  }
}
