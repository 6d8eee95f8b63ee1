#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What the system knows of a file: stat(2).
public struct FileStatus: Sendable {
  public enum Kind: Sendable {
    case file, folder, link
    /// A pipe, a socket or a device.
    case other
  }

  /// Which file it is, whatever it is called.
  public struct Identity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
  }

  /// What changes when somebody writes to a file, and not when its name is given to another one.
  public struct State: Equatable, Sendable {
    /// Bytes.
    public var size: Int
    /// Of the last write.
    var seconds: Int
    var nanoseconds: Int

    /// Of the last write, in seconds since 1970.
    public var time: Double { Double(seconds) + Double(nanoseconds) / 1e9 }
  }

  public let kind: Kind
  /// `a folder`.
  public let kindInWords: String
  public let identity: Identity
  public let state: State
  /// Whether others than the owner and root may read or change it.
  public let isOpenToOthers: Bool
  /// Whether it belongs to this process's user or to root.
  public let isOwn: Bool

  /// Bytes.
  public var size: Int { state.size }

  /// - Parameter followingLinks: of what a link points to, or of the link itself.
  public init(_ path: String, followingLinks: Bool = true) throws(SystemError) {
    var status = stat()
    try SystemError.check(.examine, path) { followingLinks ? stat(path, &status) : lstat(path, &status) }
    self.init(status)
  }

  init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .folder
      case S_IFLNK: .link
      default: .other
      }
    kindInWords =
      switch status.st_mode & S_IFMT {
      case S_IFREG: "a file"
      case S_IFDIR: "a folder"
      case S_IFLNK: "a link"
      case S_IFIFO: "a pipe"
      case S_IFSOCK: "a socket"
      default: "a device"
      }
    identity = Identity(
      device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(truncatingIfNeeded: status.st_ino))
    isOpenToOthers = status.st_mode & 0o077 != 0
    isOwn = status.st_uid == geteuid() || status.st_uid == 0
    #if canImport(Darwin)
      let written = status.st_mtimespec
    #else
      let written = status.st_mtim
    #endif
    state = State(size: Int(status.st_size), seconds: written.tv_sec, nanoseconds: written.tv_nsec)
  }
}
