import Foundation

/// Numbers as people read them beside a picture.
public enum ShortNumber {
  /// Three significant digits, without an exponent and with nine decimals at most: `0.0123`, `4.56`, `789`.
  ///
  /// - Parameter value: any.
  public static func text(_ value: Double) -> String {
    guard value != 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
    let decimals = 2 - Int(log10(abs(value)).rounded(.down))
    return String(format: "%.*f", min(max(decimals, 0), 9), value)
  }
}
