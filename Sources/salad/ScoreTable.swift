import Foundation
import MemoryBank
import Platform
import SALAD

/// How scores are printed: a head, then a row an image.
protocol ScoreTable {
  var head: String { get }
  /// nil: scores are not judged.
  var threshold: ConformalThreshold? { get }
  func row(_ image: ImageScore) -> String
}

extension ScoreTable {
  func pValue(_ score: Double) -> Double? { threshold?.pValue(of: score) }
}

/// For programs: RFC 4180.
struct CSVTable: ScoreTable {
  let rule: ScoreRule
  let threshold: ConformalThreshold?
  /// Whether images may be without a score, and then say why.
  let hasErrors: Bool

  var head: String {
    "path,score,rule\(threshold == nil ? "" : ",p_value,flagged")\(hasErrors ? ",error" : "")\n"
  }

  func row(_ image: ImageScore) -> String {
    var fields = [CSV.field(image.path), image.score.map { "\($0)" } ?? "", rule.rawValue]
    if let threshold {
      fields += image.score.map { ["\(threshold.pValue(of: $0))", "\(threshold.flags($0))"] } ?? ["", ""]
    }
    if hasErrors { fields.append(CSV.field(image.reason ?? "")) }
    return fields.joined(separator: ",") + "\n"
  }
}

/// For programs: an object a line.
struct JSONLines: ScoreTable {
  let rule: ScoreRule
  let threshold: ConformalThreshold?

  private struct Row: Encodable {
    var path: String
    var score: Double?
    var rule: String
    var pValue: Double?
    var flagged: Bool?
    var error: String?

    enum CodingKeys: String, CodingKey {
      case path, score, rule, flagged, error
      case pValue = "p_value"
    }
  }

  var head: String { "" }

  func row(_ image: ImageScore) -> String {
    let row = Row(
      path: image.path, score: image.score, rule: rule.rawValue, pValue: image.score.flatMap(pValue),
      flagged: image.score.flatMap { score in threshold?.flags(score) }, error: image.reason)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Scores are finite, and all else is text.
    guard let data = try? encoder.encode(row) else { preconditionFailure("\(image) is no JSON") }
    return String(decoding: data, as: UTF8.self) + "\n"
  }
}

/// Aligned, for a person to compare: a row an image, whatever it is called.
struct Listing: ScoreTable {
  let rule: ScoreRule
  let threshold: ConformalThreshold?

  var head: String { "\(rule.rawValue)\(threshold == nil ? "" : "  p-value  flagged")  path\n" }

  func row(_ image: ImageScore) -> String {
    let path = PlainText.of(image.path)
    guard let score = image.score else {
      return "not read\(threshold == nil ? "" : "        -  -      ")  \(path)\n"
    }
    let judgement = threshold.map {
      String(format: "  %7.4f  ", $0.pValue(of: score)) + ($0.flags(score) ? "flagged" : "-      ")
    }
    return String(format: "%.6f", score) + "\(judgement ?? "")  \(path)\n"
  }
}
