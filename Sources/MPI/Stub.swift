// CONTRACT STUB: signatures are agreed, bodies are not.
import CMPI

/// An error that MPI returned, with the function that returned it.
public struct MPIError: Error, CustomStringConvertible, Sendable {
  public let function: String
  public let code: Int32
  public var description: String { function }
}

/// Types that MPI can send: Float, Double, Int8, UInt8, Int32, UInt32, Int64, UInt64.
public protocol MPIDatatype: Sendable {}
extension Float: MPIDatatype {}
extension Double: MPIDatatype {}
extension UInt8: MPIDatatype {}
extension Int8: MPIDatatype {}
extension Int32: MPIDatatype {}
extension UInt32: MPIDatatype {}
extension Int64: MPIDatatype {}
extension UInt64: MPIDatatype {}

public enum ReduceOperation: Sendable { case sum, min, max }

/// Owns MPI_Init_thread and MPI_Finalize. Finalise is explicit, on the agreed path; never a deinit.
public struct MPIEnvironment: ~Copyable {
  public init() throws { fatalError("stub") }
  public var world: Communicator { fatalError("stub") }
  /// What MPI_Get_processor_name says.
  public var processorName: String { fatalError("stub") }
  public consuming func finalize() throws { fatalError("stub") }
}

/// A group of ranks that talk to each other. Every method is collective unless it says otherwise.
public struct Communicator: Sendable {
  public let rank: Int
  public let size: Int
  public var isRoot: Bool { rank == 0 }
  public func barrier() throws { fatalError("stub") }
  public func allReduce<T: MPIDatatype>(_ buffer: UnsafeMutableBufferPointer<T>, _ operation: ReduceOperation) throws { fatalError("stub") }
  public func allReduce<T: MPIDatatype>(_ values: inout [T], _ operation: ReduceOperation) throws { fatalError("stub") }
  public func allReduce<T: MPIDatatype>(_ value: T, _ operation: ReduceOperation) throws -> T { fatalError("stub") }
  /// Blocks of equal size, in rank order.
  public func allGather<T: MPIDatatype>(_ values: [T]) throws -> [T] { fatalError("stub") }
  /// Blocks of any size (0 allowed), one array a rank.
  public func allGatherV<T: MPIDatatype>(_ values: [T]) throws -> [[T]] { fatalError("stub") }
  /// One array a rank on `root`, empty elsewhere.
  public func gatherV<T: MPIDatatype>(_ values: [T], root: Int) throws -> [[T]] { fatalError("stub") }
  public func gather<T: MPIDatatype>(_ values: [T], root: Int) throws -> [T] { fatalError("stub") }
  public func broadcast<T: MPIDatatype>(_ buffer: UnsafeMutableBufferPointer<T>, root: Int) throws { fatalError("stub") }
  /// The count is known on all ranks.
  public func broadcast<T: MPIDatatype>(_ values: inout [T], root: Int) throws { fatalError("stub") }
  /// The root's bytes, whatever their number, on all ranks (length first, then bytes).
  public func broadcast(bytes: [UInt8], root: Int) throws -> [UInt8] { fatalError("stub") }
  public func reduceScatter<T: MPIDatatype>(_ values: [T], counts: [Int], _ operation: ReduceOperation) throws -> [T] { fatalError("stub") }
  /// MPI_Iallreduce in place. The buffer must outlive the request.
  public func startAllReduce<T: MPIDatatype>(_ buffer: UnsafeMutableBufferPointer<T>, _ operation: ReduceOperation) throws -> Request { fatalError("stub") }
  public func split(color: Int?, key: Int) throws -> Communicator? { fatalError("stub") }
  /// The ranks that share this host's memory (MPI_Comm_split_type).
  public func splitByHost() throws -> Communicator { fatalError("stub") }
  /// Ends every rank at once. Not collective: for a rank that fails alone.
  public func abort(_ status: Int32) -> Never { fatalError("stub") }
}

public struct Request: ~Copyable {
  public consuming func wait() throws { fatalError("stub") }
}
