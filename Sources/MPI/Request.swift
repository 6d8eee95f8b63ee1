internal import CMPI

/// A collective that was started and goes on by itself (`MPI_Request`). Wait for it once.
///
/// Dropping one without waiting does not stop MPI from writing to the buffer, and waiting on the way out of an error
/// could wait for ever, so there is no `deinit`: a rank that cannot reach `wait` must abort.
public struct Request: ~Copyable {
  private var requests: [MPI_Request?]
  private let rank: Int

  init(_ requests: [MPI_Request?], rank: Int) {
    self.requests = requests
    self.rank = rank
  }

  /// Returns when the collective is done on this rank and its buffer is ours again (`MPI_Waitall`).
  public consuming func wait() throws(MPIError) {
    let code = MPI_Waitall(Int32(requests.count), &requests, CMPI_STATUSES_IGNORE())
    try MPIError.check(code, "MPI_Waitall", rank: rank)
  }

  /// Whether the collective is done on this rank; lets MPI work on it in any case (`MPI_Testall`). Still wait for it.
  public mutating func test() throws(MPIError) -> Bool {
    var done: Int32 = 0
    let code = MPI_Testall(Int32(requests.count), &requests, &done, CMPI_STATUSES_IGNORE())
    try MPIError.check(code, "MPI_Testall", rank: rank)
    return done != 0
  }
}
