#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

#if !_endian(little)
  #error("safetensors files are little-endian, and are used here as they lie in memory")
#endif

/// A memory-mapped `.safetensors` file whose header has been checked in full.
///
///     let file = try SafetensorsFile(path: "model.safetensors")
///     let weights = try file.floats("input.conv.0.weight", shape: [16, 1, 3, 3])
///
/// The header's length, encoding, JSON, names, types, shapes and offsets are all checked before any tensor is looked at.
/// The file must not shrink while it is mapped: the system would end the process.
public final class SafetensorsFile: Sendable {
  public let path: String
  /// In the order of their bytes.
  public let tensors: [TensorDescription]
  public let metadata: [String: String]

  // Read-only until deinit unmaps it, so that any thread may look.
  private nonisolated(unsafe) let mapping: UnsafeRawBufferPointer
  private let ranges: [String: (type: TensorType, shape: [Int], range: Range<Int>)]

  /// - Throws: `SafetensorsError`: `inputOutput` when the file cannot be opened, `badData` when it is not as it must be.
  public init(path: String) throws {
    self.path = path
    let descriptor = try FileDescriptor(reading: path)
    let size = try descriptor.size()
    guard size >= 8 else {
      throw SafetensorsError(.badData, path: path, "expected a safetensors file of at least 8 bytes, found \(size)")
    }
    mapping = UnsafeRawBufferPointer(start: try descriptor.map(count: size), count: size)

    let length = UInt64(littleEndian: mapping.loadUnaligned(as: UInt64.self))
    let header: Header
    do throws(SafetensorsError) {
      guard length <= Header.maximumByteCount, Int(length) <= size - 8 else {
        let most = min(Header.maximumByteCount, size - 8)
        throw SafetensorsError(
          .badData, path: path, "expected a header of at most \(most) bytes, found a length of \(length)")
      }
      let start = 8 + Int(length)
      do throws(HeaderFault) {
        header = try Header(json: UnsafeRawBufferPointer(rebasing: mapping[8..<start]), dataByteCount: size - start)
      } catch {
        throw SafetensorsError(.badData, path: path, error.sentence)
      }
    } catch {
      munmap(UnsafeMutableRawPointer(mutating: mapping.baseAddress), mapping.count)
      throw error
    }

    tensors = header.tensors.map(\.description)
    metadata = header.metadata
    let start = 8 + Int(length)
    ranges = Dictionary(
      uniqueKeysWithValues: header.tensors.map { tensor in
        let range = start + tensor.range.lowerBound..<start + tensor.range.upperBound
        return (tensor.description.name, (tensor.description.type, tensor.description.shape, range))
      })
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: mapping.baseAddress), mapping.count) }

  /// The tensor's bytes, row-major and little-endian, in no particular alignment.
  ///
  /// - Parameter shape: what it must be; nil: any.
  /// - Throws: `SafetensorsError`, naming path and tensor, unless one of this name, type and shape is there.
  public func withBytes<R>(
    of name: String, type: TensorType, shape: [Int]?, _ body: (UnsafeRawBufferPointer) throws -> R
  ) throws -> R {
    let expected = "expected the tensor \(name) (\(type.rawValue)\(shape.map { ", shape \($0)" } ?? ""))"
    guard let tensor = ranges[name] else {
      throw SafetensorsError(.badData, path: path, "\(expected), found none of that name")
    }
    guard tensor.type == type, shape == nil || shape == tensor.shape else {
      throw SafetensorsError(
        .badData, path: path, "\(expected), found one of \(tensor.type.rawValue), shape \(tensor.shape)")
    }
    return try body(UnsafeRawBufferPointer(rebasing: mapping[tensor.range]))
  }

  /// A copy of an `F32` tensor, row-major.
  public func floats(_ name: String, shape: [Int]? = nil) throws -> [Float] {
    try withBytes(of: name, type: .float32, shape: shape) { copy($0, as: Float.self) }
  }

  /// A copy of an `I64` tensor, row-major.
  public func int64s(_ name: String, shape: [Int]? = nil) throws -> [Int64] {
    try withBytes(of: name, type: .int64, shape: shape) { copy($0, as: Int64.self) }
  }
}

/// The elements that these bytes are; byte by byte, since a tensor may lie at any address.
private func copy<Element: BitwiseCopyable>(_ bytes: UnsafeRawBufferPointer, as type: Element.Type) -> [Element] {
  let count = bytes.count / MemoryLayout<Element>.stride
  return Array(unsafeUninitializedCapacity: count) { buffer, initialized in
    UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
    initialized = count
  }
}
