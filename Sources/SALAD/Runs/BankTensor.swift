import Safetensors

/// The one tensor of a bank's file, whole or shard: `bank`, (rows, D) float32.
enum BankTensor {
  static let name = "bank"

  static func description(rows: Int, dimension: Int) -> TensorDescription {
    TensorDescription(name: name, type: .float32, shape: [rows, dimension])
  }

  /// Throws, naming the file, unless it holds this tensor of this shape and nothing else.
  static func withBytes<R>(
    of file: SafetensorsFile, rows: Int, dimension: Int, _ body: (UnsafeRawBufferPointer) throws -> R
  ) throws -> R {
    try checkAlone(in: file)
    return try file.withBytes(of: name, type: .float32, shape: [rows, dimension], body)
  }

  /// The rows where they are mapped, nil where they lie askew. Throws as `withBytes` does.
  static func mapped(from file: SafetensorsFile, rows: Int, dimension: Int) throws -> MappedFloats? {
    try checkAlone(in: file)
    return try file.mappedFloats(name, shape: [rows, dimension])
  }

  private static func checkAlone(in file: SafetensorsFile) throws {
    guard file.tensors.count == 1 else {
      throw SaladError(.badData, "\(file.path): expected the one tensor \(name), found \(file.tensors.count) tensors")
    }
  }

  /// The floats at these places.
  static func floats(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> [Float] {
    Array(unsafeUninitializedCapacity: range.count) { buffer, initialized in
      let stride = MemoryLayout<Float>.stride
      let source = UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound * stride..<range.upperBound * stride])
      UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
      initialized = range.count
    }
  }
}
