#if Server
  import Platform

  /// Which files a folder holds, as far as their statuses tell: another state means that somebody changed or replaced it.
  public struct FolderState: Equatable, Sendable {
    private struct File: Equatable, Sendable {
      var name: String
      var identity: FileStatus.Identity
      var state: FileStatus.State
    }

    private let files: [File]

    /// nil where there is no folder, or one in the midst of being replaced.
    ///
    /// - Parameter path: of the folder; a link is followed.
    public init?(_ path: String) {
      guard let entries = try? Folder.entries(of: path).entries, !entries.isEmpty else { return nil }
      var files: [File] = []
      for entry in entries {
        guard let status = try? FileStatus("\(path)/\(entry.name)") else { return nil }
        files.append(File(name: entry.name, identity: status.identity, state: status.state))
      }
      self.files = files
    }
  }

  /// Runs what would block on a thread of its own.
  func onThread<R: Sendable>(_ name: String, _ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
      do {
        try WorkerThread(name) { continuation.resume(with: Result { try body() }) }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }
#endif
