/// Bytes as people read them.
public enum ByteText {
  /// Such as `1.25 GB`: powers of ten, three digits.
  public static func of(_ bytes: Int) -> String {
    var (value, unit) = (Double(bytes), 0)
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
    while value >= 999.5, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
    // By hand: where memory is short, which is what is then to be said, Foundation's formatting takes too much of it.
    let digits = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
    let scale = [1.0, 10, 100][digits]
    let parts = Int((value * scale).rounded()).quotientAndRemainder(dividingBy: Int(scale))
    let fraction = digits == 0 ? "" : "." + (digits == 2 && parts.remainder < 10 ? "0" : "") + "\(parts.remainder)"
    return "\(parts.quotient)\(fraction) \(units[unit])"
  }
}
