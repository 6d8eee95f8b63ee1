#if Server
  import Foundation
  import Platform
  import Radiographs

  // What a server and its decoding children say to each other over a socket: a count of 4 bytes (little-endian), so many
  // bytes of JSON, then what the JSON counts.
  //
  // S = side of the square that the network sees

  /// A picture to decode, its file's bytes behind it.
  struct DecodeRequest: Codable, Sendable, Equatable {
    /// Of the file.
    var bytes: Int
    /// More pixels than this are refused before any is decoded.
    var mostPixels: Int
    /// Seconds of processor time that it may take.
    var seconds: Int
    // What becomes of it, as `Preparation` has it.
    var side: Int
    var fit: Fit
    var borderMask: Double
    var greyRange: Int?

    init(bytes: Int, mostPixels: Int, seconds: Int, preparation: Preparation) {
      self.bytes = bytes
      self.mostPixels = mostPixels
      self.seconds = seconds
      (side, fit) = (preparation.side, preparation.fit)
      (borderMask, greyRange) = (preparation.borderMask, preparation.greyRange)
    }

    var preparation: Preparation {
      Preparation(side: side, fit: fit, borderMask: borderMask, greyRange: greyRange)
    }
  }

  /// What became of it, its pixels behind it.
  struct DecodeReply: Codable, Sendable, Equatable {
    enum Kind: String, Codable, Sendable {
      /// (S, S) bytes.
      case eightBit
      /// (S, S) floats, little-endian.
      case float
      /// Not a whole and sound picture of a known format.
      case unreadable
      /// It has more pixels than it may have.
      case tooLarge
      /// It might be read another time: there was no memory.
      case failed
    }
    var kind: Kind
    /// What is wrong with it; empty where all is well.
    var sentence = ""
    /// Of the pixels.
    var bytes = 0
  }

  enum DecodeMessage {
    /// More JSON than this is no message of ours.
    static let mostHead = 1 << 16

    /// A message's count and JSON.
    static func head(_ value: some Encodable) throws -> [UInt8] {
      let json = try JSONEncoder().encode(value)
      return count(json.count) + json
    }

    static func decode<T: Decodable>(_ type: T.Type, _ json: [UInt8]) throws -> T {
      try JSONDecoder().decode(type, from: Data(json))
    }

    static func count(_ bytes: [UInt8]) -> Int { bytes.reversed().reduce(0) { $0 << 8 | Int($1) } }

    private static func count(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    // MARK: Pixels

    static func bytes(of picture: Radiograph) -> (kind: DecodeReply.Kind, bytes: [UInt8]) {
      switch picture.pixels {
      case .eightBit(let values): (.eightBit, values)
      case .float(let values): (.float, values.withUnsafeBytes { Array($0) })
      }
    }

    /// - Returns: nil where the bytes are not of such a square.
    static func picture(_ kind: DecodeReply.Kind, _ bytes: [UInt8], side: Int) -> Radiograph? {
      let count = side * side
      switch kind {
      case .eightBit where bytes.count == count:
        return Radiograph(width: side, height: side, pixels: .eightBit(bytes))
      case .float where bytes.count == count * MemoryLayout<Float>.stride:
        let values = bytes.withUnsafeBytes { bytes in
          (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Float>.stride, as: Float.self) }
        }
        return Radiograph(width: side, height: side, pixels: .float(values))
      default: return nil
      }
    }
  }
#endif
