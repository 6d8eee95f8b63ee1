import Foundation

@testable import Radiographs

extension Target {
  /// The bytes of an image file, as they are and with its chunks' checksums set right: wrong ones would end most trials
  /// before anything is read.
  static let png = Target(
    name: "png",
    seeds: pngSeeds,
    run: { bytes, _ in
      read(bytes)
      let mended = withRightChecksums(bytes)
      if mended != bytes { read(mended) }
    })

  /// Any picture's.
  static func read(_ bytes: [UInt8]) {
    guard let file = try? ImageFile(bytes: bytes, path: "image"), let size = try? file.size() else { return }
    let pixels = size.width * size.height
    // What deflate can make of so many bytes at most, at one bit a pixel, and no other format more: nothing larger is
    // allocated.
    precondition(pixels <= (bytes.count + 1) * 1032 * 8, "\(size) of \(bytes.count) bytes")
    guard let image = try? file.radiograph() else { return }
    precondition(image.width == size.width && image.height == size.height, "\(size) became \(image.width) pixels wide")
    // Costs grow with the pixels, faults do not.
    guard pixels <= 1 << 14 else { return }
    if case .float(let values) = image.pixels { precondition(values.allSatisfy { (0...1).contains($0) }) }
    for fit in Fit.allCases {
      let prepared = Preparation(side: 24, fit: fit, borderMask: 0.1, greyRange: 4095)(image)
      precondition(prepared.pixels.count == 24 * 24)
    }
    let hash = PictureHash(image)
    precondition(PictureHash(hexadecimal: hash.hexadecimal) == hash)
  }

  // MARK: Chunks

  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  private static func withRightChecksums(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var start = signature.count
    while start + 12 <= bytes.count {
      let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
      let end = start + 8 + length
      guard end + 4 <= bytes.count else { break }
      let checksum = crc(bytes[start + 4..<end])
      for place in 0..<4 { bytes[end + place] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * place)) }
      start = end + 4
    }
    return bytes
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
  }

  private static func crc(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(UInt32.max) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ ($0 >> 8) }
  }

  // MARK: Seeds

  /// A drawn phantom, and a small picture of every colour type and depth, straight and interlaced, its pixels stored
  /// rather than compressed, so that mutations reach them.
  @Sendable private static func pngSeeds() throws -> [String: [UInt8]] {
    let path = NSTemporaryDirectory() + "/fuzz-seed-\(ProcessInfo.processInfo.processIdentifier).png"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Phantom(seed: 1, split: .train, index: 0, size: 32, anomaly: nil).radiograph.writePNG(to: path)
    var seeds = ["phantom.png": [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))]
    for (colour, depths, channels) in [
      (0, [1, 2, 4, 8, 16], 1), (2, [8, 16], 3), (3, [1, 2, 4, 8], 1), (4, [8, 16], 2), (6, [8, 16], 4),
    ] {
      for depth in depths {
        for interlaced in [false, true] {
          seeds["\(colour)-\(depth)\(interlaced ? "-interlaced" : "").png"] = picture(
            colour: UInt8(colour), depth: UInt8(depth), bitsPerPixel: depth * channels, interlaced: interlaced)
        }
      }
    }
    return seeds
  }

  private static func picture(colour: UInt8, depth: UInt8, bitsPerPixel: Int, interlaced: Bool) -> [UInt8] {
    let (width, height) = (9, 7)
    // Adam7's seven images: first column and row, and the steps between them.
    let passes =
      interlaced
      ? [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
      : [(0, 0, 1, 1)]
    var rows: [UInt8] = []
    for (left, top, columnStep, rowStep) in passes {
      let columns = (width - left + columnStep - 1) / columnStep
      for row in stride(from: top, to: height, by: rowStep) where columns > 0 {
        rows.append(UInt8(row % 5))  // each of the filters
        rows += (0..<(columns * bitsPerPixel + 7) / 8).map { UInt8(truncatingIfNeeded: 37 * $0 + 11 * row) }
      }
    }
    var bytes = signature
    bytes += chunk("IHDR", [0, 0, 0, UInt8(width), 0, 0, 0, UInt8(height), depth, colour, 0, 0, interlaced ? 1 : 0])
    if colour == 3 { bytes += chunk("PLTE", (0..<6).map { UInt8(40 * $0) }) }
    bytes += chunk("IDAT", stored(rows)) + chunk("IEND", [])
    return bytes
  }

  /// A zlib stream of one stored block.
  private static func stored(_ bytes: [UInt8]) -> [UInt8] {
    let (low, high) = (UInt8(bytes.count & 255), UInt8(bytes.count >> 8))
    let sums = bytes.reduce((1, 0)) { sums, byte in
      let first = (sums.0 + Int(byte)) % 65521
      return (first, (sums.1 + first) % 65521)
    }
    return [0x78, 1, 1, low, high, ~low, ~high] + bytes
      + [sums.1 >> 8, sums.1 & 255, sums.0 >> 8, sums.0 & 255].map { UInt8($0) }
  }

  private static func chunk(_ name: String, _ contents: [UInt8]) -> [UInt8] {
    func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }
    let named = Array(name.utf8) + contents
    return bigEndian(UInt32(contents.count)) + named + bigEndian(crc(named[...]))
  }
}
