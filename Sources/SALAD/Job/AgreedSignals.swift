import MPI
import Platform

extension Signals {
  /// All ranks. Whether any of them received a signal: the same answer on all.
  static func anyRankReceivedOne(_ communicator: Communicator) throws -> Bool {
    try communicator.allReduce(UInt8(received == nil ? 0 : 1), .max) > 0  // all ranks
  }
}
