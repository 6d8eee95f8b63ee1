import Foundation
import SALAD

/// What was measured: numbers by name, and groups of such.
struct BenchRecord: Encodable {
  private(set) var numbers: [String: Double] = [:]
  private(set) var groups: [String: [String: Double]] = [:]

  subscript(name: String) -> Double? {
    get { numbers[name] }
    set { numbers[name] = newValue }
  }

  subscript(group group: String) -> [String: Double]? {
    get { groups[group] }
    set { groups[group] = newValue }
  }

  /// Adds the median of some times in seconds as `milliseconds`, and their extremes as `fastest` and `slowest`.
  mutating func record(seconds: [Double], group: String) {
    let spread = Spread(seconds)
    groups[group] = [
      "milliseconds": 1000 * spread.median, "fastest": 1000 * spread.least, "slowest": 1000 * spread.most,
    ]
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    for (name, number) in numbers { try container.encode(number.rounded(toPlaces: 4), forKey: Name(name)) }
    for (name, group) in groups {
      try container.encode(group.mapValues { $0.rounded(toPlaces: 4) }, forKey: Name(name))
    }
  }

  /// One line a number, one a group.
  func lines(indent: String) -> [String] {
    func text(_ value: Double) -> String {
      value == value.rounded() && abs(value) < 1e15
        ? "\(Int(value))" : String(format: "%.*f", value < 10 ? 3 : 1, value)
    }
    let single = numbers.sorted { $0.key < $1.key }.map { "\(indent)\($0.key.spaced): \(text($0.value))" }
    let grouped = groups.sorted { $0.key < $1.key }.map { name, group in
      "\(indent)\(name.spaced): "
        + group.sorted { $0.key < $1.key }.map { "\($0.key.spaced) \(text($0.value))" }.joined(separator: ", ")
    }
    return single + grouped
  }

  struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

/// The median and the extremes of some repetitions.
struct Spread {
  let median: Double
  let least: Double
  let most: Double

  init(_ values: [Double]) {
    precondition(!values.isEmpty, "no values")
    let sorted = values.sorted()
    (least, most) = (sorted[0], sorted[sorted.count - 1])
    median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}

extension String {
  /// `share_of_peak` for people.
  fileprivate var spaced: String { replacing("_", with: " ") }
}
