// G = cells along a side of a map, C = its channels

/// One level's map in a row of numbers: G x G cells from the top left, each cell's C channels side by side.
public struct CellGrid: Sendable, Equatable {
  /// G.
  public let side: Int
  /// C.
  public let channels: Int
  /// Of the first cell in the row.
  public let offset: Int

  public init(side: Int, channels: Int, offset: Int) {
    precondition(
      side > 0 && channels > 0 && offset >= 0, "a map of \(side) x \(side) cells of \(channels) at \(offset)")
    self.side = side
    self.channels = channels
    self.offset = offset
  }

  /// G x G.
  public var cells: Int { side * side }
}
