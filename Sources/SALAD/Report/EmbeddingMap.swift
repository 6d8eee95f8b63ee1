import MPI
import MemoryBank

// N = bank rows, F = features of an image

/// The bank's rows, and test images, in the plane in which the rows spread most.
struct EmbeddingMap: Sendable {
  let plane: PrincipalPlane
  /// Rows that are shown, image indices: all, or so many evenly spaced ones.
  let rows: [Int]
  /// N.
  let total: Int
  /// Where they lie.
  let bank: [(x: Double, y: Double)]
  /// Where the test images lie that have a score, in their order.
  var tests: [(x: Double, y: Double)] = []

  /// More dots hide one another, and make a large page.
  static let mostRows = 2048

  /// All ranks. The map of a bank, equal on all ranks; nil where its rows span no plane.
  init?(of bank: MemoryBank, communicator: Communicator) throws {
    total = bank.sharding.rows
    let shown = min(total, Self.mostRows)
    rows = (0..<shown).map { [total] in $0 * total / shown }
    let features = try bank.rows(of: rows, communicator)  // all ranks
    guard let plane = PrincipalPlane(features, features: bank.dimension) else { return nil }
    self.plane = plane
    self.bank = plane.places(of: features)
  }
}
