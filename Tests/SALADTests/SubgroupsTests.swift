import Foundation
import Radiographs
import Testing

@testable import SALAD

@Suite("Subgroups")
struct SubgroupsTests {
  /// Studies of three images: in each anomalous one a single image scores high.
  private static func images() -> (images: [LabelledImage], scores: [Double]) {
    var (images, scores) = ([LabelledImage](), [Double]())
    for study in 0..<8 {
      for number in 0..<3 {
        var image = LabelledImage(
          path: "\(study)/\(number).png", kind: study < 4 ? "negative" : "positive", isAnomalous: study >= 4)
        image.facts.study = "study\(study)"
        image.facts.patient = "p\(study / 2)"
        image.facts.view = number == 0 ? "PA" : "AP"
        image.facts.age = 15 + 20 * number
        image.facts.others = ["manufacturer": study % 2 == 0 ? "A" : "B", "row": "\(3 * study + number)", "year": "2"]
        images.append(image)
        scores.append(study >= 4 && number == 0 ? 0.9 : 0.3 + 0.01 * Double(study + number))
      }
    }
    return (images, scores)
  }

  @Test("A study is scored by the mean of its images, and groups are what the data set tells")
  func groups() throws {
    let (images, scores) = Self.images()
    let groups = try Subgroups(images: images, scores: scores, bootstrap: Bootstrap(resamples: 50, seed: 1), workers: 2)
    let studies = try #require(groups.studies)
    #expect(studies.countNormal == 4 && studies.countAnomalous == 4 && studies.auroc == 1)
    #expect(studies.aurocInterval != nil && studies.averagePrecisionInterval != nil)
    // Neither what numbers the images nor what is the same for all.
    #expect(groups.columns.map(\.name) == ["manufacturer"])
    #expect(groups.columns[0].groups.map(\.name) == ["A", "B"])
    #expect(groups.columns[0].groups.map(\.countAnomalous) == [6, 6])
    #expect(groups.views.map(\.name) == ["AP", "PA"])
    #expect(groups.views[1].auroc == 1)
    #expect(groups.ages.map(\.name) == ["00-19", "20-39", "40-59"])
    #expect(groups.sexes.isEmpty && groups.bodyParts.isEmpty)
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(groups)) as? [String: Any]
    #expect(json?.keys.sorted() == ["by_age", "by_column", "by_study", "by_view"])
  }

  @Test("One image a study, or a study that is unknown, is no other way of looking; a group may lack a class")
  func none() throws {
    var (images, scores) = Self.images()
    images[0].facts.study = nil
    images[23].facts.sex = "F"
    var groups = try Subgroups(images: images, scores: scores, bootstrap: nil, workers: 1)
    #expect(groups.studies == nil)
    #expect(groups.sexes.map(\.countAnomalous) == [1] && groups.sexes[0].auroc == nil)
    images.removeSubrange(1...)
    scores.removeSubrange(1...)
    images[0].facts = ImageFacts()
    groups = try Subgroups(images: images, scores: scores, bootstrap: nil, workers: 1)
    #expect(groups.isEmpty)
  }

  @Test("An image with two findings counts in each kind")
  func kinds() throws {
    let images = [
      LabelledImage(path: "a", kinds: ["No Finding"], isAnomalous: false),
      LabelledImage(path: "b", kinds: ["Mass", "Nodule"], isAnomalous: true),
      LabelledImage(path: "c", kinds: ["Nodule"], isAnomalous: true),
    ]
    let evaluation = try Evaluation(
      images: images, scores: [0.2, 0.9, 0.1], rule: .weighted, bank: .refreshed, topK: 1, bootstrap: nil, workers: 1)
    #expect(evaluation.kinds.map(\.kind) == ["Mass", "Nodule"])
    #expect(evaluation.kinds.map(\.count) == [1, 2])
    #expect(evaluation.kinds.map(\.auroc) == [1, 0.5])
    #expect(evaluation.countAnomalous == 2)
  }
}
