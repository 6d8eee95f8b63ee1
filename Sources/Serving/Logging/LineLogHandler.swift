#if Server
  import Foundation
  import Logging
  import Platform

  /// Log lines on standard error, which never hold anyone up:
  ///
  ///     2026-11-28T16:20:56.123Z info model loaded model=65d8a05e rows=1127
  ///
  /// A value with a space, a quote or an equals sign is quoted as JSON has it.
  struct LineLogHandler: LogHandler {
    var logLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let all = metadata.merging(event.metadata ?? [:]) { _, given in given }
      StandardStreams.say(Self.line(at: Date(), event.level, "\(event.message)", all) + "\n")
    }

    static func line(at date: Date, _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) -> String {
      let time = date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
      let values = metadata.sorted { $0.key < $1.key }.map { " \($0)=\(quoted("\($1)"))" }
      return PlainText.of("\(time) \(level.rawValue) \(message)\(values.joined())")
    }

    private static func quoted(_ value: String) -> String {
      let isPlain =
        !value.isEmpty && !value.utf8.contains { $0 <= 0x20 || [UInt8(ascii: "\""), UInt8(ascii: "=")].contains($0) }
      guard !isPlain else { return value }
      let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
      return "\"\(escaped)\""
    }

    /// A logger that writes such lines.
    static func logger(_ label: String = "salad") -> Logger { Logger(label: label) { _ in LineLogHandler() } }
  }
#endif
