import Platform

/// Why a `.safetensors` file could not be read or written: one sentence with path, what was expected, what was found.
public struct SafetensorsError: Error, CustomStringConvertible, Sendable {
  public enum Kind: Sendable {
    /// The file's content is not what the format, or the caller, asks for.
    case badData
    /// The system refused: no such file, no permission, no room.
    case inputOutput
  }

  public let kind: Kind
  public let path: String
  public let description: String

  /// - Parameter sentence: what follows the path, e.g. `expected ..., found ...`.
  init(_ kind: Kind, path: String, _ sentence: String) {
    self.kind = kind
    self.path = path
    self.description = "\(path): \(sentence)"
  }

  /// What the system refused.
  init(_ error: SystemError) {
    kind = error.found == nil ? .inputOutput : .badData
    path = error.path
    description = error.description
  }

  /// The result of what the system was asked for.
  static func translating<R: ~Copyable>(
    _ body: () throws(SystemError) -> R
  ) throws(SafetensorsError) -> R {
    do {
      return try body()
    } catch {
      throw SafetensorsError(error)
    }
  }
}
