import Radiographs
import Testing

@testable import SALAD

@Suite("Validation split")
struct ValidationSplitTests {
  /// 60 images of 20 patients, 1 to 5 each, and 40 of nobody known; the pictures all differ.
  private let paths: [String] = {
    var paths: [String] = []
    for patient in 0..<20 {
      for visit in 0...(patient % 5) { paths.append("train/good/000000\(10 + patient)_00\(visit).png") }
    }
    return paths + (0..<40).map { "train/good/scan-\($0).png" }
  }()

  private func pictures(_ values: some Sequence<Int>) -> [PictureHash] {
    values.map {
      PictureHash(Radiograph(width: 2, height: 1, pixels: .eightBit([UInt8($0 / 256), UInt8($0 % 256)])))
    }
  }

  /// The digits before an underscore.
  private func patient(_ path: String) -> String? {
    let name = path.split(separator: "/").last ?? ""
    return name.contains("_") ? String(name.prefix(8)) : nil
  }

  private func split(
    _ paths: [String], _ fraction: Double, showing pictures: [PictureHash]? = nil, seed: UInt64 = 0
  ) -> [String] {
    ValidationSplit.keptBack(
      paths: paths, patients: paths.map(patient), pictures: pictures ?? self.pictures(paths.indices),
      fraction: fraction, seed: seed
    ).map { paths[$0] }
  }

  @Test("The wished number of images is kept back, no patient on both sides", arguments: [0.01, 0.1, 0.3, 0.5, 0.9])
  func patients(fraction: Double) {
    for seed in 0..<20 as Range<UInt64> {
      let keptBack = split(paths, fraction, seed: seed)
      // Single images fill what patients leave.
      #expect(keptBack.count == Int((fraction * 100).rounded()), "seed \(seed)")
      let training = Set(paths).subtracting(keptBack)
      let known = keptBack.compactMap(patient)
      #expect(Set(known).isDisjoint(with: training.compactMap(patient)))
    }
  }

  @Test("It follows from seed and names, not from the images' order or place")
  func order() {
    let keptBack = Set(split(paths, 0.3, seed: 4))
    #expect(Set(split(paths.reversed(), 0.3, seed: 4)) == keptBack)
    #expect(Set(split(paths, 0.3, seed: 5)) != keptBack)
    // Whoever is kept back stays so when more are.
    let single = (0..<50).map { "train/good/scan-\($0).png" }
    #expect(Set(split(single, 0.2)).isSubset(of: split(single, 0.4)))
  }

  @Test("Equal pictures stay on one side, and join their patients")
  func equalPictures() {
    // Image i shows what i - i % 4 shows: of four consecutive ones, none may part.
    let equal = pictures(paths.indices.map { $0 - $0 % 4 })
    for seed in 0..<20 as Range<UInt64> {
      let keptBack = Set(split(paths, 0.4, showing: equal, seed: seed))
      for index in paths.indices {
        #expect(keptBack.contains(paths[index]) == keptBack.contains(paths[index - index % 4]), "seed \(seed)")
      }
    }
    // A chain of patients who share pictures is one unit: the smallest of all, though above the wish.
    let chain = ["00000001_000", "00000001_001", "00000002_000", "00000002_001"].map { "\($0).png" }
    #expect(split(chain, 0.25, showing: pictures([1, 2, 2, 3])) == chain)
  }

  @Test("At least one image is kept back where any are asked for, the smallest unit where none fits")
  func atLeastOne() {
    #expect(split(paths, 0).isEmpty)
    #expect(split([], 0.5).isEmpty)
    #expect(split(paths, 0.001).count == 1)
    let pairs = (0..<10).map { "train/good/0000000\($0 / 2)_00\($0 % 2).png" }
    #expect(split(pairs, 0.1).count == 2)
    // Two files whose names Unicode calls equal are two.
    #expect(split(["train/good/caf\u{E9}.png", "train/good/cafe\u{301}.png"], 0.5).count == 1)
  }
}
