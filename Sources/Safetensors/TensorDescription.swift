/// Element types of the safetensors format that fill whole bytes, under the names that its headers use.
public enum TensorType: String, Sendable, CaseIterable {
  case boolean = "BOOL"
  case uint8 = "U8"
  case int8 = "I8"
  case float8E5M2 = "F8_E5M2"
  case float8E4M3 = "F8_E4M3"
  case int16 = "I16"
  case uint16 = "U16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int32 = "I32"
  case uint32 = "U32"
  case float32 = "F32"
  case float64 = "F64"
  case int64 = "I64"
  case uint64 = "U64"

  /// Bytes of one element.
  public var byteCount: Int {
    switch self {
    case .boolean, .uint8, .int8, .float8E5M2, .float8E4M3: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .float64, .int64, .uint64: 8
    }
  }
}

/// Name, element type and shape of one tensor.
public struct TensorDescription: Sendable, Equatable {
  public var name: String
  public var type: TensorType
  /// Row-major; empty for a single number.
  public var shape: [Int]

  public init(name: String, type: TensorType, shape: [Int]) {
    self.name = name
    self.type = type
    self.shape = shape
  }

  /// The product of the shape, 1 for a single number.
  ///
  /// - Precondition: the tensor has a `byteCount`.
  public var elementCount: Int {
    // The product of the others may be beyond an Int where one side is 0.
    shape.contains(0) ? 0 : shape.reduce(1, *)
  }

  /// Bytes that the tensor takes, or nil when that overflows an Int or a side is negative.
  public var byteCount: Int? {
    // A zero side makes the tensor empty, however large the others are.
    if shape.contains(0) { return shape.contains { $0 < 0 } ? nil : 0 }
    var count = type.byteCount
    for side in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: side)
      if overflow || side < 0 { return nil }
      count = product
    }
    return count
  }
}
