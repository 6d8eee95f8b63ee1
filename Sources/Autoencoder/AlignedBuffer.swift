import Platform

/// Memory allocated once, aligned for vectors, zeroed, and released with its owner.
///
/// Who may touch which part when is the owner's matter: the workers share it without locks where they write to
/// disjoint parts.
final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int
  /// Of a large buffer: the pages to give back.
  private let pages: Pages?

  init(count: Int) throws(MemoryError) {
    self.count = count
    let bytes = max(count * MemoryLayout<Element>.stride, 1)
    let raw: UnsafeMutableRawPointer
    if bytes >= Pages.huge {
      let pages = try Pages(bytes: bytes)
      raw = pages.start
      self.pages = consume pages
    } else {
      raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      pages = nil
    }
    pointer = raw.bindMemory(to: Element.self, capacity: max(count, 1))
  }

  deinit {
    if pages == nil { UnsafeMutableRawPointer(pointer).deallocate() }
  }

  /// The same elements in memory of their own.
  func copied() throws(MemoryError) -> AlignedBuffer {
    let copy = try AlignedBuffer(count: count)
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
