import Platform
import Synchronization

/// Keeps a checkpoint that is being read from being pruned by the training that goes on meanwhile.
///
/// Who reads has a shared lock of its manifest (flock), who prunes takes an exclusive one first and passes over a checkpoint
/// where it cannot have it: the next time comes. The kernel gives a lock back when its process ends. Where a file system has
/// no locks, readers still see by `isGone` that they must look for a newer checkpoint.
final class CheckpointHold: Sendable {
  private let path: String
  private let identity: FileStatus.Identity
  private let file: Mutex<FileDescriptor?>

  private init(path: String, identity: FileStatus.Identity, file: consuming FileDescriptor) {
    self.path = path
    self.identity = identity
    self.file = Mutex(consume file)
  }

  /// Local. Holds the checkpoint in `folder`; nil when it is gone, or on its way.
  static func of(_ folder: String) -> CheckpointHold? {
    let path = "\(folder)/\(Manifest.fileName)"
    do {
      let file = try FileDescriptor(path, for: .reading)
      let identity = try file.status().identity
      // Where there are no locks, nobody looks for them.
      guard (try? file.tryLockOpenFile(shared: true)) ?? true else { return nil }
      // Between opening and locking it may have been taken away.
      guard try FileStatus(path).identity == identity else { return nil }
      return CheckpointHold(path: path, identity: identity, file: file)
    } catch {
      return nil
    }
  }

  /// Local. Whether another checkpoint, or none, is where this one was.
  var isGone: Bool { (try? FileStatus(path).identity) != identity }

  /// Local. What was read is in memory.
  func release() { file.withLock { $0 = nil } }

  /// Local. Runs `body`, which takes the checkpoint in `folder` away, unless somebody reads it.
  ///
  /// - Returns: whether it ran.
  static func withoutReaders(of folder: String, _ body: () throws -> Void) throws -> Bool {
    let path = "\(folder)/\(Manifest.fileName)"
    // Nobody reads what has no manifest.
    if FileSystem.exists(path) {
      let file = try FileSystem.translating { try FileDescriptor(path, for: .changing) }
      guard (try? file.tryLockOpenFile(shared: false)) ?? true else { return false }
      try withExtendedLifetime(file) { try body() }
    } else {
      try body()
    }
    return true
  }
}
