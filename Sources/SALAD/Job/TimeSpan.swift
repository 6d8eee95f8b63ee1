/// A length of time as people write it on a command line: `90s`, `30m`, `11h`, `2d`, `1:30:00`.
public struct TimeSpan: Sendable, Equatable {
  /// At least 1.
  public let seconds: Double
  /// As it was written.
  public let text: String

  /// What ``init(_:)`` takes, for a sentence.
  public static let wanted = "a time of at least a second, such as 90s, 30m, 11h, 2d or 1:30:00"

  /// Nil when the text is none, or less than a second.
  public init?(_ text: String) {
    guard let seconds = Self.withUnit(text) ?? Self.clock(text), seconds >= 1 else { return nil }
    self.seconds = seconds
    self.text = text
  }

  /// `1.5h`. A number alone is refused: it may have been meant as seconds or as minutes.
  private static func withUnit(_ text: String) -> Double? {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    guard let last = text.last, let unit = units[last] else { return nil }
    let number = text.dropLast()
    // No signs, exponents or names of numbers.
    guard number.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }) else { return nil }
    return Double(number).map { $0 * unit }
  }

  /// `1:30:00`, hours without a limit. Two parts alone are refused: hours and minutes, or minutes and seconds?
  private static func clock(_ text: String) -> Double? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else { return nil }
    let numbers = parts.compactMap { Double($0) }
    guard numbers.count == 3, numbers[1] < 60, numbers[2] < 60 else { return nil }
    return (numbers[0] * 60 + numbers[1]) * 60 + numbers[2]
  }
}
