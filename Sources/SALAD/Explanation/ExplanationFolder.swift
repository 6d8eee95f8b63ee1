import MPI
import Platform
import Radiographs

/// A folder with a sheet and an overlay for each image; it is there once it is whole. Local.
public final class ExplanationFolder {
  private let path: String
  private let unfinished: String
  private let digits: Int
  private var count = 0

  /// - Parameters:
  ///   - path: of a folder that is not there.
  ///   - images: how many will be drawn, for the width of their numbers.
  /// - Throws: `SaladError` 64 where something is at `path`, 74 where the folder cannot be made.
  public init(creating path: String, images: Int) throws {
    self.path = path
    digits = max(4, "\(images)".utf8.count)
    unfinished = Files.hidden(path, "-\(Host.processNumber)-writing")
    try Self.refuseExisting(path)
    try FileSystem.makeFolder(Files.folder(of: unfinished))
    try FileSystem.remove(unfinished)
    try FileSystem.makeFolder(unfinished)
  }

  /// Throws `SaladError` 64 where something is at `path`.
  public static func refuseExisting(_ path: String) throws {
    guard !FileSystem.exists(path) else {
      throw SaladError(.usage, "\(path): expected no such folder, found one: remove it, or give another name")
    }
  }

  /// Draws an image's sheet and overlay.
  ///
  /// - Parameters:
  ///   - explanation: of any image; one without a score is counted, and nothing is drawn.
  ///   - record: gets the names of the files.
  ///   - normal: the pictures of normal images; nil where they are not at hand.
  public func draw(_ explanation: Explanation, _ record: inout ExplanationRecord, _ normal: NormalImages?) throws {
    count += 1
    guard explanation.score.score != nil else { return }
    let number = String(repeating: "0", count: max(0, digits - "\(count)".utf8.count)) + "\(count)"
    let stem = "\(number)-\(Self.stem(of: explanation.score.path))"
    let verdict = record.pValue.map { "p \(ShortNumber.text($0))\(record.flagged == true ? "  flagged" : "")" }
    let sheet = ExplanationSheet(explanation, verdict: verdict) { index in
      try? normal?.image(index)
    }
    record.sheet = "\(stem).png"
    try write(sheet.picture, "\(stem).png")
    guard let overlay = explanation.overlay() else { return }
    record.overlay = "\(stem)-overlay.png"
    try write(overlay, "\(stem)-overlay.png")
  }

  private func write(_ picture: ColourPicture, _ name: String) throws {
    let bytes: [UInt8]
    do {
      bytes = try picture.png(name: name)
    } catch {
      throw SaladError(error)
    }
    try FileSystem.write(bytes, to: "\(unfinished)/\(name)")
  }

  /// Gives the folder its name.
  public func finish() throws {
    try FileSystem.synchronise(folder: unfinished)
    // A folder that appeared meanwhile is refused here, or by rename(2) unless it is empty.
    try Self.refuseExisting(path)
    try FileSystem.move(unfinished, to: path)
    try FileSystem.synchronise(folder: Files.folder(of: path))
  }

  /// As far as that is possible: an error is on its way.
  public func remove() { try? FileSystem.remove(unfinished) }

  /// A file's name without its suffix, of letters that any file system takes, at most 80 of them.
  static func stem(of path: String) -> String {
    let name = Files.name(of: path)
    let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    let plain = stem.unicodeScalars.map { letter -> Character in
      let isPlain = ("a"..."z").contains(letter) || ("A"..."Z").contains(letter) || ("0"..."9").contains(letter)
      return isPlain || letter == "-" || letter == "_" || letter == "." ? Character(letter) : "_"
    }
    return String(plain.prefix(80))
  }
}
