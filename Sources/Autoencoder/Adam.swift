import CNetworkKernels
import ExactSum
import Platform

// beta1, beta2 = decay of the first and second moments, eps = what keeps a quotient finite

/// Adam (Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1) with L2 weight decay added to
/// the gradient, as PyTorch's `torch.optim.Adam` computes it.
enum Adam {
  static let (beta1, beta2) = (0.9, 0.999)
  static let epsilon: Float = 1e-8

  /// What all elements of one step share.
  struct Step {
    /// Learning rate / (1 - beta1^t).
    let size: Float
    /// 1 / sqrt(1 - beta2^t).
    let inverseRootCorrection: Float
    let weightDecay: Float

    /// - Parameter number: t, from 1.
    init(number: Int, learningRate: Double, weightDecay: Double) {
      size = Float(learningRate / (1 - power(beta1, number)))
      inverseRootCorrection = Float(1 / (1 - power(beta2, number)).squareRoot())
      self.weightDecay = Float(weightDecay)
    }

    /// Moves `count` parameters and their moments.
    func move(
      _ parameters: UnsafeMutablePointer<Float>, firstMoments: UnsafeMutablePointer<Float>,
      secondMoments: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, count: Int
    ) {
      ck_adam(
        parameters, firstMoments, secondMoments, gradient, Int64(count), beta1, beta2, size, inverseRootCorrection,
        epsilon, weightDecay)
    }
  }

  /// base^exponent by repeated squaring: the same bits from every C library.
  private static func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, left) = (1.0, base, exponent)
    while left > 0 {
      if left & 1 == 1 { result *= square }
      square *= square
      left >>= 1
    }
    return result
  }
}

extension Replica {
  /// Adam's step and the running statistics', from the all-reduced sums: the same bits on every rank. Local.
  ///
  /// - Parameters:
  ///   - gradients: summed over all ranks by a reduction, `parameterCount` of `sums` in its order; nil takes this rank's own
  ///     sums, in fixed point.
  ///   - weightDecay: L2, added to the gradient of every parameter.
  public func update(
    gradients reduced: UnsafeBufferPointer<Float>?, learningRate: Double, weightDecay: Double
  ) {
    precondition(
      reduced.map { $0.count == layout.parameterCount } ?? true,
      "\(reduced?.count ?? 0) gradients for \(layout.parameterCount) parameters")
    stepsTaken += 1
    statisticSteps += 1
    let step = Adam.Step(number: stepsTaken, learningRate: learningRate, weightDecay: weightDecay)
    // Only read, until `run` returns.
    nonisolated(unsafe) let reduced = reduced
    let fixed = UnsafeBufferPointer(shared.sums.fixedGradients)
    workers.run(elements: layout.parameterCount, piece: 1 << 15) { [self] _, range in
      let start = range.lowerBound
      func move(_ gradient: UnsafePointer<Float>) {
        step.move(
          shared.parameters.pointer + start, firstMoments: firstMoments.pointer + start,
          secondMoments: secondMoments.pointer + start, gradient: gradient, count: range.count)
      }
      if let reduced {
        move(reduced.baseAddress! + start)
      } else {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count) { decoded in
          FixedPoint.gradient.decode(UnsafeBufferPointer(rebasing: fixed[range]), into: decoded)
          move(decoded.baseAddress!)
        }
      }
    }
    for index in 0..<layout.statisticCount {
      let old = Double(shared.running.pointer[index])
      shared.running.pointer[index] = Float(0.9 * old + 0.1 * shared.sums.statistic(index))
    }
    parametersChanged()
  }
}
