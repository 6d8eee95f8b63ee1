#if Server
  import Platform
  import SALAD

  /// The secret that requests carry: `Authorization: Bearer TOKEN`.
  public struct AccessToken: Sendable {
    /// Its SHA-256: digests have one length, so that comparing them tells nothing of it.
    private let digest: [UInt8]

    static let leastLength = 16
    static let mostLength = 4096

    /// Reads it from a file of one line.
    ///
    /// - Parameter path: of a file that nobody but its owner may read.
    /// - Throws: `SaladError` 64 where others may read it or it is too short, 74 where it cannot be read.
    public init(file path: String) throws {
      let text: [UInt8]
      do {
        let file = try FileDescriptor(path, for: .reading)
        let status = try file.status()
        guard status.isOwn, !status.isOpenToOthers else {
          throw SaladError(
            .usage,
            "\(path): expected a token file that only its owner may read, found one that others may: chmod 600 it, and "
              + "choose another token if it has been lying there")
        }
        guard status.size <= Self.mostLength else {
          throw SaladError(.usage, "\(path): expected a token of one line, found \(status.size) bytes")
        }
        text = try file.readAll()
      } catch let error as SystemError {
        throw SaladError(error)
      }
      let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
      let trimmed = text.drop { blanks.contains($0) }.reversed().drop { blanks.contains($0) }.reversed()
      guard trimmed.allSatisfy({ (0x21...0x7E).contains($0) }), trimmed.count >= Self.leastLength else {
        throw SaladError(
          .usage,
          "\(path): expected a token of at least \(Self.leastLength) letters, digits and signs on one line, found "
            + "\(trimmed.count) bytes: make one by openssl rand -hex 32")
      }
      digest = Self.digest(Array(trimmed))
    }

    init(_ token: String) { digest = Self.digest(Array(token.utf8)) }

    /// Whether an `Authorization` header carries it. Takes as long for a wrong one as for the right one.
    func admits(_ header: String?) -> Bool {
      let scheme = Array("bearer ".utf8)
      let bytes = Array((header ?? "").utf8)
      guard bytes.prefix(scheme.count).map({ $0 | 0x20 }) == scheme else { return false }
      let found = Self.digest(Array(bytes.dropFirst(scheme.count).drop { $0 == 0x20 }))
      return zip(found, digest).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
      var hash = SHA256()
      hash.update(bytes)
      return hash.finalise()
    }
  }
#endif
