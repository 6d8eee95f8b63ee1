/// A gray image. 8-bit sources stay 8-bit; 16-bit ones are `Float` in 0...1.
public struct Radiograph: Sendable, Equatable {
  /// (height, width), row by row from the top.
  public enum Pixels: Sendable, Equatable {
    /// 0 black, 255 white.
    case eightBit([UInt8])
    /// 0 black, 1 white.
    case float([Float])

    public var count: Int {
      switch self {
      case .eightBit(let values): values.count
      case .float(let values): values.count
      }
    }
  }

  /// What the numbers in the file were.
  public enum Samples: Sendable, Equatable {
    /// Black and white are what the pixels say.
    case known
    /// Of a 16-bit file, which may use fewer bits (`SampleBits`): the pixels are value / 65535.
    ///
    /// - Parameter significant: bits that the file says its scanner had.
    case sixteenBits(significant: Int?)
  }

  public var width: Int
  public var height: Int
  public var pixels: Pixels
  public var samples = Samples.known
  /// Whether its file says that letters are drawn into the pixels; not kept by what is made of it.
  public var hasBurnedInAnnotation = false

  /// - Precondition: `pixels` holds width x height values, at least one.
  public init(width: Int, height: Int, pixels: Pixels) {
    precondition(
      width > 0 && height > 0 && pixels.count == width * height,
      "an image of \(width) x \(height) with \(pixels.count) pixels")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Bytes of memory the pixels take.
  public var byteCount: Int {
    switch pixels {
    case .eightBit(let values): values.count
    case .float(let values): values.count * MemoryLayout<Float>.stride
    }
  }

  /// The pixels as 8 bits: `Float` ones as the nearest of the 256 grays.
  public var grays: [UInt8] {
    switch pixels {
    case .eightBit(let values): values
    case .float(let values): values.map { UInt8((min(max(0, $0), 1) * 255).rounded()) }
    }
  }

  /// Writes the pixels on the network's scale: black is -1, white 1.
  ///
  /// - Parameter destination: (height, width), every element is written.
  public func scaled(into destination: UnsafeMutableBufferPointer<Float>) {
    precondition(
      destination.count == pixels.count, "room for \(destination.count) floats, but \(pixels.count) pixels")
    switch pixels {
    case .eightBit(let values):
      values.withUnsafeBufferPointer { values in
        for i in 0..<values.count { destination[i] = Float(values[i]) / 127.5 - 1 }
      }
    case .float(let values):
      values.withUnsafeBufferPointer { values in
        for i in 0..<values.count { destination[i] = values[i] * 2 - 1 }
      }
    }
  }
}
