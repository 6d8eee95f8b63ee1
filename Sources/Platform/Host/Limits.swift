#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The limits that a shell or a batch system sets a process: getrlimit(2). nil where there is none.
public enum Limits {
  /// Bytes: `ulimit -v`.
  public static var addressSpace: Int? { soft(.addressSpace) }
  /// Bytes: `ulimit -d`.
  public static var data: Int? { soft(.data) }
  /// Bytes of a file: `ulimit -f`.
  public static var fileSize: Int? { soft(.fileSize) }
  /// Files, pipes and sockets at a time: `ulimit -n`.
  public static var openFiles: Int? { soft(.openFiles) }
  /// Threads of this process's user: `ulimit -u`.
  public static var threads: Int? { soft(.threads) }

  /// Allows this process as many open files as it may allow itself, up to `wanted`.
  ///
  /// - Returns: how many it may have open now.
  @discardableResult
  public static func raiseOpenFiles(to wanted: Int) -> Int {
    var limit = rlimit()
    guard getrlimit(Kind.openFiles.number, &limit) == 0 else { return wanted }
    let new = min(rlim_t(wanted), limit.rlim_max)
    if limit.rlim_cur < new {
      limit.rlim_cur = new
      _ = setrlimit(Kind.openFiles.number, &limit)
    }
    return openFiles ?? wanted
  }

  /// How many files more this process may open, counted by opening them, at most `wanted`.
  public static func freeDescriptors(upTo wanted: Int) -> Int {
    var opened: [Int32] = []
    defer { for descriptor in opened { close(descriptor) } }
    while opened.count < wanted {
      let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { break }
      opened.append(descriptor)
    }
    return opened.count
  }

  private enum Kind {
    case addressSpace, data, fileSize, openFiles, threads

    #if canImport(Darwin)
      var number: Int32 {
        switch self {
        case .addressSpace: RLIMIT_AS
        case .data: RLIMIT_DATA
        case .fileSize: RLIMIT_FSIZE
        case .openFiles: RLIMIT_NOFILE
        case .threads: RLIMIT_NPROC
        }
      }
    #else
      var number: Int32 {
        let resource =
          switch self {
          case .addressSpace: RLIMIT_AS
          case .data: RLIMIT_DATA
          case .fileSize: RLIMIT_FSIZE
          case .openFiles: RLIMIT_NOFILE
          case .threads: __RLIMIT_NPROC
          }
        return Int32(resource.rawValue)
      }
    #endif
  }

  private static func soft(_ kind: Kind) -> Int? {
    var limit = rlimit()
    guard getrlimit(kind.number, &limit) == 0, limit.rlim_cur < rlim_t(Int.max) else { return nil }
    return Int(limit.rlim_cur)
  }
}
