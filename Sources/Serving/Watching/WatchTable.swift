#if Server
  import Platform
  import Radiographs
  import SALAD

  /// The scores of a watched folder, a row an image: RFC 4180, forced to the disk block by block.
  ///
  /// It may end in the midst of a row where the server was killed: that is cut away, and its image scored again.
  final class WatchTable: Sendable {
    /// Paths that have a row.
    let paths: Set<String>
    private let path: String
    // The lock of a file is gone when any of its descriptors is closed: both stay open.
    private let lock: FileDescriptor
    private let file: FileDescriptor

    static let head = "path,score,rule,p_value,flagged,error,model\n"

    /// Goes on with a table, or begins one.
    ///
    /// - Throws: `SaladError` 64 where something else is at `path`, or another process writes it.
    init(_ path: String) throws {
      self.path = path
      do {
        lock = try FileDescriptor(path, for: .locking)
        guard try lock.tryLock() else {
          throw SaladError(.usage, "\(path): another process is writing it: give another --output")
        }
        file = try FileDescriptor(path, for: .appending)
        let bytes = try lock.readAll()
        let whole = Self.wholeRows(bytes)
        let head = Array(Self.head.utf8)
        guard bytes.prefix(head.count) == head.prefix(bytes.count)[...] else {
          throw SaladError(
            .usage,
            "\(path): expected no such file, or a table of scores that salad serve --watch began, found another file: "
              + "give another --output")
        }
        try lock.truncate(to: whole)
        paths = Set(
          try Table(bytes: Array(bytes.prefix(whole)), path: path).rows.dropFirst().compactMap(\.fields.first))
        if whole == 0 { try append(Self.head) }
      } catch let error as SystemError {
        throw SaladError(error)
      }
    }

    /// Bytes up to the last line end outside of quotes.
    static func wholeRows(_ bytes: [UInt8]) -> Int {
      var (whole, isQuoted) = (0, false)
      for (index, byte) in bytes.enumerated() {
        if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
        if byte == 10, !isQuoted { whole = index + 1 }
      }
      return whole
    }

    static func row(_ path: String, _ outcome: ImageWork.Outcome) -> String {
      let fields: [String] =
        switch outcome {
        case .success(let image):
          [
            "\(image.score)", image.rule, image.pValue.map { "\($0)" } ?? "", image.flagged.map { "\($0)" } ?? "", "",
            image.model,
          ]
        case .failure(let fault): ["", "", "", "", CSV.field(fault.sentence), ""]
        }
      return ([CSV.field(path)] + fields).joined(separator: ",") + "\n"
    }

    /// Appends whole rows and forces them to the disk.
    ///
    /// - Throws: `SaladError` 74 where they cannot be written; none of them is then there.
    func append(_ rows: String) throws {
      do {
        let size = try file.status().size
        do {
          try file.write(Array(rows.utf8))
        } catch {
          try file.truncate(to: size)
          throw error
        }
        try file.synchronise()
      } catch let error as SystemError {
        throw SaladError(error)
      }
    }
  }
#endif
