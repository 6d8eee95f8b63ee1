import Testing

@testable import MemoryBank

@Suite("Anchors")
struct AnchorsTests {
  @Test("Each round adds a rate of all rows, whatever the rounding of the product")
  func count() {
    #expect((0...12).map { MemoryBank.anchorCount(rows: 10, round: $0, rate: 0.1) } == Array(0...10) + [10, 10])
    #expect((0...3).map { MemoryBank.anchorCount(rows: 285, round: $0, rate: 0.1) } == [0, 28, 57, 85])
    #expect(MemoryBank.anchorCount(rows: 1, round: 9, rate: 0.1) == 0)
    #expect(MemoryBank.anchorCount(rows: 1, round: 10, rate: 0.1) == 1)
    for rows in 1...2000 { #expect(MemoryBank.anchorCount(rows: 10 * rows, round: 3, rate: 0.1) == 3 * rows) }
    #expect(MemoryBank.anchorCount(rows: 10, round: .max, rate: 1) == 10)
  }

  @Test("The lowest entropies are anchors, ties go to the lower index, indices ascend")
  func lowest() {
    #expect(MemoryBank.lowest(3, of: [2, 1, 3, 1, 1, 0]) == [1, 3, 5])
    #expect(MemoryBank.lowest(0, of: [2, 1]) == [])
    #expect(MemoryBank.lowest(2, of: [2, 1]) == [0, 1])
  }

  @Test("Neighbours are found by binary search, and only for anchors")
  func neighbours() {
    let anchors = [1, 4, 5, 9, 100]
    let all = AnchorNeighbourhoods(anchors: anchors, neighbours: Array(0..<10), neighboursPerAnchor: 2)
    for image in 0...101 {
      let expected = anchors.firstIndex(of: image).map { [2 * $0, 2 * $0 + 1] }
      #expect(all.neighbours(of: image).map(Array.init) == expected)
    }
    #expect(AnchorNeighbourhoods.none.neighbours(of: 0) == nil)
    // The only row of a bank is an anchor without neighbours.
    let alone = AnchorNeighbourhoods(anchors: [0], neighbours: [], neighboursPerAnchor: 0)
    #expect(alone.neighbours(of: 0)?.isEmpty == true)
  }
}
