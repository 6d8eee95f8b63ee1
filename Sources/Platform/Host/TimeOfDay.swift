#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The host's clock, as people read it and as files note it.
public enum TimeOfDay {
  /// Seconds since 1970 (clock_gettime, CLOCK_REALTIME).
  public static var seconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// `2026-05-04 16:20:55` in this host's zone (localtime_r).
  public static func text(_ seconds: Double = seconds) -> String {
    var time = time_t(seconds)
    var parts = tm()
    localtime_r(&time, &parts)
    func digits(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(parts.tm_year + 1900)-\(digits(parts.tm_mon + 1))-\(digits(parts.tm_mday)) "
      + "\(digits(parts.tm_hour)):\(digits(parts.tm_min)):\(digits(parts.tm_sec))"
  }
}
