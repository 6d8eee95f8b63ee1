// CONTRACT STUB: signatures are agreed, bodies are not.
public enum TensorType: String, Sendable { case float32 = "F32", int64 = "I64", uint8 = "U8", float64 = "F64" 
  public var byteCount: Int { fatalError("stub") }
}

public struct TensorDescription: Sendable, Equatable {
  public var name: String
  public var type: TensorType
  public var shape: [Int]
  public init(name: String, type: TensorType, shape: [Int]) { self.name = name; self.type = type; self.shape = shape }
  public var elementCount: Int { shape.reduce(1, *) }
}

public struct SafetensorsError: Error, CustomStringConvertible, Sendable {
  public let description: String   // one sentence: path, what was expected, what was found
}

/// A memory-mapped file. The header is bounds-checked before anything else is looked at.
public final class SafetensorsFile: Sendable {
  public init(path: String) throws { fatalError("stub") }
  public var path: String { fatalError("stub") }
  public var tensors: [TensorDescription] { fatalError("stub") }   // in file order
  public var metadata: [String: String] { fatalError("stub") }
  /// Throws, naming path and tensor, unless a tensor of this name, type and shape is there. nil shape: any.
  public func withBytes<R>(of name: String, type: TensorType, shape: [Int]?, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R { fatalError("stub") }
  public func floats(_ name: String, shape: [Int]? = nil) throws -> [Float] { fatalError("stub") }
  public func int64s(_ name: String, shape: [Int]? = nil) throws -> [Int64] { fatalError("stub") }
}

/// Streams tensors to a file in the declared order; nothing of time or host is in the bytes.
public struct SafetensorsWriter: ~Copyable {
  public init(path: String, tensors: [TensorDescription], metadata: [String: String] = [:]) throws { fatalError("stub") }
  /// The next bytes of the tensors, in order; tensors may be written in any number of pieces.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws { fatalError("stub") }
  public mutating func write(_ values: [Float]) throws { fatalError("stub") }
  public mutating func write(_ values: [Int64]) throws { fatalError("stub") }
  /// fsync and close. Throws if fewer bytes were written than declared.
  public consuming func finish() throws { fatalError("stub") }
}
