import MemoryBank
import Radiographs
import Testing

@testable import SALAD

@Suite("Heat maps")
struct HeatMapTests {
  @Test("A coarse map is enlarged in straight lines between its cells' centres, and not beyond them")
  func enlarged() {
    #expect(HeatMap.enlarged([3], from: 1, to: 4) == [Double](repeating: 3, count: 16))
    let row = Array(HeatMap.enlarged([0, 4, 0, 4], from: 2, to: 4)[0..<4])
    // Centres are at 0.5 and 2.5 of 4 pixels, whose own centres are at 0, 1, 2 and 3.
    #expect(row == [0, 1, 3, 4])
    let same = [1.0, 2, 3, 4]
    #expect(HeatMap.enlarged(same, from: 2, to: 2) == same)
  }

  @Test("The hottest pixel is the first of the largest")
  func hottest() {
    let map = HeatMap(method: .local, side: 2, values: [1, 3, 3, 2])
    #expect(map.hottest == (1, 0, 3))
  }

  @Test("What is typical is the median of what is finite, and no less than a tenth of its level's")
  func typical() {
    let grids = [CellGridFixture.two, CellGridFixture.one]
    // Three images, 4 + 1 cells; the last image's patient has all others.
    let distances: [Float] = [1, 2, 0, 4, 7, 3, 2, 0, 8, 9, .infinity, .infinity, .infinity, .infinity, .infinity]
    let found = LocalMemory.typical(distances, cells: 5, grids: grids)
    #expect(found == [2, 2, 0.2, 6, 8])
    #expect(LocalMemory.typical([0, 0, 0, 0, 0], cells: 5, grids: grids) == [1, 1, 1, 1, 1])
  }

  @Test("The images of a local bank are spread evenly, and all where there are few")
  func chosen() {
    #expect(LocalMemory.chosen(of: 3, most: 8) == [0, 1, 2])
    #expect(LocalMemory.chosen(of: 10, most: 4) == [0, 2, 5, 7])
  }

  @Test("Occlusion fills a square from its border: a slope goes on, a spot within goes away")
  func occlusion() {
    let side = 64
    let slope = (0..<side * side).map { Float($0 % side) / 64 }
    let same = Occlusion.covered(slope, side: side, x: 8, y: 8)
    #expect(zip(slope, same).allSatisfy { abs($0 - $1) < 1e-5 })
    var spot = slope
    let centre = 34 * side + 34
    spot[centre] = 1
    let covered = Occlusion.covered(spot, side: side, x: 8, y: 8)
    #expect(abs(covered[centre] - slope[centre]) < 1e-5)
    #expect(Occlusion.covered(spot, side: side, x: 0, y: 15)[centre] == 1)
  }

  @Test("Tents of light add up to the whole picture")
  func tents() {
    let side = 64
    var sum = [Float](repeating: 0, count: side * side)
    for place in 0..<PixelSlope.places * PixelSlope.places {
      let moved = PixelSlope.moved(
        [Float](repeating: 0, count: side * side), towards: [Float](repeating: 1, count: side * side), side: side,
        x: place % PixelSlope.places, y: place / PixelSlope.places, by: 1)
      for pixel in sum.indices { sum[pixel] += moved[pixel] }
    }
    let flat = [Float](repeating: 0.25, count: side * side)
    #expect(PixelSlope.coarse(flat, side: side).allSatisfy { abs($0 - 0.25) < 1e-6 })
    let inner = (8..<56).flatMap { y in (8..<56).map { x in sum[y * side + x] } }
    #expect(inner.allSatisfy { abs($0 - 1) < 1e-5 })
  }

  @Test("Colours get brighter with heat, and what is normal leaves the picture as it is")
  func colours() {
    let map = HeatMap(method: .local, side: 1, values: [9])
    let colours = HeatColours(map)
    #expect(colours.isShared && colours.colour(1, over: 77) == ColourPicture.Colour(gray: 77))
    let brightness = (0...32).map { step -> Int in
      let colour = HeatColours.inferno(Float(step) / 32)
      return 2126 * Int(colour.red) + 7152 * Int(colour.green) + 722 * Int(colour.blue)
    }
    #expect(zip(brightness, brightness.dropFirst()).allSatisfy(<))
  }

  @Test("Numbers have three digits and no exponent")
  func numbers() {
    #expect(
      [0, 0.00012345, 0.5, 1.2345, 12.345, 123456, -0.0246].map(ShortNumber.text)
        == ["0", "0.000123", "0.500", "1.23", "12.3", "123456", "-0.0246"])
  }

  @Test("A sheet has a column for the image, its heat map and each normal image, a row for each model")
  func sheet() {
    let image = Radiograph(width: 64, height: 64, pixels: .float([Float](repeating: 0.5, count: 64 * 64)))
    let prototype = Prototype(model: 0, index: 3, id: "train/good/0004.png", distance: 1.5, weight: 0.25)
    let explanation = Explanation(
      score: ImageScore(path: "a.png", score: 0.75, reason: nil), prototypes: [[prototype], [prototype]], image: image,
      heatMap: HeatMap(method: .local, side: 64, values: [Float](repeating: 1, count: 64 * 64)))
    let sheet = ExplanationSheet(explanation, verdict: nil) { _ in nil }
    #expect(sheet.picture.width == 12 + 3 * (256 + 12))
    #expect(sheet.picture.height > 2 * 256)
    // The picture itself lies at its place, and the heat map's typical pixels are not coloured.
    #expect(sheet.picture[12 + 128, 100] == ColourPicture.Colour(gray: 128))
    #expect(sheet.picture[12 + 268 + 30, 100] == ColourPicture.Colour(gray: 128))
  }
}

/// Two levels of a small network.
private enum CellGridFixture {
  static let two = CellGrid(side: 2, channels: 1, offset: 0)
  static let one = CellGrid(side: 1, channels: 1, offset: 4)
}
