import MPI
import Platform
import Radiographs

/// The images that a command line names.
public enum ImagePaths {
  /// Stands for the paths on standard input.
  public static let standardInput = "-"

  /// All ranks. Every file as it is and every folder's pictures in its place, as rank 0 sees them; `-` is what standard
  /// input lists, one path a line or between zero bytes.
  ///
  ///     expand(["a.png", "more"])   // a.png, more/b.png, more/deep/c.png
  ///
  /// - Parameters:
  ///   - arguments: images and folders, as given.
  ///   - communicator: of the ranks that take part.
  ///   - log: is told of files in folders that are not read.
  /// - Throws: `SaladError` 65 when one is missing, or a folder holds no image.
  public static func expand(_ arguments: [String], communicator: Communicator, log: Log) throws -> [String] {
    let paths = try agree(communicator) {  // all ranks
      communicator.isRoot ? try arguments.flatMap { try listed($0, log) }.flatMap { try expand($0, log: log) } : []
    }
    return try communicator.broadcast(paths: paths)  // all ranks
  }

  /// SHA-256 of paths in their order, 64 hexadecimal digits.
  public static func identity(of paths: [String]) -> String {
    var hash = SHA256()
    for path in paths { hash.update(Array(path.utf8) + [0]) }
    return FileSystem.hexadecimal(hash.finalise())
  }

  /// Local. What an argument stands for.
  private static func listed(_ argument: String, _ log: Log) throws -> [String] {
    guard argument == standardInput else { return [argument] }
    guard let bytes = try FileSystem.translating({ try StandardInput.read(limit: PathList.mostBytes) }) else {
      throw SaladError(
        .badData,
        "standard input: expected a list of at most \(PathList.mostBytes >> 20) MiB of paths, found more: give it in parts"
      )
    }
    return try PathList.paths(bytes, origin: "standard input")
  }

  /// Local.
  private static func expand(_ argument: String, log: Log) throws -> [String] {
    guard let status = try? FileStatus(argument) else {
      try FileSystem.require(argument, "an image or a folder of images")
      throw SaladError(.badData, "\(argument): expected an image or a folder of images, found a link to nothing")
    }
    guard status.kind == .folder else { return [argument] }
    let (images, unread) = try ImageFolder.images(under: argument)
    guard !images.isEmpty else {
      throw SaladError(
        .badData,
        "\(argument): expected images (\(ImageFile.suffixes)) in this folder, found none"
          + (unread.isEmpty ? "" : ": \(unread.sentence)"))
    }
    if !unread.isEmpty { log.warn("\(argument): \(unread.sentence)") }
    return images.map { argument.utf8.last == UInt8(ascii: "/") ? argument + $0 : "\(argument)/\($0)" }
  }
}

extension Communicator {
  /// All ranks. Rank 0's paths, on all ranks.
  func broadcast(paths: [String]) throws -> [String] {
    // A path holds no NUL.
    let bytes = try broadcast(bytes: Array(paths.joined(separator: "\0").utf8), root: 0)  // all ranks
    return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }
}
