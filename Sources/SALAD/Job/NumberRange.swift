/// What a number on the command line may be: one line of a verb's table.
///
///     NumberRange<Execution>.whole("--keep", \.keep, 1 ... .max)
///
/// The table checks values and words sentences, those about text that is no such number among them.
public struct NumberRange<Root>: Sendable {
  /// Such as `--keep`.
  public let flag: String
  /// Such as `a whole number of at least 1`.
  public let words: String
  /// Where the value is out of range: the value as text; nil: all is well, or none was given.
  private let fault: @Sendable (Root) -> String?

  /// A whole number.
  public static func whole(
    _ flag: String, _ path: any KeyPath<Root, Int> & Sendable, _ range: ClosedRange<Int>, of unit: String? = nil
  ) -> Self {
    Self(flag: flag, words: words(range, of: unit)) { range.contains($0[keyPath: path]) ? nil : "\($0[keyPath: path])" }
  }

  /// A whole number that may be left away.
  public static func whole(
    _ flag: String, _ path: any KeyPath<Root, Int?> & Sendable, _ range: ClosedRange<Int>, of unit: String? = nil
  ) -> Self {
    Self(flag: flag, words: words(range, of: unit)) { root in
      root[keyPath: path].flatMap { range.contains($0) ? nil : "\($0)" }
    }
  }

  /// One of some whole numbers: `64, 128, 256 or 512`.
  public static func choice(_ flag: String, _ path: any KeyPath<Root, Int> & Sendable, _ choices: [Int]) -> Self {
    let all = choices.map(String.init)
    let words = all.dropLast().joined(separator: ", ") + " or " + all[all.count - 1]
    return Self(flag: flag, words: words) {
      choices.contains($0[keyPath: path]) ? nil : "\($0[keyPath: path])"
    }
  }

  /// A number; infinity only where the range has it.
  ///
  /// - Parameters:
  ///   - flag: as it is given on the command line.
  ///   - path: where its value is.
  ///   - range: of the values that are taken.
  ///   - words: such as `of degrees in 0...180`.
  public static func number(
    _ flag: String, _ path: any KeyPath<Root, Double> & Sendable, in range: some RangeExpression<Double> & Sendable,
    _ words: String
  ) -> Self {
    Self(flag: flag, words: "a number \(words)") { range.contains($0[keyPath: path]) ? nil : "\($0[keyPath: path])" }
  }

  /// A number that may be left away.
  public static func number(
    _ flag: String, _ path: any KeyPath<Root, Double?> & Sendable, in range: some RangeExpression<Double> & Sendable,
    _ words: String
  ) -> Self {
    Self(flag: flag, words: "a number \(words)") { root in
      root[keyPath: path].flatMap { range.contains($0) ? nil : "\($0)" }
    }
  }

  /// A number that any text of its kind gives, such as a seed.
  public static func any(_ flag: String, _ words: String) -> Self { Self(flag: flag, words: words) { _ in nil } }

  /// - Throws: `SaladError` 64 naming the flag, its value and what it may be.
  public func validate(_ root: Root) throws {
    guard let found = fault(root) else { return }
    throw SaladError(.usage, "\(flag) is \(found): give \(words)")
  }

  private static func words(_ range: ClosedRange<Int>, of unit: String?) -> String {
    unit.map { "a number of \($0) of at least \(range.lowerBound)" }
      ?? (range.upperBound == .max
        ? "a whole number of at least \(range.lowerBound)"
        : "a whole number in \(range.lowerBound)...\(range.upperBound)")
  }
}

/// Ranges that several tables use.
public enum Ranges {
  /// Numbers that 32-bit arithmetic can tell from 0 and from infinity.
  public static let positive = 1e-30...1e30
  /// The same and 0.
  public static let notNegative = 0...1e30
  /// Seeds.
  public static let seed = "a whole number in 0...\(UInt64.max)"
  /// Sizes in bytes.
  public static let bytes = "a number of bytes, such as 512M or 2G"
}
