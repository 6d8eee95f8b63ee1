#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What a process forbids itself before it touches what strangers have sent: setrlimit(2).
public enum Confinement {
  /// From now on this process gets so many bytes more of addresses, and writes no file and no dump.
  ///
  /// - Parameter memory: bytes beyond what is taken now.
  public static func begin(memory: Int) {
    // A limit that is lower already stays.
    let taken = Host.pages(0) ?? 0
    let addresses = taken.addingReportingOverflow(memory)
    if !addresses.overflow { lower(.addressSpace, to: addresses.partialValue) }
    lower(.fileSize, to: 0)
    lower(.core, to: 0)
  }

  /// The process is ended, by SIGXCPU, when it computes for so many seconds longer. Each call begins anew.
  public static func allow(processorSeconds seconds: Int) {
    var limit = rlimit()
    guard getrlimit(Resource.processorTime.number, &limit) == 0 else { return }
    limit.rlim_cur = min(limit.rlim_max, rlim_t(Host.processorSeconds.rounded(.up)) + rlim_t(seconds))
    _ = setrlimit(Resource.processorTime.number, &limit)
  }

  /// Closes what this process has inherited beyond the standard streams and `kept`: connections of its parent, which would
  /// stay open as long as it lives.
  public static func closeInherited(but kept: Int32) {
    let entries = (try? Folder.entries(of: "/proc/self/fd").entries.map(\.name)) ?? []
    for number in entries.compactMap({ Int32($0) }) where number > STDERR_FILENO && number != kept { close(number) }
  }

  private static func lower(_ resource: Resource, to value: Int) {
    var limit = rlimit()
    guard getrlimit(resource.number, &limit) == 0, limit.rlim_cur > rlim_t(value) else { return }
    limit.rlim_cur = rlim_t(value)
    limit.rlim_max = min(limit.rlim_max, rlim_t(value))
    _ = setrlimit(resource.number, &limit)
  }

  private enum Resource {
    case addressSpace, fileSize, core, processorTime

    #if canImport(Darwin)
      var number: Int32 {
        switch self {
        case .addressSpace: RLIMIT_AS
        case .fileSize: RLIMIT_FSIZE
        case .core: RLIMIT_CORE
        case .processorTime: RLIMIT_CPU
        }
      }
    #else
      var number: Int32 {
        let resource =
          switch self {
          case .addressSpace: RLIMIT_AS
          case .fileSize: RLIMIT_FSIZE
          case .core: RLIMIT_CORE
          case .processorTime: RLIMIT_CPU
          }
        return Int32(resource.rawValue)
      }
    #endif
  }
}
