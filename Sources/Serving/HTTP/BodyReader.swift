#if Server
  import Hummingbird
  import Synchronization

  /// Reads requests' bodies: bounded in bytes, those of all requests together as well, and in time.
  final class BodyReader: Sendable {
    /// Of one body.
    let mostBytes: Int
    /// Of all that are being read.
    private let mostInAll: Int
    private let patience: Duration
    private let taken = Mutex(0)

    init(mostBytes: Int, mostInAll: Int, patience: Duration) {
      (self.mostBytes, self.mostInAll, self.patience) = (mostBytes, mostInAll, patience)
    }

    /// The whole body.
    ///
    /// - Throws: `RequestFault` 413, 408 or 429; whatever breaks the connection.
    func read(_ request: Request, _ context: ServerContext) async throws -> [UInt8] {
      let announced = request.headers[.contentLength].flatMap { Int($0) }
      if let announced, announced > mostBytes { throw tooLarge }
      // What says nothing of its length may be as long as it may be.
      let room = announced ?? mostBytes
      guard reserve(room) else { throw RequestFault.busy("too many images are arriving: try again", closes: true) }
      defer { taken.withLock { $0 -= room } }
      if request.headers[.expect]?.lowercased() == "100-continue" { try await context.askForBody() }

      let (body, most, patience) = (request.body, mostBytes, patience)
      return try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
        group.addTask {
          var bytes: [UInt8] = []
          bytes.reserveCapacity(announced ?? 0)
          for try await part in body {
            guard bytes.count + part.readableBytes <= most else { throw self.tooLarge }
            bytes.append(contentsOf: part.readableBytesView)
          }
          // A wait that was cut short ends the sequence without an error.
          try Task.checkCancellation()
          return bytes
        }
        group.addTask {
          try await Task.sleep(for: patience)
          return nil
        }
        defer { group.cancelAll() }
        guard let bytes = try await group.next() ?? nil else {
          throw RequestFault(
            .requestTimeout, "expected the whole request within \(patience.components.seconds) s", closes: true)
        }
        return bytes
      }
    }

    private var tooLarge: RequestFault {
      RequestFault(.contentTooLarge, "expected at most \(mostBytes) bytes, found more", closes: true)
    }

    private func reserve(_ bytes: Int) -> Bool {
      taken.withLock { taken in
        guard taken + bytes <= mostInAll else { return false }
        taken += bytes
        return true
      }
    }
  }

  /// Lets so many in at a time.
  final class Turnstile: Sendable {
    private let most: Int
    private let inside = Mutex(0)

    init(most: Int) { self.most = most }

    /// - Returns: whether there was room; then `end` follows.
    func begin() -> Bool {
      inside.withLock { inside in
        guard inside < most else { return false }
        inside += 1
        return true
      }
    }

    func end() { inside.withLock { $0 -= 1 } }
  }
#endif
