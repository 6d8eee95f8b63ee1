import Autoencoder
import ExactSum
import MPI
import MemoryBank
import Radiographs
import SALAD
import Safetensors

// B = images in a step, m = in a micro-batch, D = embedding dimension, F = features of an image, N = bank rows, Q = queries

/// Takes a fixture's steps with our network and bank, and compares every number on the way: `scenario.py` again.
///
/// Micro-batches and rows are shared between the ranks as `TrainingStep` shares them.
public struct ParityScenario {
  private let fixture: ParityFixture
  private let reduction: Reduction
  private let communicator: Communicator
  private let images: [Float]
  private let replica: Replica
  private var bank: MemoryBank
  private var anchors = AnchorNeighbourhoods.none
  public private(set) var comparisons: [ParityFixture.Comparison] = []
  /// Choices that are not PyTorch's.
  public private(set) var wrongChoices: [String] = []

  /// Everything was compared but the reconstruction, which stays inside the replica.
  public var isComplete: Bool { comparisons.count == fixture.quantities.count - 1 }
  /// Of the first step, by the names of their quantities.
  private(set) var firstGradients: [String: [Double]] = [:]

  private var parity: ParityCase { fixture.case }
  var microBatchesPerStep: Int { parity.batch / parity.microBatch }

  public init(_ fixture: ParityFixture, reduction: Reduction, communicator: Communicator) throws {
    self.fixture = fixture
    self.reduction = reduction
    self.communicator = communicator
    let parity = fixture.case
    images = ParityInputs.blobImages(parity.rows + ParityInputs.queries, side: parity.size, seed: parity.imageSeed)
    replica = try ParityInputs.replica(parity)
    bank = MemoryBank(
      rows: parity.rows, dimension: parity.dimension, seed: ParityInputs.bankSeed, workers: replica.workers,
      communicator: communicator)
  }

  /// All ranks.
  public mutating func run() throws {
    let (order, steps) = (parity.order, parity.steps)
    try startBank()  // all ranks
    try compareFeatures("start")  // all ranks
    try chooseAnchors("at the start")  // all ranks
    var losses: [Double] = []
    for step in 0..<steps {
      let epoch = step / order.stepsPerEpoch
      let microBatches = order.step(step % order.stepsPerEpoch, epoch: epoch)
      losses += try takeStep(microBatches, epoch: epoch, comparing: step == 0)  // all ranks
      if step == 0 { try compareState(steps: 1) }  // all ranks
    }
    if steps > 1 {
      compare("losses of \(steps) steps", losses)
      try compareState(steps: steps)  // all ranks
      try chooseAnchors("after \(steps) steps")  // all ranks
    }
    try compareFeatures("end")  // all ranks
  }

  private mutating func compare(_ name: String, _ values: [Double]) {
    comparisons.append(fixture.compare(name, values))
  }

  private mutating func compare(_ name: String, _ values: [Float]) { compare(name, values.map(Double.init)) }

  // MARK: The start

  /// All ranks. The rows that training starts from, as `StartingPass` makes them.
  private mutating func startBank() throws {
    guard parity.bankStart == .pass else { return }
    let (rank, ranks, m) = (communicator.rank, communicator.size, parity.microBatch)
    // The last micro-batch is filled up with the images before it.
    let microBatches = stride(from: 0, to: parity.rows, by: m).map {
      let first = min($0, parity.rows - m)
      return Array(first..<first + m)
    }
    let plane = parity.size * parity.size
    for first in stride(from: 0, to: microBatches.count, by: microBatchesPerStep) {
      let block = microBatches[first..<min(first + microBatchesPerStep, microBatches.count)]
      let mine = block.dropFirst(block.count * rank / ranks).dropLast(block.count - block.count * (rank + 1) / ranks)
      let pixels = mine.map {
        PixelBatch(imageIndices: $0, pixels: Array(images[$0[0] * plane..<($0[0] + m) * plane]))
      }
      let embeddings = try replica.encode(
        pixels, imagesInStep: block.count * m, microBatchesInStep: block.count,
        reconstructionLoss: parity.reconstructionLoss, reconstructionWeight: 0)
      let rows = try communicator.allGatherV(embeddings).flatMap { $0 }  // all ranks
      bank.replace(imageIndices: block.flatMap { $0 }, rows: rows)
    }
    compare("starting bank", try communicator.allGatherV(bank.shard).flatMap { $0 })  // all ranks
  }

  // MARK: A round

  /// All ranks.
  private mutating func chooseAnchors(_ time: String) throws {
    guard parity.anchorRound > 0 else { return }
    anchors = try bank.anchorNeighbourhoods(  // all ranks
      round: parity.anchorRound, rate: parity.anchorRate, neighbours: parity.neighbours,
      temperature: parity.temperature, communicator: communicator)
    let entropies = try bank.entropies(temperature: parity.temperature, communicator: communicator)  // all ranks
    compare("entropies \(time)", entropies)
    check("anchors \(time)", anchors.anchors)
    let pairs = anchors.anchors.flatMap { image in
      (anchors.neighbours(of: image) ?? []).map { image * parity.rows + $0 }
    }
    check("neighbours \(time)", pairs)
  }

  private mutating func check(_ name: String, _ values: [Int]) {
    guard let choice = fixture.choices.first(where: { $0.name == name }) else {
      preconditionFailure("\(parity.name) has no choice of \(name): run make reference")
    }
    let difference = Set(values).symmetricDifference(choice.values)
    guard difference.count > choice.tolerance else { return }
    wrongChoices.append(
      "\(name): \(difference.count) differ, PyTorch's float32 \(choice.torch), allowed \(choice.tolerance)")
  }

  // MARK: A step

  /// All ranks. One step as `TrainingStep` takes it.
  ///
  /// - Returns: total, reconstruction and embedding loss.
  private mutating func takeStep(_ microBatches: [[Int]], epoch: Int, comparing: Bool) throws -> [Double] {
    let (rank, ranks, indices) = (communicator.rank, communicator.size, microBatches.flatMap { $0 })
    let mine = (microBatches.count * rank / ranks)..<(microBatches.count * (rank + 1) / ranks)
    let pixels = mine.map { ParityInputs.pixels(microBatches[$0], of: images, epoch: epoch, parity) }
    let embeddings = try replica.encode(
      pixels, imagesInStep: indices.count, microBatchesInStep: microBatches.count,
      reconstructionLoss: parity.reconstructionLoss, reconstructionWeight: parity.reconstructionWeight)
    let batch = try communicator.allGatherV(embeddings).flatMap { $0 }  // all ranks
    let loss = try bank.embeddingLoss(  // all ranks
      imageIndices: indices, embeddings: batch, neighbourhoods: anchors, temperature: parity.temperature,
      weight: parity.aggregationWeight, communicator: communicator)
    let row = parity.microBatch * parity.dimension
    try replica.reconstructAndBackward(
      embeddingGradients: Array(loss.gradient[mine.lowerBound * row..<mine.upperBound * row]))
    let reduced = try reduce()  // all ranks
    let gradients = try tensors(reduced.map(Double.init), ModelState(of: replica))
    let reconstruction = replica.sums.reconstructionLoss

    if comparing {
      if parity.augmented {
        let whole = try communicator.allGatherV(pixels.flatMap(\.pixels)).flatMap { $0 }  // all ranks
        compare("pixels", whole)
      }
      compare("embeddings", batch)
      compare("reconstruction loss", [reconstruction])
      compare("embedding loss", [loss.mean])
      if loss.instanceCount > 0 { compare("instance loss", [loss.instanceMean]) }
      if loss.aggregationCount > 0 { compare("aggregation loss", [loss.aggregationMean]) }
      compare("gradient of the embedding loss", loss.gradient)
      for (name, gradient, _) in gradients {
        compare("gradient \(name)", gradient)
        firstGradients["gradient \(name)"] = gradient
      }
      try compareScores("first", bank, of: batch, by: ScoreRule.allCases)  // all ranks
    }
    reduced.withUnsafeBufferPointer {
      replica.update(gradients: $0, learningRate: parity.learningRate, weightDecay: parity.weightDecay)
    }
    bank.update(imageIndices: indices, embeddings: batch, momentum: parity.momentum)
    if comparing { try compareAdam(gradients) }
    let total = parity.reconstructionWeight * reconstruction + parity.aggregationWeight * loss.mean
    return [total, reconstruction, loss.mean]
  }

  /// All ranks. The flat gradients of the whole step.
  private func reduce() throws -> [Float] {
    let sums = replica.sums
    var gradients = [Float](repeating: 0, count: sums.fixedGradients.count)
    let reducing = GradientReduction(reduction, largest: gradients.count, communicator: communicator)
    var phases = GradientReduction.Phases()
    try gradients.withUnsafeMutableBufferPointer {
      try reducing.run(UnsafeBufferPointer(sums.fixedGradients), into: $0, phases: &phases)  // all ranks
    }
    try communicator.allReduce(sums.fixedRest, .sum)  // all ranks
    return gradients
  }

  private typealias Gradient = (name: String, gradient: [Double], weights: [Float])

  /// Tensors stand in the flat buffer in the file's order, each from a cache line's 16 floats on.
  private func tensors(_ gradients: [Double], _ state: ModelState) throws -> [Gradient] {
    var offset = 0
    let result: [Gradient] = try state.weights.map { tensor in
      defer { offset += (tensor.elementCount + 15) / 16 * 16 }
      return (
        tensor.name, Array(gradients[offset..<offset + tensor.elementCount]), try state.file.floats(tensor.name)
      )
    }
    precondition(offset == gradients.count, "\(gradients.count) gradients, expected \(offset)")
    return result
  }

  /// Adam's constants, as one step of its own gradients shows them: they hide among the errors of the gradients.
  ///
  /// 1 - beta1 and, times that, the weight decay, fitted to exp_avg; 1 - beta2; and the learning rate (with eps).
  private mutating func compareAdam(_ gradients: [Gradient]) throws {
    let (optimizer, after) = (try optimizer(), try ModelState(of: replica))
    // Weighted sums of products: g gradients, w weights, a exp_avg.
    var (gg, gw, ww, ag, aw) = (0.0, 0.0, 0.0, 0.0, 0.0)
    // Numerators and denominators.
    var (squares, step) = (SIMD2<Double>(), SIMD2<Double>())
    for (name, gradient, weights) in gradients {
      let averages = try optimizer.floats("exp_avg.\(name)")
      let averageSquares = try optimizer.floats("exp_avg_sq.\(name)")
      let moved = try after.file.floats(name)
      for index in gradient.indices {
        let (g, w, a) = (gradient[index], Double(weights[index]), Double(averages[index]))
        // exp_avg is rounded relative to the gradient: small gradients show the decay best.
        let trust = 1 / (g * g + 1e-6)
        gg += trust * g * g
        gw += trust * g * w
        ww += trust * w * w
        ag += trust * a * g
        aw += trust * a * w
        let whole = g + parity.weightDecay * w
        let square = whole * whole
        squares += [Double(averageSquares[index]) * square, square * square]
        let direction = whole / (abs(whole) + 1e-8)
        step += [(w - Double(moved[index])) * direction, direction * direction]
      }
    }
    let determinant = gg * ww - gw * gw
    compare("share of gradients in exp_avg", [(ag * ww - aw * gw) / determinant])
    compare("share of weights in exp_avg", [(aw * gg - ag * gw) / determinant])
    compare("share of squares in exp_avg_sq", [squares.x / squares.y])
    compare("share of direction in step", [step.x / step.y])
  }

  // MARK: What steps change

  /// All ranks. Weights, statistics, Adam's moments and the bank after so many steps.
  private mutating func compareState(steps: Int) throws {
    let state = try ModelState(of: replica)
    for tensor in state.weights {
      compare("step \(steps) weights \(tensor.name)", try state.file.floats(tensor.name))
    }
    for tensor in state.statistics {
      compare("step \(steps) statistics \(tensor.name)", try state.file.floats(tensor.name))
    }
    let optimizer = try optimizer()
    for moment in ["exp_avg", "exp_avg_sq"] {
      for tensor in state.weights {
        compare("step \(steps) \(moment) \(tensor.name)", try optimizer.floats("\(moment).\(tensor.name)"))
      }
    }
    compare("step \(steps) bank", try communicator.allGatherV(bank.shard).flatMap { $0 })  // all ranks
  }

  private func optimizer() throws -> SafetensorsFile {
    try withTemporaryFile { path in
      try replica.saveOptimizer(to: path, extra: [])
      return try SafetensorsFile(path: path)
    }
  }

  // MARK: Features and scores

  /// All ranks. The bank that a refresh makes of the bottleneck and of the levels, and its scores of images that were not
  /// trained on.
  private mutating func compareFeatures(_ when: String) throws {
    for levels in parity.levels.isBottleneck ? [.bottleneck] : [.bottleneck, parity.levels] {
      let name = "\(when) \(levels.isBottleneck ? "z" : "levels")"
      let features = try images.withUnsafeBufferPointer {
        try replica.embed($0, count: parity.rows + ParityInputs.queries, levels: levels)
      }
      let count = replica.configuration.featureCount(levels)
      var refreshed = MemoryBank(
        rows: parity.rows, dimension: count, workers: replica.workers, communicator: communicator)
      refreshed.replace(
        imageIndices: Array(0..<parity.rows), rows: Array(features[..<(parity.rows * count)]))
      compare("\(name) bank", try communicator.allGatherV(refreshed.shard).flatMap { $0 })  // all ranks
      try compareScores(  // all ranks
        name, refreshed, of: Array(features[(parity.rows * count)...]),
        by: ScoreRule.allCases.filter { levels.isBottleneck || !$0.isAngular })
    }
  }

  /// All ranks. What a bank says of itself, with each row left out, and of others.
  ///
  /// - Parameter queries: (Q, F).
  private mutating func compareScores(
    _ name: String, _ bank: MemoryBank, of queries: [Float], by rules: [ScoreRule]
  ) throws {
    let nearest = try bank.nearest(  // all ranks
      queries, k: parity.topK, excluding: nil, by: .euclidean, communicator: communicator)
    compare("\(name) squared distances", nearest.flatMap { $0.map(\.squaredDistance) })
    let leftOut = try bank.leftOutDistances(  // all ranks
      rules: rules, k: parity.topK, temperature: parity.scoreTemperature, groups: nil, communicator: communicator
    ) { _ in true }
    guard let leftOut else { return }
    compare("\(name) D0^2", [leftOut.squaredScale])
    let calibration = Calibration(
      leftOut, bank: .refreshed, topK: parity.topK, scoreTemperature: parity.scoreTemperature, falseAlarmRate: 0.05)
    for rule in rules {
      let aggregation = Aggregation(
        rule: rule, k: parity.topK, temperature: parity.scoreTemperature, squaredScale: leftOut.squaredScale)
      let distances = try bank.distances(queries, aggregation, communicator: communicator)  // all ranks
      compare("\(name) left-out \(rule.rawValue)", leftOut.distances[rule] ?? [])
      compare("\(name) D \(rule.rawValue)", [calibration.medians[rule.rawValue] ?? .nan])
      compare("\(name) scores \(rule.rawValue)", ScoreScale([calibration], rule: rule)?.scores([distances]) ?? [])
    }
  }
}
