import Foundation
import Platform
import Testing

@testable import Radiographs

@Suite("Data set fingerprint")
struct DataSetFingerprintTests {
  private let paths = ["train/good/a.png", "train/good/b.png"]
  private let digests = ["first", "second"].map { Array($0.utf8).withUnsafeBytes(SHA256.hash) }

  // printf first > train/good/a.png; printf second > train/good/b.png; sha256sum train/good/*.png | sha256sum
  @Test("The fingerprint is what sha256sum of sha256sum prints")
  func shell() {
    #expect(
      DataSetFingerprint.hexadecimal(paths: paths, digests: digests)
        == "09e25deae3298832db1d98f7f8a92e5a7f417f964c5ec066413b4c385f449eea")
    #expect(
      DataSetFingerprint.hexadecimal(paths: [], digests: [])
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }

  @Test("Another name, another byte, another order and another number of images are other fingerprints")
  func differences() {
    let variants: [([String], [[UInt8]])] = [
      (paths, digests), (["train/good/a.png", "train/good/c.png"], digests), (paths, digests.reversed()),
      (paths.reversed(), digests), ([paths[0]], [digests[0]]), (paths, [digests[0], digests[0]]),
    ]
    let fingerprints = variants.map { DataSetFingerprint.hexadecimal(paths: $0.0, digests: $0.1) }
    #expect(Set(fingerprints).count == variants.count)
  }

  @Test("No file name can pass for two lines")
  func lineBreaks() {
    let second = digests[1].map { String(format: "%02x", $0) }.joined()
    let forged = DataSetFingerprint.hexadecimal(
      paths: ["train/good/a.png\n\(second)  train/good/b.png"], digests: [digests[0]])
    #expect(forged != DataSetFingerprint.hexadecimal(paths: paths, digests: digests))
    let names = ["a\nb", "a\\nb", "a\\\nb", "a\rb"]
    #expect(Set(names.map { DataSetFingerprint.hexadecimal(paths: [$0], digests: [digests[0]]) }).count == names.count)
  }
}
