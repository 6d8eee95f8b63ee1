extension Trainer {
  /// How a training ends.
  public enum Ending: Sendable {
    /// All steps taken, the bank refreshed, everything saved.
    case finished
    /// Stopped by a signal, with a checkpoint to go on from.
    case interrupted
    /// Stopped because the time was up, with a checkpoint to go on from.
    case outOfTime
    /// Stopped by a signal before the first step.
    case interruptedBeforeStart

    /// For the note of who trained.
    var sentence: String {
      switch self {
      case .finished: "finished"
      case .interrupted: "by a signal, with a checkpoint saved"
      case .outOfTime: "by --stop-after, with a checkpoint saved"
      case .interruptedBeforeStart: "by a signal before the first step"
      }
    }
  }
}
