#if Server
  import Platform
  import Radiographs
  import SALAD

  // N = bank rows

  /// The pictures of a deployment's training images, where they are at hand. Which file is read, the bank's own ids say, by
  /// their row: no path ever comes from a request.
  public struct NormalFiles: Sendable {
    private let root: String
    /// N.
    private let ids: [String]
    /// What they show; nil in models from before it was remembered.
    private let pictures: [PictureHash]?

    /// - Parameters:
    ///   - root: the folder that ids are relative to.
    ///   - source: a deployment.
    /// - Throws: `SaladError` 64 where the deployment keeps hashes, 65 where none of its images can be found.
    public init(in root: String, of source: ModelSource) throws {
      guard !source.hasHashedIDs else {
        throw SaladError(
          .usage,
          "\(source.path): it keeps hashes instead of the names of its training images, so that they cannot be found: "
            + "leave --images away")
      }
      (self.root, ids, pictures) = (root, source.imageIDs, source.pictures)
      // Some of them, spread evenly: a look at each of a hundred thousand takes its time on a network's disk.
      let looked = stride(from: 0, to: ids.count, by: max(1, ids.count / 64))
      guard looked.contains(where: { row in path(ofRow: row).map(Files.exists) ?? false }) else {
        throw SaladError(
          .badData,
          "\(root): expected the training images of \(source.path) such as \(ids.first ?? ""), found none of them: give "
            + "the folder of the data set that it was trained on as --images, or leave that away")
      }
    }

    /// nil where there is no such row, or its id would lead out of the folder.
    private func path(ofRow row: Int) -> String? {
      guard ids.indices.contains(row) else { return nil }
      let parts = ids[row].split(separator: "/", omittingEmptySubsequences: false)
      guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }), !ids[row].utf8.contains(0) else {
        return nil
      }
      return "\(root)/\(ids[row])"
    }

    /// A file's bytes.
    ///
    /// - Parameters:
    ///   - row: of the bank.
    ///   - most: bytes that it may have.
    /// - Returns: nil where there is none.
    func bytes(ofRow row: Int, most: Int) -> [UInt8]? {
      path(ofRow: row).flatMap { try? BoundedFile.read($0, most: most).get() }
    }

    /// Whether a picture is the one that trained.
    ///
    /// - Parameters:
    ///   - content: of the whole picture.
    ///   - row: of the bank.
    func isPicture(_ content: UInt64, ofRow row: Int) -> Bool { pictures.map { $0[row].content == content } ?? true }
  }

  /// Files that others put there.
  enum BoundedFile {
    /// A file's bytes.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - most: bytes that it may have.
    static func read(_ path: String, most: Int) -> Result<[UInt8], ImageFault> {
      do {
        let file = try FileDescriptor(path, for: .reading)
        let size = try file.status().size
        guard size <= most else { return .failure(.tooLarge("expected at most \(most) bytes, found \(size)")) }
        return .success(try file.readAll())
      } catch {
        return .failure(.failed("\(error)"))
      }
    }
  }
#endif
