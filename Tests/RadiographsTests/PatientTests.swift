import Radiographs
import Testing

@Suite("Patient")
struct PatientTests {
  @Test(
    "Published data sets' names tell the patient",
    arguments: [
      ("train/good/00001362_004.png", "00001362"),
      ("MURA-v1.1/train/XR_WRIST/patient00123/study1_positive/image2.png", "patient00123"),
      ("train/good/IM-0115-0001.png", "IM-0115"),
      ("IM-0115-0001-0002.png", "IM-0115"),
      ("train/NORMAL/NORMAL2-IM-0115-0001.png", "NORMAL2-IM-0115"),
      ("test/pneumonia/person12_bacteria_47.png", "person12"),
      ("test/pneumonia/person1080_virus_1787_1.png", "person1080"),
    ])
  func known(path: String, patient: String) {
    #expect(Patient.identifier(ofPath: path) == patient)
  }

  @Test(
    "Other names tell none",
    arguments: [
      "train/good/0001.png", "", "a.png", "0001362_004.png", "00001362_04.png", "00001362_004_1.png", "IM-0115.png",
      "IM-a-1.png", "patient/a.png", "patients12/a.png", "person_bacteria_1.png", "person1_mask_1.png",
      "train/patient7.png",
    ])
  func unknown(path: String) {
    #expect(Patient.identifier(ofPath: path) == nil)
  }
}
