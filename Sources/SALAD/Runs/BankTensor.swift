import Platform
import Safetensors

/// The one tensor of a bank's file, whole or shard: `bank`, (rows, D) float32.
enum BankTensor {
  static let name = "bank"

  static func description(rows: Int, dimension: Int) -> TensorDescription {
    TensorDescription(name: name, type: .float32, shape: [rows, dimension])
  }

  private static let dampingKey = "exposure_damping"

  /// What a bank's file says of rows that have lost a part of a direction which the manifest beside it tells: nobody must take
  /// them for whole ones elsewhere.
  static func metadata(of kind: BankKind, _ scoring: ScoringConfiguration) -> [String: String] {
    guard kind == .refreshed, let damping = scoring.exposureDamping else { return [:] }
    return [dampingKey: "\(damping)"]
  }

  /// What rows of a deployment's bank, or of one that is whole, have lost of which direction; nil: nothing.
  ///
  /// - Throws: `SaladError` 65 where the deployment's manifest does not lie beside the file.
  static func exposure(of file: SafetensorsFile) throws -> (axis: [Double], damping: Double)? {
    guard let damping = file.metadata[dampingKey] else { return nil }
    let (folder, name) = (Files.folder(of: file.path), Files.name(of: file.path))
    guard let manifest = try? DeploymentManifest.read(folder: folder),
      let index = manifest.calibrations.indices.first(where: { Deployment.bankName($0) == name }),
      let known = manifest.scoring.exposureDamping, "\(known)" == damping,
      let axis = manifest.calibrations[index].exposureAxis
    else {
      throw SaladError(
        .badData,
        "\(file.path): expected rows as the network gives them, or their deployment's \(Manifest.fileName) beside them, "
          + "found rows that have lost \(damping) of a direction which only that manifest tells: give the bank where it "
          + "lies in its deployment, or --data, the images to make one of")
    }
    return (axis, known)
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
