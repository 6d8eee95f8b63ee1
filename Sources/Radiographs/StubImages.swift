// CONTRACT STUB: signatures are agreed, bodies are not.

/// What is wrong with an image file or a data set: one sentence with the path, what was expected, what was found.
public struct RadiographError: Error, CustomStringConvertible, Sendable {
  public enum Kind: Sendable { case badData, inputOutput }
  public let kind: Kind
  public let path: String
  public let description: String
  public init(kind: Kind = .badData, path: String, _ description: String) { self.kind = kind; self.path = path; self.description = description }
}

public enum Fit: String, Codable, Sendable, CaseIterable { case pad, stretch }

/// A gray image. 8-bit sources stay 8-bit; 16-bit ones are Float in 0...1.
public struct Radiograph: Sendable {
  public enum Pixels: Sendable { case eightBit([UInt8]), float([Float]) }
  public var width: Int
  public var height: Int
  public var pixels: Pixels
  public init(width: Int, height: Int, pixels: Pixels) { self.width = width; self.height = height; self.pixels = pixels }
  /// Reads a PNG of any colour type and bit depth as gray (Pillow's convert("L") weights, alpha dropped, gAMA ignored).
  public init(png path: String) throws { fatalError("stub") }
  public init(pngBytes: [UInt8], path: String) throws { fatalError("stub") }
  /// Padded or stretched to side x side as Pillow's antialiasing BILINEAR does, byte for byte at 8 bits.
  public func resized(to side: Int, fit: Fit) -> Radiograph { fatalError("stub") }
  /// Writes width x height floats in -1...1.
  public func scaled(into destination: UnsafeMutableBufferPointer<Float>) { fatalError("stub") }
  /// Bytes of memory the pixels take.
  public var byteCount: Int { fatalError("stub") }
  /// An 8-bit gray PNG.
  public func writePNG(to path: String) throws { fatalError("stub") }
}
