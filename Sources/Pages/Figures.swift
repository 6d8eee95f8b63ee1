import Foundation

/// Numbers as people read them.
public enum Figures {
  /// So many digits behind the point, and no sign before a zero: "0.951".
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    let text = String(format: "%.\(digits)f", value)
    return text.hasPrefix("-") && !text.contains { ("1"..."9").contains($0) } ? String(text.dropFirst()) : text
  }

  /// "12.3 %", of a share in 0...1.
  public static func percent(_ share: Double) -> String { fixed(100 * share, 1) + " %" }

  /// "0.912 to 0.987".
  public static func range(_ interval: ClosedRange<Double>) -> String {
    "\(fixed(interval.lowerBound, 3)) to \(fixed(interval.upperBound, 3))"
  }

  /// "1,127".
  public static func count(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return number < 0 ? "-" + text : text
  }

  /// "1 image", "3 images".
  public static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
    "\(count(number)) \(number == 1 ? one : many ?? one + "s")"
  }

  /// Of seconds: "14.9 s", "12 min 40 s", "3 h 5 min".
  public static func duration(_ seconds: Double) -> String {
    guard seconds >= 59.95 else { return fixed(seconds, 1) + " s" }
    let whole = Int(min(seconds, 1e15).rounded())
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    return hours > 0 ? "\(hours) h \(minutes) min" : "\(minutes) min \(whole % 60) s"
  }
}
