import Foundation

@testable import Autoencoder
@testable import SALAD
@testable import Safetensors

extension Target {
  /// A whole file, and the bytes as a header whose data are as long as it says: lengths that fit are hard to guess.
  static let safetensors = Target(
    name: "safetensors",
    seeds: safetensorsSeeds,
    run: { bytes, folder in
      readHeader(bytes)
      readFile(bytes, folder)
    })

  private static func readHeader(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { json in
      guard String(validating: json, as: UTF8.self) != nil else { return }
      var scanner = HeaderScanner(json)
      guard let (found, _) = try? scanner.header() else { return }
      let count = found.map(\.range.upperBound).max() ?? 0
      guard let header = try? Header(json: json, dataByteCount: count) else { return }
      // What was read is written as a header that reads the same.
      let again = Header(header.tensors.map(\.description), metadata: header.metadata)
      let written = again.bytes
      written.withUnsafeBytes { written in
        let json = UnsafeRawBufferPointer(rebasing: written.dropFirst(8))
        guard let second = try? Header(json: json, dataByteCount: again.dataByteCount) else {
          fatalError("written: \(String(decoding: json, as: UTF8.self))")
        }
        precondition(second.tensors.map(\.description) == header.tensors.map(\.description))
        precondition(second.metadata == header.metadata && second.dataByteCount == count)
      }
    }
  }

  private static func readFile(_ bytes: [UInt8], _ folder: String) {
    let path = folder + "/file.safetensors"
    replace(path, by: bytes)
    guard let file = try? SafetensorsFile(path: path) else { return }
    var total = 0
    for tensor in file.tensors {
      guard let count = tensor.byteCount else { preconditionFailure("\(tensor) was accepted") }
      total += count
      precondition(tensor.elementCount * tensor.type.byteCount == count, "\(tensor)")
      if let floats = try? file.floats(tensor.name) { precondition(floats.count == tensor.elementCount) }
      if let numbers = try? file.int64s(tensor.name, shape: tensor.shape) {
        precondition(numbers.count == tensor.elementCount)
      }
      if let mapped = try? file.mappedFloats(tensor.name) {
        // Every byte is read.
        mapped.withUnsafeBufferPointer { precondition($0.count == tensor.elementCount && sum($0) >= 0) }
      }
    }
    precondition(total <= bytes.count - 8, "\(total) bytes of tensors in \(bytes.count)")
    for size in [nil, 64] {
      if let network = try? NetworkConfiguration(recognising: file, size: size) { _ = network.deepestSide }
    }
    _ = try? TrainingProgress(file, images: 3)
    _ = try? BankTensor.withBytes(of: file, rows: 2, dimension: 3) { BankTensor.floats($0, 0..<6) }
    try? file.checkUnchanged()
  }

  private static func sum(_ values: UnsafeBufferPointer<Float>) -> UInt64 {
    values.reduce(0) { $0 &+ UInt64($1.bitPattern) }
  }

  /// Writes the bytes into the file, which stays the same one: making files costs most of a trial.
  static func replace(_ path: String, by bytes: [UInt8]) {
    let descriptor = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
    precondition(descriptor >= 0 && write(descriptor, bytes, bytes.count) == bytes.count, "no room for \(path)")
    close(descriptor)
  }

  @Sendable private static func safetensorsSeeds() throws -> [String: [UInt8]] {
    let path = NSTemporaryDirectory() + "/fuzz-seed-\(ProcessInfo.processInfo.processIdentifier).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    func tensor(_ name: String, _ type: TensorType, _ shape: [Int]) -> TensorDescription {
      TensorDescription(name: name, type: type, shape: shape)
    }
    var seeds: [String: [UInt8]] = [:]
    for (name, tensors, metadata) in [
      ("empty", [], [:]),
      ("bank", [tensor("bank", .float32, [2, 3])], ["format": "pt", "\u{1F957}\"": "\\\n"]),
      ("steps", [tensor("num_batches_tracked", .int64, []), tensor("none", .uint8, [3, 0])], [:]),
      (
        "unet",
        [
          tensor("input.conv.0.weight", .float32, [1, 1, 3, 3]), tensor("feat.weight", .float32, [2, 1, 1, 1]),
          tensor("feat_norm.running_mean", .float32, [2]),
        ], [:]
      ),
      (
        "resnet18",
        [tensor("encoder.conv1.weight", .bfloat16, [1, 1, 2, 2]), tensor("encoder.fc.weight", .float64, [2, 1])], [:]
      ),
    ] as [(String, [TensorDescription], [String: String])] {
      var writer = try SafetensorsWriter(path: path, tensors: tensors, metadata: metadata)
      let count = tensors.reduce(0) { $0 + $1.byteCount! }
      try [UInt8](repeating: 1, count: count).withUnsafeBytes { try writer.write($0) }
      try writer.finish()
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      seeds[name] = bytes
      // The header alone.
      seeds[name + ".json"] = Array(bytes[8..<bytes.count - count])
    }
    return seeds
  }
}
