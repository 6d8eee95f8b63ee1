import MPI
import MemoryBank
import Radiographs
import Safetensors

/// All ranks. The body's result, or on every rank the same error when the body failed on any.
///
///     let model = try agree(communicator) { try SafetensorsFile(path: path) }   // all ranks
///
/// The body must not call the communicator: a rank that fails before a collective would leave the others in it.
///
/// - Throws: `SaladError` with the status and sentence of the lowest rank that failed.
public func agree<R>(_ communicator: Communicator, _ body: () throws -> R) throws -> R { fatalError("stub") }

extension SaladError {
  /// The one place where a library's error gets its exit status.
  public init(_ error: any Error) { fatalError("stub") }
}
