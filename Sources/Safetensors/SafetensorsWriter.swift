import Platform

/// Streams tensors to a `.safetensors` file in the declared order.
///
///     let bank = TensorDescription(name: "bank", type: .float32, shape: [rows, dimension])
///     var writer = try SafetensorsWriter(path: path, tensors: [bank])
///     try writer.write(shard)
///     try writer.finish()
///
/// The bytes are a function of descriptions, metadata and values alone: nothing of time or host is in them.
/// After an error the file is unfinished, and its remover is the caller.
public struct SafetensorsWriter: ~Copyable {
  private let descriptor: FileDescriptor
  private let expected: Int
  private var written = 0

  /// Creates or empties the file and writes its header.
  public init(path: String, tensors: [TensorDescription], metadata: [String: String] = [:]) throws {
    let header = Header(tensors, metadata: metadata)
    let bytes = header.bytes
    precondition(bytes.count - 8 <= Header.maximumByteCount, "a header of \(bytes.count) bytes is beyond the format's")
    descriptor = try SafetensorsError.translating { () throws(SystemError) in
      let descriptor = try FileDescriptor(path, for: .writing)
      try descriptor.write(bytes)
      return descriptor
    }
    expected = header.dataByteCount
  }

  /// The next bytes of the tensors; a tensor may come in any number of pieces.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
    precondition(
      bytes.count <= expected - written, "\(bytes.count) bytes after \(written) of \(expected) that were declared")
    try SafetensorsError.translating { () throws(SystemError) in try descriptor.write(bytes) }
    written += bytes.count
  }

  public mutating func write(_ values: [Float]) throws { try values.withUnsafeBytes { try write($0) } }

  public mutating func write(_ values: [Int64]) throws { try values.withUnsafeBytes { try write($0) } }

  /// Forces the file to the disk (fsync) and closes it. Throws if fewer bytes were written than declared.
  public consuming func finish() throws {
    guard written == expected else {
      throw SafetensorsError(
        .badData, path: descriptor.path, "expected \(expected) bytes of tensors to write, found \(written)")
    }
    do {
      try descriptor.synchronise()
      // Some file systems tell of a full disk only here.
      try descriptor.close()
    } catch {
      throw SafetensorsError(error)
    }
  }
}
