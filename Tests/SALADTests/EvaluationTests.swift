import Foundation
import Platform
import Radiographs
import Testing

@testable import SALAD

@Suite("Evaluation") struct EvaluationTests {
  /// 40 normal images and 20 each of two kinds, two a patient by their names, one in eight under a name that tells none.
  private static let images = (0..<80).map { index in
    let kind = index < 40 ? "good" : index % 2 == 0 ? "nodule" : "effusion"
    let name = index % 8 == 7 ? "scan \(index)" : String(format: "%08d_%03d", index / 2, index % 2)
    var image = LabelledImage(path: "test/\(kind)/\(name).png", kind: kind, isAnomalous: kind != "good")
    image.facts.patient = index % 8 == 7 ? nil : "\(index / 2)"
    return image
  }
  private static let scores = {
    let random = CounterRandom(seed: 6, name: "scores")
    return images.indices.map { 0.3 * random.uniform(UInt64($0)) + (images[$0].kinds == ["nodule"] ? 0.2 : 0.05) }
  }()

  private static func evaluation(
    of images: [LabelledImage] = images, scores: [Double] = scores, bootstrap: Bootstrap?
  ) throws -> Evaluation {
    try Evaluation(
      images: images, scores: scores, rule: .weighted, bank: .refreshed, topK: 10, bootstrap: bootstrap, workers: 2)
  }

  private static func keys(_ object: Any?) -> [String] { (object as? [String: Any])?.keys.sorted() ?? [] }

  @Test("JSON has every number under its name, and intervals only where there was a bootstrap")
  func object() throws {
    func object(_ bootstrap: Bootstrap?) throws -> [String: Any] {
      let data = try JSONEncoder().encode(Self.evaluation(bootstrap: bootstrap))
      return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
    let metrics = [
      "auroc", "average_precision", "best_f1", "sensitivity_at_90_specificity", "sensitivity_at_95_specificity",
      "specificity_at_90_sensitivity", "specificity_at_95_sensitivity",
    ]
    let others = ["bank", "best_f1_threshold", "by_kind", "count_anomalous", "count_normal", "rule", "top_k"]
    #expect(try Self.keys(object(nil)) == (metrics + others).sorted())

    let whole = try object(Bootstrap(resamples: 40, seed: 5))
    #expect(Self.keys(whole) == (metrics + others + ["confidence"]).sorted())
    let confidence = try #require(whole["confidence"] as? [String: Any])
    #expect(
      Self.keys(confidence) == [
        "intervals", "level", "method", "patients", "resamples", "seed", "unit_count", "units",
      ])
    #expect(Self.keys(confidence["intervals"]) == metrics)
    #expect(confidence["units"] as? String == "patients")
    #expect(confidence["patients"] as? Int == 40, "ten of them with one image under their name")
    #expect(confidence["unit_count"] as? Int == 50)
    #expect(confidence["resamples"] as? Int == 40)
    #expect(confidence["seed"] as? Int == 5)
    let kinds = try #require(whole["by_kind"] as? [[String: Any]])
    #expect(kinds.map { $0["kind"] as? String } == ["effusion", "nodule"])
    #expect(kinds.allSatisfy { Self.keys($0) == ["auroc", "auroc_interval", "average_precision", "count", "kind"] })
  }

  @Test("A kind is measured as if there were no other")
  func kinds() throws {
    let whole = try Self.evaluation(bootstrap: Bootstrap(resamples: 400, seed: 0))
    #expect(whole.kinds.map(\.kind) == ["effusion", "nodule"])
    for kind in whole.kinds {
      let chosen = Self.images.indices.filter { ["good", kind.kind].contains(Self.images[$0].kinds[0]) }
      let alone = try Self.evaluation(
        of: chosen.map { Self.images[$0] }, scores: chosen.map { Self.scores[$0] }, bootstrap: nil)
      #expect(kind.count == 20)
      #expect(kind.auroc == alone.metrics[.auroc])
      #expect(kind.averagePrecision == alone.metrics[.averagePrecision])
    }
    #expect(whole.kinds[1].auroc > whole.kinds[0].auroc)
  }

  @Test("Intervals hold the estimates, and no image of a rare kind makes them undefined")
  func intervals() throws {
    let rare = LabelledImage(path: "test/device/a.png", kind: "device", isAnomalous: true)
    let evaluation = try Self.evaluation(
      of: Self.images + [rare], scores: Self.scores + [0.2], bootstrap: Bootstrap(resamples: 400, seed: 0))
    let confidence = try #require(evaluation.confidence)
    for metric in Metric.allCases {
      let (interval, estimate) = (try #require(confidence.intervals[metric]), try #require(evaluation.metrics[metric]))
      #expect(interval.contains(estimate), "\(metric)")
      #expect(interval.lowerBound < interval.upperBound)
      #expect(0 <= interval.lowerBound && interval.upperBound <= 1)
    }
    for kind in evaluation.kinds { #expect(kind.aurocInterval?.contains(kind.auroc) == true) }
    #expect(evaluation.kinds[0].count == 1)
  }
}
