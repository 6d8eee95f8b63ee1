#if canImport(Glibc)
  import Glibc
#endif

/// The system's C library, whose exponentials and logarithms may differ in their last bit from version to version.
public enum CLibrary {
  /// Such as "glibc 2.36" (confstr(3)).
  public static var version: String {
    #if canImport(Glibc)
      var text = [CChar](repeating: 0, count: 64)
      let count = confstr(Int32(_CS_GNU_LIBC_VERSION), &text, text.count)
      guard (1...text.count).contains(count) else { return "unknown" }
      return String(decoding: text.prefix(count - 1).map(UInt8.init(bitPattern:)), as: UTF8.self)
    #else
      return "the system's"
    #endif
  }
}
