internal import CMPI

/// An MPI datatype, named as Swift names it.
public enum Datatype: Sendable {
  case float, double, int8, uint8, uint16, int32, uint32, int64, uint64

  var handle: MPI_Datatype {
    switch self {
    case .float: CMPI_FLOAT()
    case .double: CMPI_DOUBLE()
    case .int8: CMPI_INT8_T()
    case .uint8: CMPI_UINT8_T()
    case .uint16: CMPI_UINT16_T()
    case .int32: CMPI_INT32_T()
    case .uint32: CMPI_UINT32_T()
    case .int64: CMPI_INT64_T()
    case .uint64: CMPI_UINT64_T()
    }
  }
}

/// Types that MPI can send: each has one datatype of the same size and meaning.
public protocol MPIDatatype: Sendable, BitwiseCopyable {
  static var datatype: Datatype { get }
}

extension Float: MPIDatatype { public static var datatype: Datatype { .float } }
extension Double: MPIDatatype { public static var datatype: Datatype { .double } }
extension Int8: MPIDatatype { public static var datatype: Datatype { .int8 } }
extension UInt8: MPIDatatype { public static var datatype: Datatype { .uint8 } }
extension UInt16: MPIDatatype { public static var datatype: Datatype { .uint16 } }
extension Int32: MPIDatatype { public static var datatype: Datatype { .int32 } }
extension UInt32: MPIDatatype { public static var datatype: Datatype { .uint32 } }
extension Int64: MPIDatatype { public static var datatype: Datatype { .int64 } }
extension UInt64: MPIDatatype { public static var datatype: Datatype { .uint64 } }

/// How a reduction combines the ranks' elements.
///
/// Integers give the same bits in any order (a sum wraps silently: see `ExactSum`), and so do `min` and `max` of
/// finite numbers. A sum of floating-point numbers depends on the number of ranks and on MPI's choice of algorithm.
public enum ReduceOperation: Sendable {
  case sum, min, max

  var handle: MPI_Op {
    switch self {
    case .sum: CMPI_SUM()
    case .min: CMPI_MIN()
    case .max: CMPI_MAX()
    }
  }
}
