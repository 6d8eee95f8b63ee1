import MPI
import Platform

extension Signals {
  /// All ranks. Whether any of them received a signal: the same answer on all.
  static func anyRankReceivedOne(_ communicator: Communicator) throws -> Bool {
    try communicator.allReduce(UInt8(received == nil ? 0 : 1), .max) > 0  // all ranks
  }

  /// All ranks. Throws `SaladError` 75 on all of them when any received a signal.
  ///
  /// - Parameter activity: what is given up, as the end of a sentence: `while images were read`.
  public static func throwIfAnyRankReceivedOne(_ communicator: Communicator, _ activity: String) throws {
    guard try anyRankReceivedOne(communicator) else { return }  // all ranks
    throw SaladError(.interrupted, "a signal asked to stop \(activity)")
  }
}
