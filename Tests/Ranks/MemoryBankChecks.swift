import Foundation
import MPI
import MemoryBank
import Platform

// N = bank rows, D = embedding dimension, B = batch size, Q = queries, K = neighbours looked up

/// Checks of the target `MemoryBank`: against `ReferenceBank`, and by hashes of bits that must not depend on the ranks.
enum MemoryBankChecks {
  static let all = [
    Check("memory-bank") { facts in
      try searches(&facts)
      try losses(&facts)
      try entropiesAndAnchors(&facts)
      try scores(&facts)
      try leftOut(&facts)
      try training(&facts)
      try damage(&facts)
    }
  ]

  /// This rank's shard of a bank that all ranks know.
  private static func bank(_ values: [Float], dimension: Int, _ world: Communicator) -> MemoryBank {
    let rows = values.count / dimension
    let range = Sharding(rows: rows, ranks: world.size).range(of: world.rank)
    return MemoryBank(
      rows: rows, dimension: dimension,
      shard: Array(values[(range.lowerBound * dimension)..<(range.upperBound * dimension)]),
      workers: Workers(count: 1 + rows % 3),
      communicator: world)
  }

  /// Rank 0 prints it, and the test compares the lines of runs with different numbers of ranks.
  private static func report(_ hash: BitHash, _ name: String, _ facts: Facts) {
    if facts.world.isRoot { print("bits \(name) \(String(hash.value, radix: 16))") }
  }

  // MARK: Search

  private static func searches(_ facts: inout Facts) throws {
    var hash = BitHash()
    var (wrong, example) = (0, "")
    let cases = 2000
    for number in 0..<cases {
      var draws = Draws("search", number)
      let dimension = draws.integer(in: 1...12)
      let rows = draws.isTrue(one: 20) ? draws.integer(in: 100...300) : draws.integer(in: 1...70)
      let queries = draws.isTrue(one: 50) ? draws.integer(in: 60...140) : draws.integer(in: 1...5)
      let k = draws.integer(in: 1...(draws.isTrue(one: 2) ? 5 : rows + 3))
      let ofIntegers = draws.isTrue(one: 2)
      var values = (0..<rows).flatMap { _ in
        ofIntegers ? draws.integerVector(dimension) : draws.unitVector(dimension)
      }
      // Some rows again, elsewhere.
      for _ in 0..<(rows / 4) {
        let (from, to) = (draws.integer(in: 0...(rows - 1)), draws.integer(in: 0...(rows - 1)))
        let copied = values[(from * dimension)..<((from + 1) * dimension)]
        values.replaceSubrange((to * dimension)..<((to + 1) * dimension), with: copied)
      }
      let asked = (0..<queries).flatMap { _ in
        ofIntegers ? draws.integerVector(dimension) : draws.unitVector(dimension)
      }
      let excluding = draws.isTrue(one: 3) ? (0..<queries).map { _ in draws.integer(in: 0...(rows - 1)) } : nil

      let metric: SearchMetric = draws.isTrue(one: 2) ? .dotProduct : .euclidean
      var searched = bank(values, dimension: dimension, facts.world)
      // Whatever each rank does: some look at a small copy first, others do not.
      searched.smallCopyUse = (number + facts.world.rank) % 3 == 0 ? .never : .always
      let found =
        try searched
        .nearest(asked, k: k, excluding: excluding, by: metric, communicator: facts.world)
      let reference = ReferenceBank(values, dimension: dimension)
      let expected = ReferenceBank.rows(of: asked, dimension: dimension).enumerated().map { query, vector in
        reference.nearest(vector, k: k, excluding: excluding?[query], by: metric)
      }
      if found != expected {
        wrong += 1
        example = "case \(number): N \(rows), D \(dimension), Q \(queries), K \(k): \(found), expected \(expected)"
      }
      for neighbour in found.joined() {
        hash.add([neighbour.similarity])
        hash.add([neighbour.index])
      }
    }
    facts.expect(
      wrong == 0, "\(cases) searches find what brute force finds\(wrong == 0 ? "" : ": \(wrong), \(example)")")
    report(hash, "searches", facts)
  }

  // MARK: Losses

  private struct LossCase {
    let rows: Int
    let dimension: Int
    let batch: Int
    let temperature: Double
    let anchors: Int
    let neighbours: Int
  }

  private static func losses(_ facts: inout Facts) throws {
    let cases = [
      LossCase(rows: 1, dimension: 3, batch: 1, temperature: 0.1, anchors: 0, neighbours: 0),
      LossCase(rows: 5, dimension: 4, batch: 3, temperature: 0.1, anchors: 2, neighbours: 4),
      LossCase(rows: 16, dimension: 7, batch: 8, temperature: 0.5, anchors: 16, neighbours: 3),
      LossCase(rows: 17, dimension: 20, batch: 17, temperature: 0.1, anchors: 5, neighbours: 10),
      LossCase(rows: 100, dimension: 20, batch: 33, temperature: 0.07, anchors: 40, neighbours: 10),
      LossCase(rows: 333, dimension: 33, batch: 32, temperature: 0.1, anchors: 100, neighbours: 10),
      LossCase(rows: 333, dimension: 33, batch: 70, temperature: 1e-3, anchors: 100, neighbours: 10),
    ]
    var hash = BitHash()
    for (number, shape) in cases.enumerated() { try losses(shape, number, &hash, &facts) }
    report(hash, "losses", facts)
  }

  private static func losses(_ shape: LossCase, _ number: Int, _ hash: inout BitHash, _ facts: inout Facts) throws {
    var draws = Draws("losses", number)
    let (rows, dimension, batch, temperature) = (shape.rows, shape.dimension, shape.batch, shape.temperature)
    let values = draws.unitVectors(rows, dimension, around: 4)
    let embeddings = draws.unitVectors(batch, dimension, around: 3)
    // Distinct images in an order of no meaning: the factor and the number of rows have no common divisor.
    let images = (0..<batch).map { ($0 * 7919 + 3) % rows }
    let anchors = (0..<shape.anchors).map { $0 * rows / shape.anchors }
    let neighbourhoods = AnchorNeighbourhoods(
      anchors: anchors, neighbours: anchors.flatMap { anchor in (1...shape.neighbours).map { (anchor + $0) % rows } },
      neighboursPerAnchor: shape.neighbours)
    let weight = 0.25

    let loss = try bank(values, dimension: dimension, facts.world).embeddingLoss(
      imageIndices: images, embeddings: embeddings, neighbourhoods: neighbourhoods, temperature: temperature,
      weight: weight, communicator: facts.world)
    hash.add([loss.mean, loss.instanceMean, loss.aggregationMean])
    hash.add(loss.gradient)

    let reference = ReferenceBank(values, dimension: dimension)
    let targets = images.map { [$0] + (neighbourhoods.neighbours(of: $0) ?? []) }
    let vectors = ReferenceBank.rows(of: embeddings, dimension: dimension)
    let expected = zip(vectors, targets).map { reference.loss($0, targets: $1, temperature: temperature) }
    let isAnchor = images.map { anchors.contains($0) }
    let aggregation = zip(expected, isAnchor).filter(\.1).map(\.0)
    let instance = zip(expected, isAnchor).filter { !$0.1 }.map(\.0)
    let mean = { (values: [Double]) in values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count) }

    // A float dot product of two unit vectors is off by at most D 2^-24 or so, its loss by twice that over tau.
    let similarityError = Double(dimension + 2) * 0x1p-24
    let lossError = 2 * similarityError / temperature + 1e-9
    let name = "N \(rows), D \(dimension), B \(batch), tau \(temperature)"
    expect(loss.mean, near: mean(expected), within: lossError, "mean loss, \(name)", &facts)
    expect(loss.instanceMean, near: mean(instance), within: lossError, "mean instance loss, \(name)", &facts)
    expect(loss.aggregationMean, near: mean(aggregation), within: lossError, "mean aggregation loss, \(name)", &facts)
    facts.expect(
      loss.instanceCount == instance.count && loss.aggregationCount == aggregation.count, "counts of losses, \(name)")

    // Central differences, in double; an image's embedding touches its own loss alone. Their own error is
    // step^2 |third derivative| / 6, with a derivative below 10 / tau^3.
    let step = temperature * 1e-4
    let factor = weight / Double(batch)
    var worst = 0.0
    for embedding in 0..<batch {
      for element in 0..<dimension {
        let values = [-step, step].map { shift in
          var moved = vectors[embedding]
          moved[element] += shift
          return reference.loss(moved, targets: targets[embedding], temperature: temperature)
        }
        let difference = factor * (values[1] - values[0]) / (2 * step)
        worst = max(worst, abs(difference - Double(loss.gradient[embedding * dimension + element])))
      }
    }
    // p and w are off by twice the similarity's error over tau, relatively, and each sums to 1; then float sums of 16.
    let coefficientError = 4 * similarityError / temperature + 20 * 0x1p-24
    let gradientError = factor / temperature * (coefficientError + 2e-8)
    expect(worst, near: 0, within: gradientError, "gradient against finite differences, \(name)", &facts)
  }

  // MARK: Entropies and anchors

  private static func entropiesAndAnchors(_ facts: inout Facts) throws {
    var hash = BitHash()
    for (rows, dimension, temperature, kind) in [
      (1, 3, 0.1, ""), (20, 5, 0.1, ""), (100, 20, 1e-3, ""), (333, 33, 0.1, ""), (600, 9, 0.3, ""),
      // More equal rows than a shortlist holds, and rows that are no unit rows: both take the longer way.
      (400, 16, 0.1, ", equal in halves"), (333, 33, 0.1, ", of length 2"),
    ] {
      var draws = Draws("entropies", rows)
      let name = "N \(rows), tau \(temperature)\(kind)"
      let length: Float = kind.contains("length") ? 2 : 1
      let values =
        kind.contains("equal")
        ? draws.unitVectors(2, dimension).rows(dimension).flatMap { row in (0..<(rows / 2)).flatMap { _ in row } }
        : draws.unitVectors(rows, dimension, around: 10).map { length * $0 }
      let reference = ReferenceBank(values, dimension: dimension)
      let bank = bank(values, dimension: dimension, facts.world)
      var done: [Int] = []
      let entropies = try bank.entropies(temperature: temperature, communicator: facts.world) { done.append($0) }
      hash.add(entropies)
      facts.expect(done.last == rows && done == done.sorted(), "progress ends with all rows, \(name)")
      let worst = entropies.enumerated().reduce(0.0) {
        max($0, abs($1.element - reference.entropy($1.offset, temperature: temperature)))
      }
      // |dH| is at most sum of p_j (|log p_j| + H) |dx_j|; then the fixed-point sums.
      let exponentError = 2 * Double(length * length) * Double(dimension + 2) * 0x1p-24 / temperature
      let bound = 2 * (log(Double(rows)) + 1) * exponentError + Double(rows) * 0x1p-38
      expect(worst, near: 0, within: bound, "entropies, \(name)", &facts)

      for (round, rate, neighbours) in [(0, 0.1, 10), (1, 0.1, 10), (3, 0.1, 10), (4, 0.25, 1), (2, 1, 1000)] {
        let found = try bank.anchorNeighbourhoods(
          round: round, rate: rate, neighbours: neighbours, temperature: temperature, communicator: facts.world)
        let count = min(rows, Int((Double(rows) * rate * Double(round) + 1e-9).rounded(.down)))
        let anchors = (0..<rows).sorted { (entropies[$0], $0) < (entropies[$1], $1) }.prefix(count).sorted()
        let expected = anchors.flatMap { anchor in
          reference.nearest(reference.rows[anchor], k: neighbours, excluding: anchor, by: .dotProduct).map(\.index)
        }
        hash.add(found.anchors + found.neighbours)
        facts.expect(
          found.anchors == anchors && found.neighbours == expected,
          "round \(round) has \(count) anchors of least entropy and their \(neighbours) nearest, \(name)")
      }
    }
    report(hash, "entropies", facts)
  }

  // MARK: Scores

  private static func scores(_ facts: inout Facts) throws {
    var hash = BitHash()
    for (rows, dimension, k, temperature) in [
      (1, 3, 100, 0.1), (5, 8, 3, 0.1), (40, 12, 100, 2), (333, 33, 100, 1), (333, 33, 10, 1e-3),
    ] {
      var draws = Draws("scores", rows)
      let values = draws.unitVectors(rows, dimension, around: 5)
      // More than one block of queries, and some prototypes themselves.
      let queries = draws.unitVectors(90, dimension) + values[..<(min(rows, 10) * dimension)]
      let bank = bank(values, dimension: dimension, facts.world)
      let reference = ReferenceBank(values, dimension: dimension)
      let vectors = ReferenceBank.rows(of: queries, dimension: dimension)
      for rule in ScoreRule.allCases {
        let name = "\(rule.rawValue), N \(rows), K \(k), tau_s \(temperature)"
        let aggregation = Aggregation(rule: rule, k: k, temperature: temperature, squaredScale: 0.5)
        let found = try bank.distances(queries, aggregation, communicator: facts.world)
        let worst = zip(found, vectors).reduce(0.0) { worst, pair in
          let nearest = reference.nearest(pair.1, k: k, excluding: nil, by: .euclidean)
          return max(worst, abs(pair.0 - reference.distance(pair.1, nearest, aggregation)))
        }
        // |f|^2 - 2 f . m + |m|^2 of unit vectors is off by some 2^-51, its root, next to 0, by the root of that, and an
        // angle as its cosine's root; rows are rounded to float, so that their lengths are off by 2^-24 and angles with them.
        expect(worst, near: 0, within: rule.isAngular ? 3e-4 : 1e-7, "distances, \(name)", &facts)
        facts.expect(found.allSatisfy { $0 >= 0 && $0 <= 2.001 }, "distances of unit vectors are in 0...2, \(name)")
        hash.add(found)
        let alone = try bank.distances(Array(queries[..<dimension]), aggregation, communicator: facts.world)
        facts.expect(alone[0] == found[0], "a distance does not depend on other queries, \(name)")
      }
    }
    report(hash, "scores", facts)
  }

  // MARK: Rows left out

  private static func leftOut(_ facts: inout Facts) throws {
    var hash = BitHash()
    for (rows, dimension, k, groupSize) in [(1, 3, 5, 1), (2, 3, 5, 2), (7, 4, 30, 3), (150, 9, 30, 1), (150, 9, 5, 4)]
    {
      var draws = Draws("left out", rows + groupSize)
      let values = draws.unitVectors(rows, dimension, around: 3).map { 3 * $0 }
      let groups = (0..<rows).map { $0 / groupSize }
      let reference = ReferenceBank(values, dimension: dimension)
      let name = "N \(rows), K \(k), groups of \(groupSize)"
      let rules: [ScoreRule] = [.weightedDistance, .weighted]
      let found = try bank(values, dimension: dimension, facts.world).leftOutDistances(
        rules: rules, k: k, temperature: 1, groups: groups, communicator: facts.world, goesOn: { _ in true })
      guard let found else {
        facts.expect(false, "the pass ends, \(name)")
        continue
      }
      let others = (0..<rows).map { row -> [Neighbour] in
        let vector = reference.rows[row]
        let ofOthers = reference.nearest(vector, k: max(k, 10), by: .euclidean) { groups[$0] != groups[row] }
        if !ofOthers.isEmpty { return ofOthers }
        let rest = reference.nearest(vector, k: max(k, 10), by: .euclidean) { $0 != row }
        return rest.isEmpty ? reference.nearest(vector, k: 1, excluding: nil, by: .euclidean) : rest
      }
      let scale = LeftOutDistances.median(others.map { $0[min(10, $0.count) - 1].squaredDistance })
      facts.expect(found.squaredScale == scale, "the scale is the median square to the 10th nearest other, \(name)")
      hash.add([found.squaredScale])
      for rule in rules where rows > 1 {
        let aggregation = Aggregation(rule: rule, k: k, temperature: 1, squaredScale: scale)
        let worst = (0..<rows).reduce(0.0) { worst, row in
          let expected = reference.distance(reference.rows[row], Array(others[row].prefix(k)), aggregation)
          return max(worst, abs(found.distances[rule]![row] - expected))
        }
        expect(worst, near: 0, within: 1e-6, "left-out distances by \(rule.rawValue), \(name)", &facts)
        hash.add(found.distances[rule]!)
      }
      var blocks = 0
      let stopped = try bank(values, dimension: dimension, facts.world).leftOutDistances(
        rules: rules, k: k, temperature: 1, groups: nil, communicator: facts.world
      ) { _ in
        blocks += 1
        return false
      }
      facts.expect(stopped == nil && blocks == 1, "a pass that is told to stop ends after a block, \(name)")
    }
    report(hash, "left out", facts)
  }

  // MARK: Rows that change

  /// A few steps as a trainer takes them: the whole bank's bits must not depend on the ranks.
  private static func training(_ facts: inout Facts) throws {
    let (rows, dimension, batch) = (150, 25, 24)
    var bank = MemoryBank(
      rows: rows, dimension: dimension, seed: 7, workers: Workers(count: facts.world.size % 3 + 1),
      communicator: facts.world)
    var neighbourhoods = AnchorNeighbourhoods.none
    var hash = BitHash()
    for step in 0..<12 {
      var draws = Draws("training", step)
      let images = (0..<batch).map { (step * batch + $0 * 7) % rows }
      let embeddings = draws.unitVectors(batch, dimension, around: 5)
      if step % 4 == 0 {
        neighbourhoods = try bank.anchorNeighbourhoods(
          round: step / 4, rate: 0.2, neighbours: 5, temperature: 0.1, communicator: facts.world)
      }
      let loss = try bank.embeddingLoss(
        imageIndices: images, embeddings: embeddings, neighbourhoods: neighbourhoods, temperature: 0.1, weight: 1,
        communicator: facts.world)
      hash.add([loss.mean])
      hash.add(loss.gradient)
      bank.update(imageIndices: images, embeddings: embeddings, momentum: 0.5)
    }
    var draws = Draws("refresh")
    bank.replace(imageIndices: [149, 0, 77], rows: draws.unitVectors(3, dimension))
    let whole = try facts.world.allGatherV(bank.shard).flatMap { $0 }
    hash.add(whole)
    facts.expect(whole.count == rows * dimension, "the shards in rank order are the bank")
    report(hash, "training", facts)
  }

  // MARK: Damage

  /// One row of the last owner is not finite: every search throws the same error on all ranks, and none hangs.
  private static func damage(_ facts: inout Facts) throws {
    let (rows, dimension, world) = (70, 6, facts.world)
    var draws = Draws("damage")
    let good = draws.unitVectors(rows, dimension)
    let queries = draws.unitVectors(3, dimension)
    for damage in [Float.nan, .infinity] {
      var values = good
      values[(rows - 1) * dimension + 2] = damage
      let bank = bank(values, dimension: dimension, world)
      let attempts: [(String, () throws -> Void)] = [
        (
          "softmax",
          {
            _ = try bank.embeddingLoss(
              imageIndices: [0, 69, 3], embeddings: queries, neighbourhoods: .none, temperature: 0.1, weight: 1,
              communicator: world)
          }
        ),
        ("entropies", { _ = try bank.entropies(temperature: 0.1, communicator: world) }),
        ("search", { _ = try bank.nearest(queries, k: 2, excluding: nil, by: .euclidean, communicator: world) }),
        (
          "search",
          {
            _ = try bank.distances(
              queries, Aggregation(rule: .weighted, k: 2, temperature: 1, squaredScale: 1), communicator: world)
          }
        ),
      ]
      for (step, attempt) in attempts {
        var seen = ""
        do { try attempt() } catch { seen = "\(error)" }
        facts.expect(
          seen.hasPrefix("the memory bank's \(step) met "), "a row with \(damage) fails the \(step): \(seen)")
      }
    }
    let bank = bank(good, dimension: dimension, world)
    var broken = queries
    broken[dimension + 1] = .nan
    var seen = ""
    do { _ = try bank.nearest(broken, k: 1, excluding: nil, by: .euclidean, communicator: world) } catch {
      seen = "\(error)"
    }
    facts.expect(seen.hasPrefix("embedding 2 of 3 "), "a query that is not finite is named: \(seen)")
  }

  private static func expect(
    _ found: Double, near expected: Double, within bound: Double, _ fact: String, _ facts: inout Facts
  ) {
    facts.expect(abs(found - expected) <= bound, "\(fact): off by \(abs(found - expected)), \(bound) allowed")
  }
}

extension [Float] {
  /// Rows of so many elements.
  fileprivate func rows(_ dimension: Int) -> [ArraySlice<Float>] {
    stride(from: 0, to: count, by: dimension).map { self[$0..<($0 + dimension)] }
  }
}
