import CNetworkKernels
import Platform
import Radiographs
import Testing

@testable import Autoencoder

// A convolution's three passes against their definition in double, in each precision: that weights, sources and gradients
// lie where oneDNN looks for them.

@Suite("Convolution")
struct ConvolutionTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var precision: Precision
    var kernel: Int
    var side = 8
    var stride = 1
    var readsImage = false
    var outputs = 19
    var testDescription: String {
      "\(precision.rawValue), \(kernel) x \(kernel) on \(side) x \(side), stride \(stride)\(readsImage ? ", image" : "")"
        + ", to \(outputs) channels"
    }
  }
  static let cases = Precision.allCases.filter(\.isSupported).flatMap { precision in
    [
      Case(precision: precision, kernel: 3), Case(precision: precision, kernel: 3, side: 2),
      // Winograd's algorithm in one turn, with tiles that fill none, and in several, the last one short.
      Case(precision: precision, kernel: 3, side: 12, outputs: 35), Case(precision: precision, kernel: 3, side: 48),
      Case(precision: precision, kernel: 3, side: 52, outputs: 35), Case(precision: precision, kernel: 3, side: 10),
      Case(precision: precision, kernel: 3, side: 4), Case(precision: precision, kernel: 3, stride: 2),
      Case(precision: precision, kernel: 1), Case(precision: precision, kernel: 1, stride: 2),
      Case(precision: precision, kernel: 3, readsImage: true),
      Case(precision: precision, kernel: 7, stride: 2, readsImage: true),
    ]
  }

  /// `count` numbers in -1...1 of 8 significant bits, which are exact in either precision.
  private func numbers(_ count: Int, seed: UInt64) -> [Float] {
    (0..<count).map { Float(Int(CounterRandom(seed).uniform(UInt64($0)) * 256) - 128) / 128 }
  }

  @Test("Every pass is its definition", arguments: cases)
  func passes(_ c: Case) throws {
    let (images, outputs, inputs) = (2, c.outputs, c.readsImage ? 3 : 18)
    let (side, width, taps, reach) = (c.side, c.side / c.stride, c.kernel * c.kernel, c.kernel / 2)
    var plan = NetworkPlan(microBatch: images, precision: c.precision, training: true)
    let layer = try Convolution(
      "layer",
      Convolution.Shape(
        inputs: inputs, outputs: outputs, side: side, kernel: c.kernel, stride: c.stride, readsImage: c.readsImage),
      plan: &plan)
    // In a network other layers make room for a whole image convolution's weights.
    plan.sizes.weightGradient = max(plan.sizes.weightGradient, layer.weightCount)
    let worker = try WorkerBuffers(plan.sizes, training: true)
    let shared = try SharedBuffers(layout: plan.layout, packed: plan.packed.count, evaluation: 0, training: true)
    shared.sums.begin(microBatchesInStep: 1, mine: 1)
    let weights = numbers(outputs * inputs * taps, seed: 1)
    _ = shared.parameters[0..<weights.count].update(fromContentsOf: weights)
    for piece in 0..<layer.packingPieces { layer.pack(shared.parameters, into: shared.packed, piece: piece) }
    let (source, gradient) = (
      numbers(images * inputs * side * side, seed: 2), numbers(images * outputs * width * width, seed: 3)
    )

    // The definition, on plain arrays.
    var output = gradient.map { _ in 0.0 }
    var (sourceGradient, weightGradient) = (source.map { _ in 0.0 }, weights.map { _ in 0.0 })
    for n in 0..<images {
      for (o, i) in (0..<outputs).flatMap({ o in (0..<inputs).map { (o, $0) } }) {
        for (y, x) in (0..<width).flatMap({ y in (0..<width).map { (y, $0) } }) {
          for k in 0..<taps {
            let (row, column) = (y * c.stride + k / c.kernel - reach, x * c.stride + k % c.kernel - reach)
            guard (0..<side).contains(row), (0..<side).contains(column) else { continue }
            let from = ((n * inputs + i) * side + row) * side + column
            let to = ((n * outputs + o) * width + y) * width + x
            let weight = (o * inputs + i) * taps + k
            output[to] += Double(source[from]) * Double(weights[weight])
            sourceGradient[from] += Double(gradient[to]) * Double(weights[weight])
            weightGradient[weight] += Double(gradient[to]) * Double(source[from])
          }
        }
      }
    }

    let layout = c.precision.layout
    func blocked(_ plain: [Float], channels: Int, side: Int) throws -> ActivationBuffer {
      let buffer = try ActivationBuffer(bytes: 4 * images * padded(channels) * side * side)
      ck_to_blocked(plain, Int64(images), Int64(channels), Int64(side * side), layout, buffer.pointer)
      return buffer
    }
    func plain(_ buffer: ActivationBuffer, channels: Int, side: Int) -> [Float] {
      var plain = [Float](repeating: .nan, count: images * channels * side * side)
      ck_from_blocked(buffer.pointer, Int64(images), Int64(channels), Int64(side * side), layout, &plain)
      return plain
    }
    /// `results` but for rounding to the precision, and 1e-6 of terms up to 1 that were summed in floats.
    func expect(_ results: [Float], _ expected: [Double], terms: Int, roundedBy unit: Double, _ name: String) {
      let excess = zip(results, expected).map { abs(Double($0) - $1) - unit * abs($1) }.max()!
      #expect(excess < 1e-6 * Double(terms), "\(name)")
    }
    let unit = c.precision == .float32 ? 0 : 0x1p-8

    let image = try ActivationBuffer(bytes: 4 * source.count)
    image.floats.update(from: source, count: source.count)
    let from = try c.readsImage ? image : blocked(source, channels: inputs, side: side)
    let to = try blocked(gradient, channels: outputs, side: width)
    let result = try blocked(gradient, channels: outputs, side: width)
    layer.forward(from.pointer, into: result.pointer, packed: shared.packed, worker: worker)
    expect(
      plain(result, channels: outputs, side: width), output, terms: inputs * taps, roundedBy: unit, "forward")
    #expect(layer.backwardWeights(source: from.pointer, gradient: to.pointer, worker: worker, sums: shared.sums))
    let sums = shared.sums.fixedGradients.prefix(weights.count).map { Float(Double($0) / Double(1 << 43)) }
    expect(sums, weightGradient, terms: images * width * width, roundedBy: 0, "backward weights")
    guard !c.readsImage else { return }
    let back = try blocked(source, channels: inputs, side: side)
    layer.backwardData(to.pointer, into: back.pointer, packed: shared.packed, worker: worker)
    expect(
      plain(back, channels: inputs, side: side), sourceGradient, terms: outputs * taps, roundedBy: unit,
      "backward data")
  }
}
