/// What is wrong with an image file or a data set: one sentence with the path, what was expected, what was found.
public struct RadiographError: Error, CustomStringConvertible, Sendable {
  public enum Kind: Sendable {
    /// The content is wrong: not an image, truncated, damaged, too large, an empty data set.
    case badData
    /// The operating system could not read or write: missing, no permission, no room.
    case inputOutput
    /// What was asked for does not suit the data: a view that it has not, two layouts at once.
    case refused
    /// A signal asked to stop.
    case stopped
  }

  public let kind: Kind
  public let path: String
  public let description: String

  public init(kind: Kind = .badData, path: String, _ description: String) {
    self.kind = kind
    self.path = path
    self.description = description
  }
}
