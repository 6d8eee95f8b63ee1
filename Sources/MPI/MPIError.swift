internal import CMPI

/// A failure that MPI reported, with the function that reported it and MPI's own words.
public struct MPIError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The C function, such as `MPI_Allreduce`.
  public let function: String
  /// What the function returned; its meaning is in `message`.
  public let code: Int32
  /// The rank in the communicator that was used, nil where there is none yet.
  public let rank: Int?
  /// `MPI_Error_string` of `code`, or our reason for not calling the function at all.
  public let message: String

  public var description: String {
    let place = rank.map { " on rank \($0)" } ?? ""
    return "\(function) failed\(place): \(message)"
  }
}

extension MPIError {
  /// The one place where a return code becomes an error.
  static func check(_ code: Int32, _ function: String, rank: Int? = nil) throws(MPIError) {
    guard code != MPI_SUCCESS else { return }
    throw MPIError(function: function, code: code, rank: rank, message: text(of: code))
  }

  /// `MPI_Error_string`.
  private static func text(of code: Int32) -> String {
    var length: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(MPI_MAX_ERROR_STRING)) { buffer, count in
      let status = buffer.withMemoryRebound(to: CChar.self) { MPI_Error_string(code, $0.baseAddress, &length) }
      count = status == MPI_SUCCESS ? Int(length) : 0
    }
    return bytes.isEmpty ? "unknown error \(code)" : String(decoding: bytes, as: UTF8.self)
  }
}
