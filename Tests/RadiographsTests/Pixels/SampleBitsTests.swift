import Foundation
import Testing

@testable import Radiographs

@Suite("Bits that a scanner used")
struct SampleBitsTests {
  @Test(
    "As many as the largest value needs, in steps of two, or as the file says where no value is larger",
    arguments: [
      (0, nil, 8), (255, nil, 8), (256, nil, 10), (1023, nil, 10), (1024, nil, 12), (4013, nil, 12), (4095, nil, 12),
      (4096, nil, 14), (16_383, nil, 14), (16_384, nil, 16), (65_535, nil, 16), (511, 12, 12), (4095, 12, 12),
      (65_535, 12, 16), (4095, 10, 12), (200, 11, 12), (5, 1, 8),
    ] as [(Int, Int?, Int)])
  func count(largest: Int, significant: Int?, bits: Int) {
    let sample = SampleBits(largestValue: largest, significant: significant)
    #expect(sample.count == bits && sample.largestValue == 1 << bits - 1)
  }

  @Test(
    "PNG files tell them, and sBIT",
    arguments: [
      ("8", nil, 8), ("10", nil, 10), ("12", nil, 12), ("14", nil, 14), ("16", nil, 16), ("9-sbit12", 12, 12),
      ("12-sbit12", 12, 12), ("12-sbit12-spread", 12, 16), ("12-sbit10", 10, 12),
    ] as [(String, Int?, Int)])
  func files(name: String, significant: Int?, bits: Int) throws {
    let image = try Radiograph(contentsOf: Fixtures.folder("deep").appending(path: "\(name).png").path)
    #expect(image.samples == .sixteenBits(significant: significant))
    #expect(SampleBits.of(image)?.count == bits)
    #expect(image.resized(to: 8, fit: .pad).samples == image.samples)
    // The first pixel is the largest value of as many bits as the name begins with: white, but where there are 9 of 12.
    guard case .float(let values) = image.withWhite(at: SampleBits.of(image)?.largestValue).pixels else {
      Issue.record("no floats")
      return
    }
    #expect(abs(values[0] - (name.hasPrefix("9") ? 511 / 4095 : 1)) < 1e-6 && values[1] == 0)
    #expect(values.allSatisfy { (0...1).contains($0) })
  }

  @Test("8 bits have none, and neither has a picture of a known white")
  func known() throws {
    let eight = try Radiograph(contentsOf: Fixtures.folder("decode").appending(path: "gray8-23x17.png").path)
    #expect(SampleBits.of(eight) == nil && eight.withWhite(at: 100) == eight)
    let known = Radiograph(width: 1, height: 1, pixels: .float([0.01]))
    #expect(SampleBits.of(known) == nil && known.withWhite(at: 255) == known)
  }

  @Test("A scan tells them, and a cache that learns the range then has the images of one that knew it")
  func cache() throws {
    let folder = try Fixtures.folder("deep").path
    let paths = ["10.png", "12.png", "16.png"]
    let late = ImageCache(root: folder, paths: paths, side: 16, fit: .pad, limit: 1 << 20)
    let scanned = try late.scan(0..<3, threads: 2).map { try $0.get() }
    #expect(scanned.map(\.sampleBits) == [10, 12, 16])
    let informed = ImageCache(late, selecting: [0, 1, 2], greyRange: 4095)
    #expect(informed.bytesInUse == 3 * 16 * 16 * 4 && late.bytesInUse == 0)
    let knowing = ImageCache(
      root: folder, paths: paths, preparation: Preparation(side: 16, fit: .pad, greyRange: 4095), limit: 0)
    for index in 0..<3 {
      let isSame = try informed.image(index) == knowing.image(index)
      #expect(isSame, "\(paths[index])")
    }
  }
}
