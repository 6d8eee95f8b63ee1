import Platform
import Synchronization

/// Whether a search looks at a small copy of the rows first (`SmallCopy`). No result depends on it.
public enum SmallCopyUse: String, Sendable, CaseIterable {
  /// Once as much was read without it as making it costs, and where there is memory for it.
  case automatic
  /// From the first search on.
  case always
  case never
}

/// The small copy of one shard, made when it pays. Copies of a bank whose rows are the same share it.
final class SmallCopies: Sendable {
  private struct State {
    var copy: SmallCopy?
    /// How often all rows were read without a copy.
    var readings = 0
    /// It cannot be made.
    var isRefused = false
    /// So many searches do without it.
    var pause = 0
  }
  private let state = Mutex(State())

  /// Making a copy takes as long as so many readings of all rows: most of it goes into fresh memory.
  private static let readingsToPay = 8
  /// Elements of the smallest shard whose search gains.
  private static let fewestElements = 1 << 18
  /// After a search for which the copy was of no use.
  private static let pauseAfterFailure = 16

  /// What a copy is made of, and with.
  struct Shard {
    /// (M, D), M at least 1.
    let rows: UnsafeBufferPointer<Float>
    /// D.
    let dimension: Int
    /// N: all ranks may be on one host, and copy at once.
    let bankRows: Int
    let workers: Workers
  }

  /// The copy where it is to be used now. Makes it when its turn has come.
  ///
  /// - Parameter queries: of the search that asks.
  func copy(of shard: Shard, queries: Int, use: SmallCopyUse) -> SmallCopy? {
    guard use != .never else { return nil }
    return state.withLock { state in
      if let copy = state.copy {
        guard use == .automatic, state.pause > 0 else { return copy }
        state.pause -= 1
        return nil
      }
      if use == .automatic, state.readings < Self.readingsToPay {
        // A panel's products take about twice as long as reading the rows does.
        state.readings += queries > 3 ? 2 * Panels.number(of: queries) : 1
        return nil
      }
      return Self.make(&state, of: shard, use: use)
    }
  }

  /// The copy, made now where it can be and is allowed to be.
  func made(of shard: Shard, use: SmallCopyUse) -> SmallCopy? {
    state.withLock { Self.make(&$0, of: shard, use: use) }
  }

  private static func make(_ state: inout State, of shard: Shard, use: SmallCopyUse) -> SmallCopy? {
    guard state.copy == nil, use != .never, !state.isRefused else { return state.copy }
    let isAllowed =
      use == .always
      || shard.rows.count >= fewestElements
        && SmallCopy.bytes(rows: shard.bankRows, dimension: shard.dimension) <= Host.availableMemory / 2
    if isAllowed { state.copy = SmallCopy(shard.rows, dimension: shard.dimension, workers: shard.workers) }
    state.isRefused = state.copy == nil && use == .automatic
    return state.copy
  }

  /// The copy told too few rows apart.
  func failed() { state.withLock { $0.pause = Self.pauseAfterFailure } }
}
