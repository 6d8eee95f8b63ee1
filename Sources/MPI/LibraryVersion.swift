internal import CMPI

extension MPIEnvironment {
  /// The library that serves MPI, such as "Open MPI v4.1.4" (`MPI_Get_library_version`).
  public static var libraryVersion: String {
    var length: Int32 = 0
    var text = [CChar](repeating: 0, count: Int(MPI_MAX_LIBRARY_VERSION_STRING))
    guard MPI_Get_library_version(&text, &length) == MPI_SUCCESS else { return "unknown" }
    let words = String(decoding: text.prefix(Int(length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    // Open MPI goes on with the package, its builder and a date.
    return words.split(whereSeparator: { $0 == "," || $0 == "\n" }).first.map(String.init) ?? "unknown"
  }
}
