import Autoencoder
import MPI
import MemoryBank
import Platform
import Radiographs
import Safetensors

/// All ranks. The body's result, or on every rank the same error when the body failed on any.
///
///     let model = try agree(communicator) { try SafetensorsFile(path: path) }   // all ranks
///
/// The body must not call the communicator: a rank that fails before a collective would leave the others in it.
///
/// - Throws: `SaladError` with the status and sentence of the lowest rank that failed, and with its rank and host
///   where the sentence alone would not tell whose disk or folder it is about.
public func agree<R>(_ communicator: Communicator, _ body: () throws -> R) throws -> R {
  let outcome = Result { try body() }
  var failure: SaladError?
  if case .failure(let error) = outcome { failure = SaladError(error) }

  // The lowest rank that failed, and the lowest that did not; `size` stands for none.
  let (rank, none) = (Int64(communicator.rank), Int64(communicator.size))
  var lowest = failure == nil ? [none, rank] : [rank, none]
  try communicator.allReduce(&lowest, .min)  // all ranks
  guard lowest[0] < none else { return try outcome.get() }

  var message: [UInt8] = []
  if let failure, lowest[0] == rank {
    let alone = lowest[1] < none && (rank > 0 || [.internalError, .inputOutput].contains(failure.status))
    let place = alone ? " (rank \(rank) on \(Host.name))" : ""
    message = [UInt8(failure.status.rawValue)] + Array((failure.description + place).utf8)
  }
  message = try communicator.broadcast(bytes: message, root: Int(lowest[0]))  // all ranks
  throw SaladError(
    ExitStatus(rawValue: Int32(message[0])) ?? .internalError, String(decoding: message[1...], as: UTF8.self))
}

extension SaladError {
  /// The one place where a library's error gets its exit status, and loses its full stop: sentences go on here.
  public init(_ error: any Error) {
    self.init(withFullStop: error)
    if description.hasSuffix(".") { self = SaladError(status, String(description.dropLast())) }
  }

  private init(withFullStop error: any Error) {
    switch error {
    case let error as SaladError: self = error
    case let error as RadiographError:
      switch error.kind {
      case .badData: self.init(.badData, error.description)
      case .inputOutput: self.init(.inputOutput, error.description)
      case .refused: self.init(.usage, error.description)
      case .stopped: self.init(.interrupted, error.description)
      }
    case let error as StopRequest: self.init(.interrupted, error.description)
    case let error as SafetensorsError:
      self.init(error.kind == .inputOutput ? .inputOutput : .badData, error.description)
    case let error as AutoencoderError:
      switch error.kind {
      case .badData: self.init(.badData, error.description)
      case .refused: self.init(.usage, error.description)
      case .unsupported: self.init(.internalError, error.description)
      }
    case let error as SystemError: self.init(error)
    case let error as MemoryError:
      let cure =
        error.limit == nil
        ? "give fewer --workers or ranks a host" : "raise that limit, or give fewer --workers"
      self.init(
        .inputOutput, "\(error.description): \(cure), and in training a smaller --micro-batch, --cache-memory or --size"
      )
    case let error as PeakProduct.Missing: self.init(.inputOutput, error.description)
    case let error as MPIPrerequisiteError: self.init(.inputOutput, error.description)
    case let error as MPIError: self.init(.internalError, error.description)
    default: self.init(.internalError, String(describing: error))
    }
  }
}
