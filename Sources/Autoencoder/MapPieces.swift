import Synchronization

// n = images, b = blocks of channels

/// How a team cuts maps (n, b, side, side): runs of rows of a large plane, runs of blocks of small ones. It follows from the
/// shape alone, so that sums by pieces have the same bits for any number of threads.
struct MapPieces: Sendable {
  let images: Int
  let blocks: Int
  let side: Int
  /// Rows of a piece: even, or all.
  private let rows: Int
  private let blocksOfPiece: Int
  /// Runs of rows in a plane, and of blocks in an image.
  let runs: Int
  private let stretches: Int

  /// As many pixels, of a block of channels each, as stay in the second cache.
  private static let pixels = 1024

  /// - Parameter wholePlanes: no plane is cut.
  init(images: Int, blocks: Int, side: Int, wholePlanes: Bool = false) {
    (self.images, self.blocks, self.side) = (images, blocks, side)
    let isCut = !wholePlanes && side * side > Self.pixels
    rows = isCut ? max(Self.pixels / side / 2 * 2, 2) : side
    blocksOfPiece = min(max(Self.pixels / (side * side), 1), blocks)
    runs = (side + rows - 1) / rows
    stretches = (blocks + blocksOfPiece - 1) / blocksOfPiece
  }

  var count: Int { images * stretches * runs }

  struct Piece {
    let image: Int
    let blocks: Range<Int>
    let run: Int
    let rows: Range<Int>
  }

  subscript(piece: Int) -> Piece {
    let (run, stretch, image) = (piece % runs, piece / runs % stretches, piece / runs / stretches)
    return Piece(
      image: image, blocks: stretch * blocksOfPiece..<min((stretch + 1) * blocksOfPiece, blocks), run: run,
      rows: run * rows..<min((run + 1) * rows, side))
  }

  /// Pixels before the piece, in a map of these or, pooled, of half the side.
  func offset(_ piece: Piece, pooled: Bool = false) -> Int {
    let (side, row) = pooled ? (side / 2, piece.rows.lowerBound / 2) : (side, piece.rows.lowerBound)
    return (piece.image * blocks + piece.blocks.lowerBound) * side * side + row * side
  }
}

extension WorkerBuffers {
  /// The first elements of at most `count`, a piece at a time, by the team.
  func each(_ count: Int, _ body: @escaping (Range<Int>) -> Void) {
    team.run(elements: count, piece: 1 << 14) { _, range in body(range) }
  }
}

/// Sums (pieces, width), in the order of the pieces.
func addUp(
  _ partial: UnsafePointer<Double>, of pieces: Int, width: Int, into sums: UnsafeMutablePointer<Double>
) {
  sums.update(from: partial, count: width)
  for piece in 1..<max(pieces, 1) {
    let row = partial + piece * width
    for index in 0..<width { sums[index] += row[index] }
  }
}

/// Whether any thread of a team saw a fault.
final class Faults: Sendable {
  private let noted = Atomic(false)
  func note() { noted.store(true, ordering: .relaxed) }
  var isNoted: Bool { noted.load(ordering: .relaxed) }
}
