import Foundation
import Testing

@testable import Radiographs

@Suite("Picture hashes")
struct PictureHashTests {
  private func phantom(_ index: Int) -> Radiograph {
    Phantom(seed: 4, split: .train, index: index, size: 96, anomaly: nil).radiograph
  }

  /// Every gray level changed.
  private func changed(_ radiograph: Radiograph, _ change: (Double) -> Double) -> Radiograph {
    guard case .eightBit(let values) = radiograph.pixels else { return radiograph }
    let grays = values.map { UInt8(min(max(0, change(Double($0))), 255).rounded()) }
    return Radiograph(width: radiograph.width, height: radiograph.height, pixels: .eightBit(grays))
  }

  @Test("The content is that of the pixels and their shape")
  func content() {
    let pixels = (0..<12).map { UInt8($0 * 20) }
    func hash(_ width: Int, _ pixels: [UInt8]) -> UInt64 {
      PictureHash(Radiograph(width: width, height: 12 / width, pixels: .eightBit(pixels))).content
    }
    #expect(hash(3, pixels) == hash(3, pixels))
    #expect(hash(3, pixels) != hash(4, pixels))
    #expect(hash(3, pixels) != hash(3, pixels.reversed()))
    let float = Radiograph(width: 3, height: 4, pixels: .float(pixels.map { Float($0) / 255 }))
    #expect(PictureHash(float).content != hash(3, pixels))
    #expect(PictureHash(float).content == PictureHash(float).content)
  }

  @Test("Gradients say where it gets brighter to the right, then where below")
  func gradients() {
    func hash(_ gray: (_ x: Int, _ y: Int) -> Int) -> PictureHash {
      let pixels = (0..<17 * 17).map { UInt8(gray($0 % 17, $0 / 17)) }
      return PictureHash(Radiograph(width: 17, height: 17, pixels: .eightBit(pixels)))
    }
    let right = hash { x, _ in 10 * x }
    let below = hash { _, y in 10 * y }
    let flat = hash { _, _ in 7 }
    for word in 0..<8 {
      #expect(right.gradients[word] == (word < 4 ? .max : 0))
      #expect(below.gradients[word] == (word < 4 ? 0 : .max))
      #expect(flat.gradients[word] == 0)
    }
    // One bright point at (5, 2): brighter to the right of (4, 2), below (5, 1).
    let point = hash { x, y in x == 5 && y == 2 ? 200 : 0 }
    #expect(point.gradients[0] == 1 << (63 - (2 * 16 + 4)))
    #expect(point.gradients[4] == 1 << (63 - (1 * 16 + 5)))
    #expect(right.distance(to: below) == PictureHash.gradientBits)
    #expect(right.distance(to: flat) == 256)
    #expect(point.distance(to: flat) == 2)
  }

  @Test("Copies of another size, brightness, contrast or depth are near, other pictures are not")
  func copies() {
    for index in 0..<6 {
      let original = phantom(index)
      let hash = PictureHash(original)
      guard case .eightBit(let grays) = original.pixels else { continue }
      let deep = Radiograph(
        width: original.width, height: original.height, pixels: .float(grays.map { Float($0) / 255 }))
      for copy in [
        original.resized(to: 64, fit: .stretch), original.resized(to: 130, fit: .stretch), deep,
        changed(original) { $0 + 12 }, changed(original) { $0 * 0.8 }, changed(original) { ($0 - 128) * 1.1 + 128 },
      ] {
        let other = PictureHash(copy)
        #expect(other.content != hash.content)
        #expect(hash.distance(to: other) <= PictureHash.nearDistance, "image \(index)")
      }
      for stranger in index + 1..<12 {
        #expect(hash.distance(to: PictureHash(phantom(stranger))) > PictureHash.nearDistance)
      }
    }
  }

  @Test("Its text reads back, and no other text does")
  func text() throws {
    let hash = PictureHash(phantom(3))
    #expect(hash.hexadecimal.count == 144)
    #expect(PictureHash(hexadecimal: hash.hexadecimal) == hash)
    #expect(try JSONDecoder().decode(PictureHash.self, from: JSONEncoder().encode(hash)) == hash)
    for wrong in ["", "0", String(repeating: "0", count: 143), String(repeating: "g", count: 144)] {
      #expect(PictureHash(hexadecimal: wrong) == nil)
    }
  }

  @Test("No two patients' X-rays are near", .enabled(if: TestData.folder != nil, TestData.whereToFind))
  func realXRays() throws {
    let folder = try #require(TestData.folder)
    for dataSet in ["kermany-cxr", "nih-cxr"] {
      let paths = try ImageFolder.images(under: "\(folder)/\(dataSet)").images.filter { $0.hasSuffix("1.png") }
      let hashes = try paths.map { PictureHash(try Radiograph(contentsOf: "\(folder)/\(dataSet)/\($0)")) }
      let patients = zip(Patient.identifiers(ofPaths: paths), paths).map { $0 ?? $1 }
      var least = PictureHash.gradientBits
      for index in paths.indices {
        for other in 0..<index where patients[index] != patients[other] {
          least = min(least, hashes[index].distance(to: hashes[other]))
        }
      }
      #expect(least >= 2 * PictureHash.nearDistance, "\(paths.count) images of \(dataSet)")
    }
  }
}
