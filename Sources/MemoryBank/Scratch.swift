/// Elements that only one thread at a time touches, or each thread only its own: what `Workers` write to.
///
/// Uninitialised unless a value is given.
final class Scratch<Element: BitwiseCopyable> {
  let count: Int
  let elements: UnsafeMutablePointer<Element>

  init(count: Int) {
    self.count = count
    elements = .allocate(capacity: count)
  }

  convenience init(repeating value: Element, count: Int) {
    self.init(count: count)
    elements.initialize(repeating: value, count: count)
  }

  /// These values, then `filling`.
  convenience init(_ values: [Element], filling: Element, to count: Int) {
    self.init(repeating: filling, count: count)
    values.withUnsafeBufferPointer { elements.update(from: $0.baseAddress!, count: min($0.count, count)) }
  }

  deinit { elements.deallocate() }

  var buffer: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: elements, count: count) }
}
