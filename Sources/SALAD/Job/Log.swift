import Logging
import Platform

/// Sentences for the person who started the command, on standard error of rank 0.
public struct Log: Sendable {
  /// How much is said.
  public enum Verbosity: Sendable {
    /// Warnings alone, beside errors.
    case quiet
    case usual
    /// Everything, each line with the time of day.
    case verbose

    fileprivate var level: Logger.Level {
      switch self {
      case .quiet: .warning
      case .usual: .info
      case .verbose: .debug
      }
    }
  }

  /// nil: this rank does not speak.
  private let logger: Logger?

  /// - Parameters:
  ///   - isShown: true on the one rank that speaks.
  ///   - verbosity: how much is said.
  public init(isShown: Bool, verbosity: Verbosity = .usual) {
    guard isShown else {
      logger = nil
      return
    }
    logger = Logger(label: "salad") { _ in
      SentenceHandler(logLevel: verbosity.level, showsTime: verbosity == .verbose)
    }
  }

  /// Writes `salad: SENTENCE`.
  public func note(_ sentence: String) { logger?.info("\(sentence)") }

  /// The same of what may make a result wrong: said even where little is.
  public func warn(_ sentence: String) { logger?.warning("\(sentence)") }

  /// The same of what only `--verbose` tells.
  public func detail(_ sentence: @autoclosure () -> String) { logger?.debug("\(sentence())") }

  /// Lines below so many columns (nil: any), broken between words; a longer word keeps a line of its own, so that a path
  /// can be copied.
  static func wrapped(_ sentence: String, columns: Int?) -> [String] {
    guard let columns, sentence.count >= columns else { return [sentence] }
    var lines: [String] = []
    for word in sentence.split(separator: " ", omittingEmptySubsequences: false) {
      if let last = lines.last, last.count + 1 + word.count < columns {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append((lines.isEmpty ? "" : "  ") + word)
      }
    }
    return lines
  }
}

/// A line a sentence, wrapped where a person reads along.
private struct SentenceHandler: LogHandler {
  var logLevel: Logger.Level
  let showsTime: Bool
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let sentence =
      (showsTime ? "\(TimeOfDay.text()) " : "") + "salad: \(PlainText.of(event.message.description))"
    guard StandardStreams.errorIsTerminal else { return StandardStreams.say(sentence + "\n") }
    // A progress bar may stand on the line.
    let lines = Log.wrapped(sentence, columns: StandardStreams.terminalWidth)
    StandardStreams.say("\r\u{1B}[K" + lines.map { $0 + "\n" }.joined())
  }
}
