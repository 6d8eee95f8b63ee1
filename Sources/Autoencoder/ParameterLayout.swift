import Safetensors

/// A network's tensors in its own order, with the names and shapes of the published PyTorch modules, and where each
/// stands in the flat buffers.
struct ParameterLayout: Sendable {
  enum Storage: Sendable, Equatable {
    /// In the flat buffer of parameters, of gradients and of each of Adam's moments.
    case parameter(offset: Int)
    /// In the flat buffer of running statistics, and of the sums that move them.
    case statistic(offset: Int)
    /// The one count of steps that all batch normalisations share.
    case stepCount
  }

  enum Start: Sendable, Equatable {
    /// Uniform in +-bound.
    case uniform(bound: Float)
    case constant(Float)
  }

  struct Tensor: Sendable {
    let name: String
    let shape: [Int]
    let storage: Storage
    let start: Start

    var count: Int { shape.reduce(1, *) }

    var description: TensorDescription {
      TensorDescription(name: name, type: storage == .stepCount ? .int64 : .float32, shape: shape)
    }
  }

  private(set) var tensors: [Tensor] = []
  private var parameters = BufferPlan()
  private var statistics = BufferPlan()

  /// Elements of the flat parameter buffer; each tensor begins on a cache line.
  var parameterCount: Int { parameters.count }
  var statisticCount: Int { statistics.count }

  /// Where the tensors stand in the flat parameter buffer.
  var parameterRanges: [Range<Int>] {
    tensors.compactMap { tensor in
      if case .parameter(let offset) = tensor.storage { offset..<offset + tensor.count } else { nil }
    }
  }

  /// Weights (outputs, inputs, kernel, kernel), uniform in +-1/sqrt(fan-in). Returns their offset.
  mutating func addWeights(_ name: String, shape: [Int], fanIn: Int) -> Int {
    let bound = 1 / Double(fanIn).squareRoot()
    return addParameter(name, shape: shape, start: .uniform(bound: Float(bound)))
  }

  /// The five tensors of a batch normalisation over `channels`.
  mutating func addBatchNormalisation(_ name: String, channels: Int) -> (
    scale: Int, shift: Int, mean: Int, variance: Int
  ) {
    let scale = addParameter(name + ".weight", shape: [channels], start: .constant(1))
    let shift = addParameter(name + ".bias", shape: [channels], start: .constant(0))
    let (mean, variance) = addRunningStatistics(name, channels: channels)
    return (scale, shift, mean, variance)
  }

  /// The three tensors of a batch normalisation without scale and shift.
  mutating func addRunningStatistics(_ name: String, channels: Int) -> (mean: Int, variance: Int) {
    let mean = addStatistic(name + ".running_mean", channels: channels, start: 0)
    let variance = addStatistic(name + ".running_var", channels: channels, start: 1)
    tensors.append(
      Tensor(name: name + ".num_batches_tracked", shape: [], storage: .stepCount, start: .constant(0)))
    return (mean, variance)
  }

  private mutating func addParameter(_ name: String, shape: [Int], start: Start) -> Int {
    let offset = parameters.reserve(shape.reduce(1, *))
    tensors.append(Tensor(name: name, shape: shape, storage: .parameter(offset: offset), start: start))
    return offset
  }

  private mutating func addStatistic(_ name: String, channels: Int, start: Float) -> Int {
    let offset = statistics.reserve(channels)
    tensors.append(
      Tensor(name: name, shape: [channels], storage: .statistic(offset: offset), start: .constant(start)))
    return offset
  }
}
