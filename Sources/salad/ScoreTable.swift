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
