#if Server
  import Radiographs

  // What a server and its decoding children say to each other over a socket: a head of fixed size, numbers of 8 bytes
  // (little-endian), then what the head counts. JSON would take as long as a small picture.
  //
  // S = side of the square that the network sees

  /// A picture to decode, its file's bytes behind it.
  struct DecodeRequest: Sendable, Equatable {
    /// Of the file.
    var bytes: Int
    /// More pixels than this are refused before any is decoded.
    var mostPixels: Int
    /// Seconds of processor time that it may take.
    var seconds: Int
    /// What becomes of it.
    var preparation: Preparation
    /// Whether what it shows is asked for, too.
    var wantsContent = false

    /// Bytes of its head.
    static let headSize = 8 * 8

    var head: [UInt8] {
      DecodeMessage.bytes([
        bytes, mostPixels, seconds, preparation.side, preparation.fit == .pad ? 0 : 1,
        Int(bitPattern: UInt(preparation.borderMask.bitPattern)), preparation.greyRange ?? 0,
        wantsContent ? 1 : 0,
      ])
    }

    init(bytes: Int, mostPixels: Int, seconds: Int, preparation: Preparation, wantsContent: Bool) {
      (self.bytes, self.mostPixels, self.seconds) = (bytes, mostPixels, seconds)
      (self.preparation, self.wantsContent) = (preparation, wantsContent)
    }

    init(head: [UInt8]) {
      let numbers = DecodeMessage.numbers(head)
      (bytes, mostPixels, seconds) = (numbers[0], numbers[1], numbers[2])
      preparation = Preparation(
        side: numbers[3], fit: numbers[4] == 0 ? .pad : .stretch,
        borderMask: Double(bitPattern: UInt64(UInt(bitPattern: numbers[5]))),
        greyRange: numbers[6] == 0 ? nil : numbers[6])
      wantsContent = numbers[7] == 1
    }
  }

  /// What became of it, its sentence and its pixels behind it.
  struct DecodeReply: Sendable, Equatable {
    enum Kind: Int, Sendable {
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
    var pixels: [UInt8] = []
    /// What the whole picture shows: `PictureHash`'s content.
    var content: UInt64 = 0

    /// Bytes of its head.
    static let headSize = 4 * 8
    /// A longer sentence is none of ours.
    static let mostSentence = 1 << 16

    /// All of it.
    var message: [UInt8] {
      let words = Array(sentence.utf8.prefix(Self.mostSentence))
      return DecodeMessage.bytes([kind.rawValue, words.count, pixels.count, Int(truncatingIfNeeded: content)]) + words
        + pixels
    }
  }

  enum DecodeMessage {
    static func bytes(_ numbers: [Int]) -> [UInt8] {
      numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
    }

    /// - Parameter bytes: 8 of each.
    static func numbers(_ bytes: [UInt8]) -> [Int] {
      stride(from: 0, to: bytes.count, by: 8).map { start in
        bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
      }
    }

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
