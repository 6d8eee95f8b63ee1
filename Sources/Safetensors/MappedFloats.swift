/// Floats in the file that they are mapped from: nothing is copied, and all processes that map the file share its pages.
///
///     let file = try SafetensorsFile(path: "bank.safetensors")
///     let rows = try file.mappedFloats("bank", shape: [count, dimension])
///
/// The file stays mapped for as long as there is one of these.
public struct MappedFloats: Sendable {
  private let file: SafetensorsFile
  /// Of the file, a multiple of 4 at both ends.
  private let bytes: Range<Int>

  init(of file: SafetensorsFile, bytes: Range<Int>) {
    self.file = file
    self.bytes = bytes
  }

  public var path: String { file.path }

  public var count: Int { bytes.count / MemoryLayout<Float>.stride }

  /// The floats at these places, of the same file.
  public subscript(places: Range<Int>) -> MappedFloats {
    precondition(places.lowerBound >= 0 && places.upperBound <= count, "floats \(places) of \(count)")
    let start = bytes.lowerBound + places.lowerBound * MemoryLayout<Float>.stride
    return MappedFloats(of: file, bytes: start..<start + places.count * MemoryLayout<Float>.stride)
  }

  /// Calls `body` with the floats; their address is not nil, even where there are none.
  public func withUnsafeBufferPointer<R>(_ body: (UnsafeBufferPointer<Float>) throws -> R) rethrows -> R {
    try withExtendedLifetime(file) {
      try body(UnsafeRawBufferPointer(rebasing: file.mapping[bytes]).assumingMemoryBound(to: Float.self))
    }
  }

  /// Throws, naming the path, when somebody has written to the file since it was opened.
  public func checkUnchanged() throws { try file.checkUnchanged() }
}
