import Foundation

/// Memory allocated once, aligned for vectors, zeroed, and released with its owner.
///
/// Who may touch which part when is the owner's matter: the workers share it without locks where they write to
/// disjoint parts.
final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int

  init(count: Int) {
    self.count = count
    let bytes = max(count * MemoryLayout<Element>.stride, 1)
    // Two megabytes is a huge page: large buffers then cost few page faults and few TLB entries.
    let hugePage = 1 << 21
    let alignment = bytes >= hugePage ? hugePage : 64
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: alignment)
    #if os(Linux)
      if bytes >= hugePage { madvise(raw, bytes, MADV_HUGEPAGE) }
    #endif
    memset(raw, 0, bytes)
    pointer = raw.bindMemory(to: Element.self, capacity: max(count, 1))
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }

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
