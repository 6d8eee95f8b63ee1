import Testing

@testable import SALAD

@Suite("Pixel curves")
struct PixelCurveTests {
  /// A curve of one image.
  private func curve(_ heats: [Float], _ mask: [Bool], side: Int) -> PixelCurve {
    var pixels = PixelCurve.Pixels()
    pixels.add(heats, Regions(mask, side: side))
    return PixelCurve(pixels)
  }

  @Test("A heat map that is the mask has an area of 1, its negative one of 0, and one that is flat half")
  func ends() {
    let mask = [true, false, false, true]
    let perfect = curve([1, 0, 0, 1], mask, side: 2)
    #expect(perfect.areaUnderROC == 1 && perfect.areaUnderPRO == 1)
    let wrong = curve([0, 1, 1, 0], mask, side: 2)
    #expect(wrong.areaUnderROC == 0 && wrong.areaUnderPRO == 0)
    let flat = curve([5, 5, 5, 5], mask, side: 2)
    // The line from (0, 0) to (1, 1), up to 0.3: its area is 0.045, over 0.3.
    #expect(flat.areaUnderROC == 0.5)
    #expect(abs((flat.areaUnderPRO ?? 0) - 0.15) < 1e-12)
  }

  @Test("A small region counts as much as a large one, and the last step is cut at a false positive rate of 0.3")
  func regions() {
    // Of 16 pixels one region has 1 pixel, the other 3; 12 are normal.
    let mask: [Bool] = (0..<16).map { [0, 13, 14, 15].contains($0) }
    // Hottest: the small region; then 2 normal pixels; then two of the large one; then 4 normal ones alike; then the rest.
    var heats = [Float](repeating: 0, count: 16)
    heats[0] = 9
    for place in [1, 2] { heats[place] = 8 }
    for place in [13, 14] { heats[place] = 7 }
    for place in [3, 4, 5, 6] { heats[place] = 6 }
    // PRO is 1/2 from a rate of 0 to 2/12, then 1/2 + 2/3 * 1/2 = 5/6 to 0.3, where it stands still until 6/12.
    let expected = (2.0 / 12 * 0.5 + (0.3 - 2.0 / 12) * 5 / 6) / 0.3
    let found = curve(heats, mask, side: 4)
    #expect(abs((found.areaUnderPRO ?? 0) - expected) < 1e-12)
    // 4 marked: one beats all 12 normal ones, two beat 10, one ties with 6 that are cold.
    #expect(abs((found.areaUnderROC ?? 0) - (12 + 10 + 10 + 3) / 48.0) < 1e-12)
  }

  @Test("The area is scikit-learn's roc_auc_score, ties among it")
  func reference() {
    // from sklearn.metrics import roc_auc_score; n = 400
    // roc_auc_score([i * i % 7 == 2 for i in range(n)], [(i * 37 % 101) // 8 for i in range(n)])
    let heats = (0..<400).map { Float($0 * 37 % 101 / 8) }
    let found = curve(heats, (0..<400).map { $0 * $0 % 7 == 2 }, side: 20)
    #expect(abs((found.areaUnderROC ?? 0) - 0.490093240093240) < 1e-12)
  }

  @Test("Regions touch by corners, too, and normal images add pixels alone")
  func connected() {
    let mask = [
      true, false, false, false, true, false, false, false, false, false, false, true, false, false, false, true,
    ]
    let regions = Regions(mask, side: 4)
    // 0 alone, 4 below it; 11 and 15.
    #expect(regions.sizes == [2, 2])
    #expect(Regions([true, false, false, true], side: 2).sizes == [2])
    var pixels = PixelCurve.Pixels()
    pixels.add([1, 2, 3, 4], nil)
    #expect(PixelCurve(pixels).areaUnderROC == nil && PixelCurve(pixels).areaUnderPRO == nil)
    pixels.add([9, 0, 0, 9], Regions([true, false, false, true], side: 2))
    #expect(PixelCurve(pixels).areaUnderROC == 1)
  }
}
