#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Whether the process has mapped the file at a path that ends so.
public func hasMapped(_ end: String, _ process: pid_t) -> Bool {
  // Line by line: the kernel hands out a page at a time, which Foundation takes for all.
  guard let maps = fopen("/proc/\(process)/maps", "r") else { return false }
  defer { fclose(maps) }
  var line = [CChar](repeating: 0, count: 8192)
  while fgets(&line, Int32(line.count), maps) != nil {
    if String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).hasSuffix(end + "\n") {
      return true
    }
  }
  return false
}
