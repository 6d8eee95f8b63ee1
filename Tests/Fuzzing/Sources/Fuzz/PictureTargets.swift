import Foundation

extension Target {
  /// The bytes of a JPEG file; the seeds are the tests' pictures, refused ones among them.
  static let jpeg = Target(
    name: "jpeg", seeds: { try pictures("jpeg", suffix: "jpg") }, run: { bytes, _ in read(bytes) })

  /// The bytes of a TIFF file.
  static let tiff = Target(
    name: "tiff", seeds: { try pictures("tiff", suffix: "tif") }, run: { bytes, _ in read(bytes) })

  /// What is small enough of the tests' fixtures.
  @Sendable private static func pictures(_ folder: String, suffix: String) throws -> [String: [UInt8]] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../../RadiographsTests/Fixtures/\(folder)")
    var seeds: [String: [UInt8]] = [:]
    for place in [root, root.appendingPathComponent("refused")] {
      for file in try FileManager.default.contentsOfDirectory(at: place, includingPropertiesForKeys: nil)
      where file.pathExtension == suffix {
        let bytes = [UInt8](try Data(contentsOf: file))
        if bytes.count <= 4096 { seeds[file.lastPathComponent] = bytes }
      }
    }
    return seeds
  }
}
