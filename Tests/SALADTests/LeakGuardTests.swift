import Platform
import Radiographs
import Testing

@testable import SALAD

@Suite("Leak guard")
struct LeakGuardTests {
  /// A picture whose gradients follow from the number, with some pixels changed without a change of gradients.
  private func picture(_ number: Int, brighter: Int = 0) -> PictureHash {
    let random = CounterRandom(seed: UInt64(number), name: "picture")
    let pixels = (0..<17 * 17).map { UInt8(random.index(UInt64($0), below: 200) + brighter) }
    return PictureHash(Radiograph(width: 17, height: 17, pixels: .eightBit(pixels)))
  }

  private typealias Leak = LeakGuard.Leak

  @Test("A test image of a patient who trained is found by name, with the first training image")
  func patients() {
    let training = [
      "train/good/person7_virus_1.png", "train/good/person7_virus_2.png", "train/good/IM-0115-0001.png",
      "train/good/a.png",
    ]
    let test = [
      "test/good/person8_virus_1.png", "test/good/person7_bacteria_2.png", "test/pneumonia/person115_virus_1.png",
      "test/good/IM-0115-0002.png", "test/good/a.png", "test/good/NORMAL2-IM-0115-0001.png",
    ]
    #expect(
      LeakGuard.samePatient(training: Patient.identifiers(ofPaths: training), test: Patient.identifiers(ofPaths: test))
        == [Leak(test: 1, training: 0), Leak(test: 3, training: 2)])
    #expect(LeakGuard.samePatient(training: ["7", nil], test: [nil, "8"]).isEmpty)
  }

  @Test("Equal pictures are found, near ones apart from them, the nearest named")
  func pictures() throws {
    let training = [picture(1), picture(2), picture(2), picture(3, brighter: 9)]
    let test = [picture(2), nil, picture(3), picture(4), picture(3, brighter: 9)]
    #expect(
      LeakGuard.samePicture(training: training, test: test) == [Leak(test: 0, training: 1), Leak(test: 4, training: 3)])
    #expect(try LeakGuard.nearPicture(training: training, test: test) == [Leak(test: 2, training: 3)])
    #expect(try LeakGuard.nearPicture(training: [], test: test).isEmpty)
  }

  @Test("A leak is refused in one sentence with both files and how many more, or let through")
  func refusal() throws {
    let training = ["train/good/00000007_000.png"]
    let test = ["test/good/00000007_001.png", "test/good/x.png", "test/effusion/00000007_002.png"]
    func listed(_ paths: [String], _ patients: [String?]) -> ListedImages {
      let images = zip(paths, patients).map { path, patient in
        var image = LabelledImage(path: path, kind: "good", isAnomalous: false)
        image.facts.patient = patient
        return image
      }
      return ListedImages(root: "data", images: images)
    }
    let leaking = listed(test, ["7", nil, "7"])
    func leakGuard(allowsLeaks: Bool) -> LeakGuard {
      LeakGuard(
        training: training, trainingPatients: ["7"], trainingPictures: nil, allowsLeaks: allowsLeaks,
        log: Log(isShown: false))
    }
    expectRefusal(
      .badData,
      containing: "data/test/good/00000007_001.png is of the same patient as the training image "
        + "train/good/00000007_000.png (and 1 more test images like it)"
    ) { try leakGuard(allowsLeaks: false).checkPatients(of: leaking) }
    try leakGuard(allowsLeaks: true).checkPatients(of: leaking)
    try leakGuard(allowsLeaks: false).checkPatients(of: listed(["test/good/x.png"], ["8"]))

    // Where the model has hashes, a test image's patient is compared under the salt.
    let hashing = HashedIDs(salt: "pepper")
    let hashed = LeakGuard(
      training: ["0123456789abcdef"], trainingPatients: [hashing.patient("7")], trainingPictures: nil,
      hashing: hashing, allowsLeaks: false, log: Log(isShown: false))
    expectRefusal(
      .badData, containing: "00000007_001.png is of the same patient as the training image 0123456789abcdef"
    ) { try hashed.checkPatients(of: leaking) }
    try hashed.checkPatients(of: listed(["test/good/x.png"], ["8"]))
  }
}
