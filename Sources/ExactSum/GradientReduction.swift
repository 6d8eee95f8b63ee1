import CSumKernels
public import MPI
import Platform

// P = ranks

/// Adds up the fixed-point gradients of all ranks, a stretch at a time, and gives every rank the sums as floats.
///
/// Each rank sums one of P parts: all send it their terms (`MPI_Ialltoallv`), and it sends everyone the sum
/// (`MPI_Iallgatherv`). It sends what the sum is used for, a float, so that `exact` takes 12 bytes of an element where a
/// sum in `Int64` would take 16. And since a rank adds its part in the order of the ranks, rounding does not grow with their
/// number beyond that of one sum of floats: in `bfloat16` each term is rounded once, and the sum once more.
///
/// The buffers of one stretch are allocated once. One rank alone sends nothing and rounds nothing but to float.
public final class GradientReduction {
  public let reduction: Reduction
  private let communicator: Communicator
  private let largest: Int
  /// What other ranks send: (P - 1, part), and behind it, in bfloat16, the stretch itself.
  private let received: UnsafeMutableRawPointer

  /// - Parameter largest: the most elements that are reduced at a time.
  public init(_ reduction: Reduction, largest: Int, communicator: Communicator) {
    self.reduction = reduction
    self.communicator = communicator
    self.largest = largest
    let bytes = Self.receivedBytes(reduction, largest: largest, ranks: communicator.size)
    received = .allocate(byteCount: max(bytes, 1), alignment: 64)
  }

  /// Bytes of what is received at a time, of stretches of at most `largest` elements.
  public static func receivedBytes(_ reduction: Reduction, largest: Int, ranks: Int) -> Int {
    let part = part(ranks - 1, of: largest, ranks: ranks).count + line
    return (ranks - 1) * part * reduction.bytesOnTheWire.to + (reduction == .bfloat16 ? largest * 2 : 0)
  }

  deinit { received.deallocate() }

  /// All ranks. Sums a stretch of at most `largest` elements over the ranks.
  ///
  /// - Parameters:
  ///   - sums: this rank's, in the scale of gradients.
  ///   - gradients: gets the sums of all ranks; as many.
  ///   - phases: seconds spent on each of the parts, to add to.
  public func run(
    _ sums: UnsafeBufferPointer<Int64>, into gradients: UnsafeMutableBufferPointer<Float>,
    phases: inout Phases
  ) throws(MPIError) {
    precondition(
      sums.count == gradients.count && sums.count <= largest,
      "\(sums.count) sums for \(gradients.count) gradients, at most \(largest)")
    guard communicator.size > 1 else {
      phases.time(\.decode) { FixedPoint.gradient.decode(sums, into: gradients) }
      return
    }
    switch reduction {
    case .exact: try exact(sums, gradients, &phases)  // all ranks
    case .float32: try float32(sums, gradients, &phases)  // all ranks
    case .bfloat16: try bfloat16(sums, gradients, &phases)  // all ranks
    }
  }

  /// Where the time goes, in seconds.
  public struct Phases: Sendable {
    /// To what travels.
    public var encode = 0.0
    /// Exchanging with the other ranks, and waiting for them.
    public var exchange = 0.0
    /// Summing this rank's part.
    public var sum = 0.0
    /// From what travelled to floats.
    public var decode = 0.0

    public init() {}

    fileprivate mutating func time<E>(_ phase: WritableKeyPath<Phases, Double>, _ body: () throws(E) -> Void) throws(E)
    {
      let start = ContinuousClock.now
      try body()
      self[keyPath: phase] += (ContinuousClock.now - start) / .seconds(1)
    }
  }

  // MARK: The three

  private func exact(
    _ sums: UnsafeBufferPointer<Int64>, _ gradients: UnsafeMutableBufferPointer<Float>, _ phases: inout Phases
  ) throws(MPIError) {
    let terms = try collect(sums, &phases)  // all ranks
    let mine = part(of: sums.count)
    phases.time(\.sum) {
      let result = gradients.baseAddress! + mine.lowerBound
      let scale = Float(sign: .plus, exponent: -FixedPoint.gradient.fractionBits, significand: 1)
      ck_rank_sum_exact(terms, terms.count, result, mine.count, scale)
    }
    try spread(gradients, &phases)  // all ranks
  }

  private func float32(
    _ sums: UnsafeBufferPointer<Int64>, _ gradients: UnsafeMutableBufferPointer<Float>, _ phases: inout Phases
  ) throws(MPIError) {
    phases.time(\.encode) { FixedPoint.gradient.decode(sums, into: gradients) }
    let terms = try collect(UnsafeBufferPointer(gradients), &phases)  // all ranks
    let mine = part(of: sums.count)
    phases.time(\.sum) {
      ck_rank_sum_float(terms, terms.count, gradients.baseAddress! + mine.lowerBound, mine.count)
    }
    try spread(gradients, &phases)  // all ranks
  }

  private func bfloat16(
    _ sums: UnsafeBufferPointer<Int64>, _ gradients: UnsafeMutableBufferPointer<Float>, _ phases: inout Phases
  ) throws(MPIError) {
    let rounded = UnsafeMutableBufferPointer(
      start: received.bindMemory(to: UInt16.self, capacity: sums.count), count: sums.count)
    phases.time(\.encode) {
      FixedPoint.gradient.decode(sums, into: gradients)
      ck_to_bfloat16(gradients.baseAddress!, rounded.baseAddress!, sums.count)
    }
    let terms = try collect(UnsafeBufferPointer(rounded), after: rounded.count, &phases)  // all ranks
    let mine = part(of: sums.count)
    phases.time(\.sum) {
      ck_rank_sum_bfloat16(terms, terms.count, rounded.baseAddress! + mine.lowerBound, mine.count)
    }
    try spread(rounded, &phases)  // all ranks
    phases.time(\.decode) { ck_from_bfloat16(rounded.baseAddress!, gradients.baseAddress!, sums.count) }
  }

  // MARK: Exchange

  /// Parts begin on a cache line.
  private static let line = 16

  /// What one rank sums of `count` elements.
  private static func part(_ rank: Int, of count: Int, ranks: Int) -> Range<Int> {
    let lines = (count + line - 1) / line
    return min(lines * rank / ranks * line, count)..<min(lines * (rank + 1) / ranks * line, count)
  }

  private func part(of count: Int) -> Range<Int> {
    Self.part(communicator.rank, of: count, ranks: communicator.size)
  }

  private func parts(of count: Int) -> [Range<Int>] {
    (0..<communicator.size).map { Self.part($0, of: count, ranks: communicator.size) }
  }

  /// All ranks. Every rank's terms of this rank's part, in the order of the ranks.
  ///
  /// - Parameter offset: elements of `received` that are in use.
  private func collect<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, after offset: Int = 0, _ phases: inout Phases
  ) throws(MPIError) -> [UnsafePointer<T>?] {
    let mine = part(of: values.count)
    var sent = parts(of: values.count)
    // A rank's own terms stay where they are.
    sent[communicator.rank] = mine.lowerBound..<mine.lowerBound
    var places: [Range<Int>] = []
    for rank in 0..<communicator.size {
      let start = places.last?.upperBound ?? 0
      places.append(start..<start + (rank == communicator.rank ? 0 : mine.count))
    }
    let total = places.last!.upperBound
    let buffer = UnsafeMutableBufferPointer(
      start: received.bindMemory(to: T.self, capacity: offset + total) + offset, count: total)
    try phases.time(\.exchange) { () throws(MPIError) in
      try finish(try communicator.startAllToAll(values, parts: sent, into: buffer, places: places))  // all ranks
    }
    return (0..<communicator.size).map { rank in
      rank == communicator.rank
        ? values.baseAddress! + mine.lowerBound : UnsafePointer(buffer.baseAddress! + places[rank].lowerBound)
    }
  }

  /// All ranks. Every rank gets all parts from those that summed them.
  private func spread<T: MPIDatatype>(
    _ values: UnsafeMutableBufferPointer<T>, _ phases: inout Phases
  ) throws(MPIError) {
    try phases.time(\.exchange) { () throws(MPIError) in
      try finish(try communicator.startAllGather(values, parts: parts(of: values.count)))  // all ranks
    }
  }

  /// Waits without burning the core, which a worker may want.
  private func finish(_ request: consuming Request) throws(MPIError) {
    while try !request.test() { Host.pause(microseconds: Self.pause) }
    try request.wait()
  }

  /// Microseconds between two looks.
  private static let pause: UInt32 = 50
}
