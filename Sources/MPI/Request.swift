internal import CMPI

/// A collective that was started and goes on by itself (`MPI_Request`). Wait for it once.
///
/// Dropping one without waiting does not stop MPI from writing to the buffer, and waiting on the way out of an error
/// could wait for ever, so there is no `deinit`: a rank that cannot reach `wait` must abort.
public struct Request: ~Copyable {
  private var requests: [MPI_Request?]
  private let rank: Int
  /// What MPI reads until the collective is done.
  private let lengths: Lengths?

  init(_ requests: [MPI_Request?], rank: Int, lengths: Lengths? = nil) {
    self.requests = requests
    self.rank = rank
    self.lengths = lengths
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

/// Counts and displacements of ranges, one each a rank, for as long as MPI reads them.
final class Lengths {
  private let numbers: UnsafeMutableBufferPointer<Int32>
  private let ranks: Int

  init(_ lists: [Range<Int>]...) {
    ranks = lists[0].count
    numbers = .allocate(capacity: 2 * ranks * lists.count)
    for (index, list) in lists.enumerated() {
      precondition(list.count == ranks, "\(list.count) ranges for \(ranks) ranks")
      for (rank, range) in list.enumerated() {
        numbers[2 * index * ranks + rank] = Int32(range.count)
        numbers[(2 * index + 1) * ranks + rank] = Int32(range.lowerBound)
      }
    }
  }

  deinit { numbers.deallocate() }

  func counts(_ list: Int) -> UnsafePointer<Int32> { UnsafePointer(numbers.baseAddress! + 2 * list * ranks) }
  func displacements(_ list: Int) -> UnsafePointer<Int32> {
    UnsafePointer(numbers.baseAddress! + (2 * list + 1) * ranks)
  }
}
