internal import CMPI

import Platform

/// A group of ranks that talk to each other (`MPI_Comm`).
///
/// Every throwing method is collective: all ranks of the communicator call it, in the same order. One thread
/// calls at a time. A communicator is good until that is finalised.
///
/// `MPI_ERRORS_RETURN` is set on each, so that a failing call throws `MPIError` instead of ending the process.
// Unchecked: the handle is a name that never changes, and MPI's own rule on threads is in the documentation above.
public struct Communicator: @unchecked Sendable {
  /// This process among `0 ..< size`.
  public let rank: Int
  /// How many ranks there are.
  public let size: Int
  let handle: MPI_Comm

  /// The most elements that one MPI call carries, at least `size`. Longer buffers travel in several calls.
  ///
  /// MPI counts in 32 bits, hence the default of 2^31 - 1. A test lowers it to exercise the chunks; it is then the same
  /// on all ranks.
  public var elementsPerCall = Int(Int32.max) {
    didSet {
      precondition(
        elementsPerCall >= size && elementsPerCall <= Int(Int32.max),
        "elementsPerCall is \(elementsPerCall), expected \(size) ... \(Int32.max)")
    }
  }

  /// The first rank, which prints results and writes what is written once.
  public var isRoot: Bool { rank == 0 }

  init(handle: MPI_Comm) throws(MPIError) {
    var rank: Int32 = 0
    var size: Int32 = 0
    try MPIError.check(MPI_Comm_set_errhandler(handle, CMPI_ERRORS_RETURN()), "MPI_Comm_set_errhandler")
    try MPIError.check(MPI_Comm_rank(handle, &rank), "MPI_Comm_rank")
    try MPIError.check(MPI_Comm_size(handle, &size), "MPI_Comm_size")
    self.rank = Int(rank)
    self.size = Int(size)
    self.handle = handle
  }

  /// The communicator of the ranks that gave the same color, ordered by key, then by rank here (`MPI_Comm_split`).
  ///
  /// - Parameters:
  ///   - color: in `0 ... Int32.max`, or nil for a rank that joins none.
  ///   - key: orders the ranks of one color.
  /// - Returns: nil where `color` is nil.
  public func split(color: Int?, key: Int) throws(MPIError) -> Communicator? {
    precondition(color.map { (0...Int(Int32.max)).contains($0) } ?? true, "color is \(color ?? 0), expected 0 or more")
    var result: MPI_Comm? = CMPI_COMM_NULL()
    let color = color.map { Int32($0) } ?? MPI_UNDEFINED
    try check(MPI_Comm_split(handle, color, Int32(key), &result), "MPI_Comm_split")
    guard let result, result != CMPI_COMM_NULL() else { return nil }
    return try child(result)
  }

  /// The communicator of the ranks on this host (`MPI_Comm_split_type` with `MPI_COMM_TYPE_SHARED`), in rank order.
  public func splitByHost() throws(MPIError) -> Communicator {
    var result: MPI_Comm? = CMPI_COMM_NULL()
    try check(
      MPI_Comm_split_type(handle, Int32(MPI_COMM_TYPE_SHARED), Int32(rank), CMPI_INFO_NULL(), &result),
      "MPI_Comm_split_type")
    guard let result else { preconditionFailure("MPI_Comm_split_type succeeded without a communicator") }
    return try child(result)
  }

  /// Ends every rank at once, with this exit status (`MPI_Abort`). Not collective: for a rank that fails alone.
  ///
  /// Print the reason first. Without `mpirun` it ends this process.
  public func abort(_ status: Int32) -> Never {
    _ = MPI_Abort(handle, status)
    // MPI_Abort does not return; were it to, mpirun ends the others when this process ends without finalising.
    Host.endProcess(status)
  }

  func check(_ code: Int32, _ function: String) throws(MPIError) {
    try MPIError.check(code, function, rank: rank)
  }

  private func child(_ handle: MPI_Comm) throws(MPIError) -> Communicator {
    var result = try Communicator(handle: handle)
    result.elementsPerCall = elementsPerCall
    return result
  }
}
