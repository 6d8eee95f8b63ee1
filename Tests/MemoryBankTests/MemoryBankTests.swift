import Testing

@testable import MemoryBank

@Suite("Memory bank")
struct MemoryBankTests {
  private func length(_ row: some Sequence<Float>) -> Double {
    row.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  @Test("Random rows are unit rows, and the same whoever owns them", arguments: [2, 3, 4, 9])
  func randomRows(ranks: Int) {
    func rows(_ ranks: Int) -> [Float] {
      let sharding = Sharding(rows: 70, ranks: ranks)
      return (0..<ranks).flatMap { MemoryBank(sharding: sharding, rank: $0, dimension: 13, seed: 5).shard }
    }
    let whole = rows(1)
    #expect(rows(ranks) == whole)
    for row in 0..<70 { #expect(abs(length(whole[(row * 13)..<((row + 1) * 13)]) - 1) < 1e-7) }
    #expect(whole.min() ?? 0 < -0.3 && whole.max() ?? 0 > 0.3)
    #expect(Set(whole).count > 900)
  }

  @Test("An update is the normalised mixture of row and embedding, on the rank that owns the row")
  func update() {
    let dimension = 6
    let values = unitRows(40, dimension)
    let embeddings = unitRows(3, dimension, seed: 9)
    let images = [39, 0, 17]
    for var bank in shards(values, dimension: dimension, ranks: 3) {
      let before = bank.shard
      bank.update(imageIndices: images, embeddings: embeddings, momentum: 0.75)
      for row in bank.ownedRows {
        let place = (row - bank.ownedRows.lowerBound) * dimension
        let found = Array(bank.shard[place..<(place + dimension)])
        let old = before[place..<(place + dimension)]
        if let batch = images.firstIndex(of: row) {
          let embedding = embeddings[(batch * dimension)..<((batch + 1) * dimension)]
          let mixed = zip(old, embedding).map { 0.75 * Double($0) + 0.25 * Double($1) }
          let norm = mixed.reduce(0) { $0 + $1 * $1 }.squareRoot()
          #expect(found == mixed.map { Float($0 / norm) })
          #expect(abs(length(found) - 1) < 1e-7)
        } else {
          #expect(found == Array(old))
        }
      }
    }
  }

  @Test("An update that would cancel keeps the row")
  func cancel() {
    var bank = shards([0.6, 0.8, 1, 0], dimension: 2, ranks: 1)[0]
    bank.update(imageIndices: [0, 1], embeddings: [-0.6, -0.8, -1, 1e-8], momentum: 0.5)
    #expect(bank.shard == [0.6, 0.8, 1, 0])
  }

  @Test("Momentum 1 keeps a unit row, momentum 0 takes the embedding")
  func extremes() {
    var bank = shards([0.6, 0.8], dimension: 2, ranks: 1)[0]
    bank.update(imageIndices: [0], embeddings: [0, 1], momentum: 1)
    #expect(abs(bank.shard[0] - 0.6) < 1e-7 && abs(bank.shard[1] - 0.8) < 1e-7)
    bank.update(imageIndices: [0], embeddings: [0, 1], momentum: 0)
    #expect(bank.shard == [0, 1])
  }

  @Test("A replaced row is what it is replaced by, whatever its length")
  func replace() {
    var bank = shards(unitRows(20, 2), dimension: 2, ranks: 1)[0]
    let before = bank.shard
    bank.replace(imageIndices: [19, 3], rows: [3, 4, 0, 0])
    #expect(Array(bank.shard[38...]) == [3, 4])
    #expect(Array(bank.shard[6..<8]) == [0, 0])
    #expect(bank.shard[..<6] == before[..<6] && bank.shard[8..<38] == before[8..<38])
  }
}
