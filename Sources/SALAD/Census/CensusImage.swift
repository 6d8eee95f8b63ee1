import Platform
import Radiographs

/// What a census learns of one image by reading it.
struct CensusImage: Codable, Sendable {
  /// What is wrong with it, in one sentence; nil of a sound one, of which all else is known.
  var reason: String?
  var format = ""
  var width = 0
  var height = 0
  /// Of a gray value as decoded: 8, or of 16-bit files as many as the largest value takes, such as 12.
  var bits = 0
  /// SHA-256 of the file, hexadecimal digits.
  var digest = ""
  var picture: PictureHash?
  /// Gray values in 0...1.
  var mean = 0.0
  var least = 0.0
  var most = 0.0
  /// Gray values of the picture reduced to 8 x 8, row by row.
  var thumbnail: [UInt8] = []

  static let thumbnailSide = 8

  /// Reads the file at `path`.
  init(path: String) {
    do {
      let file = try ImageFile(path)
      let image = try file.radiograph()
      format = file.formatName
      (width, height) = (image.width, image.height)
      digest = FileSystem.hexadecimal(file.bytes.withUnsafeBytes(SHA256.hash))
      picture = PictureHash(image)
      measure(image)
    } catch {
      reason = SaladError(error).description
    }
  }

  private mutating func measure(_ image: Radiograph) {
    let count = Double(image.pixels.count)
    let small = image.resized(to: Self.thumbnailSide, fit: .stretch)
    switch image.pixels {
    case .eightBit(let values):
      bits = 8
      var (sum, low, high) = (0, UInt8.max, UInt8.min)
      for value in values {
        sum += Int(value)
        low = min(low, value)
        high = max(high, value)
      }
      (mean, least, most) = (Double(sum) / count / 255, Double(low) / 255, Double(high) / 255)
    case .float(let values):
      var (sum, low, high) = (0.0, Float.infinity, -Float.infinity)
      for value in values {
        sum += Double(value)
        low = min(low, value)
        high = max(high, value)
      }
      (mean, least, most) = (sum / count, Double(low), Double(high))
      let largest = Int((most * 65535).rounded())
      bits = max(1, Int.bitWidth - largest.leadingZeroBitCount)
    }
    switch small.pixels {
    case .eightBit(let values): thumbnail = values
    case .float(let values): thumbnail = values.map { UInt8((min(max(0, $0), 1) * 255).rounded()) }
    }
  }

  /// Of gray values that all images of a set are not far from: 1 alike, -1 a negative; nil where a picture is flat.
  static func correlation(_ a: [Double], _ b: [Double]) -> Double? {
    let (meanA, meanB) = (a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count))
    var (product, squareA, squareB) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      product += (x - meanA) * (y - meanB)
      squareA += (x - meanA) * (x - meanA)
      squareB += (y - meanB) * (y - meanB)
    }
    return squareA > 0 && squareB > 0 ? product / (squareA * squareB).squareRoot() : nil
  }
}
