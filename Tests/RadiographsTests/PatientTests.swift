import Platform
import Radiographs
import Testing

@Suite("Patient")
struct PatientTests {
  @Test(
    "Published data sets' names tell the patient",
    arguments: [
      ("MURA-v1.1/train/XR_WRIST/patient00123/study1_positive/image2.png", "patient00123"),
      ("train/good/IM-0115-0001.png", "IM-0115"),
      ("IM-0115-0001-0002.png", "IM-0115"),
      ("train/NORMAL/NORMAL2-IM-0115-0001.png", "NORMAL2-IM-0115"),
      ("test/pneumonia/person12_bacteria_47.png", "person12"),
      ("test/pneumonia/person1080_virus_1787_1.png", "person1080"),
      ("test/NORMAL/NORMAL-1049278-0001.png", "1049278"),
      ("test/PNEUMONIA/BACTERIA-1008087-0001.png", "1008087"),
      ("train/PNEUMONIA/VIRUS-1008087-0002.png", "1008087"),
    ])
  func known(path: String, patient: String) {
    #expect(Patient.identifier(ofPath: path) == patient)
  }

  @Test(
    "Other names tell none",
    arguments: [
      "train/good/0001.png", "", "a.png", "0001362_004.png", "00001362_04.png", "00001362_004_1.png", "IM-0115.png",
      "IM-a-1.png", "patient/a.png", "patients12/a.png", "person_bacteria_1.png", "person1_mask_1.png",
      "train/patient7.png", "00001362_004.png", "NORMAL-104927-0001.png", "NORMAL-1049278.png",
      "OTHER-1049278-0001.png",
    ])
  func unknown(path: String) {
    #expect(Patient.identifier(ofPath: path) == nil)
  }

  @Test("NIH's names tell the patient where all names of the set are NIH's")
  func nih() {
    let names = ["00000001_000", "00000001_001", "00000002_000", "00030805_012"].map { "train/good/\($0).png" }
    #expect(Patient.identifiers(ofPaths: names) == ["00000001", "00000001", "00000002", "00030805"])
    #expect(Patient.identifiers(ofPaths: names + ["train/good/a.png"]) == [nil, nil, nil, nil, nil])
  }

  @Test(
    "Dates and counters are nobody's patient number",
    arguments: [
      ["20230115_001", "20230115_002", "20230116_001"], ["19991231_001", "00000007_002", "00000008_001"],
      ["00000001_000", "00000002_000", "00000003_000"], ["00000042_000", "00000042_001", "00000042_002"],
      ["00030806_000", "00000001_001", "00000002_002"], ["00000000_000", "00000001_001"], ["00000001_000"], [],
      (0..<100).map { "0000000\($0 / 50 + 1)_0\($0 % 50 + 10)" },
    ])
  func counters(names: [String]) {
    #expect(Patient.identifiers(ofPaths: names.map { "train/good/\($0).png" }) == names.map { _ in nil })
  }

  @Test("The real X-rays keep their groups", .enabled(if: TestData.folder != nil, TestData.whereToFind))
  func realGroups() throws {
    let folder = try #require(TestData.folder)
    for (name, known, patients) in [("nih-cxr", 285, 198), ("kermany-cxr", 1127, 1013), ("knee-xr", 0, 0)] {
      guard Files.exists("\(folder)/\(name)") else { continue }
      let images = try DataSet("\(folder)/\(name)").trainingImages()
      #expect(images.count { $0.facts.patient != nil } == known)
      #expect(Set(images.compactMap(\.facts.patient)).count == patients)
    }
  }
}
