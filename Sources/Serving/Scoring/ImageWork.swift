#if Server
  import Platform
  import Radiographs
  import SALAD
  import Synchronization

  /// An image on its way to its score. Whoever finishes it first - the scorer, a child that cannot read it, the clock -
  /// decides what it is answered with.
  final class ImageWork: Sendable {
    typealias Outcome = Result<ScoredImage, ImageFault>

    /// Of its file. Kept until the end: another model may want it prepared in another way.
    let bytes: [UInt8]
    let deadline: ContinuousClock.Instant
    /// Prototypes wanted of each model.
    let nearest: Int
    /// How to say where its score comes from, too; nil: that is not asked.
    let method: HeatMethod?
    private let finished: Mutex<(@Sendable (Outcome) -> Void)?>

    /// - Parameter finished: called once, on any thread.
    init(
      bytes: [UInt8], deadline: ContinuousClock.Instant, nearest: Int, method: HeatMethod?,
      finished: @escaping @Sendable (Outcome) -> Void
    ) {
      (self.bytes, self.deadline, self.nearest, self.method) = (bytes, deadline, nearest, method)
      self.finished = Mutex(finished)
    }

    var isFinished: Bool { finished.withLock { $0 == nil } }

    /// - Returns: whether this was the first.
    @discardableResult
    func finish(_ outcome: Outcome) -> Bool {
      let finished = finished.withLock { finished in
        defer { finished = nil }
        return finished
      }
      finished?(outcome)
      return finished != nil
    }
  }
#endif
