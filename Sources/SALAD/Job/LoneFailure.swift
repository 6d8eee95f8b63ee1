/// A failure of one rank that the others do not know of: the command prints it and ends all ranks.
///
/// A `SaladError`, in contrast, is thrown by all ranks together (`agree`), which then end in good order.
public struct LoneFailure: Error {
  public let cause: any Error
}

/// Local. Marks what one rank does by itself between collectives, such as rank 0 writing a file.
func alone<R>(_ body: () throws -> R) throws -> R {
  do {
    return try body()
  } catch {
    throw LoneFailure(cause: error)
  }
}
