import Foundation
import MPI
import Platform

/// A training plan with how long it will take, for people and for programs.
public struct TrainingPlanReport: Sendable {
  /// Where the rate comes from.
  public enum Rate: Sendable {
    /// The median of some steps of this network on these ranks, on random pixels.
    case measured(imagesPerSecond: Double)
    /// What the user said.
    case given(imagesPerSecond: Double)

    public var imagesPerSecond: Double {
      switch self {
      case .measured(let rate), .given(let rate): rate
      }
    }
  }

  let plan: TrainingPlan
  let rate: Rate
  /// Bytes that each rank may take beside what it has, of the host that has least.
  let available: Int
  let ranksOnHost: Int

  public init(_ plan: TrainingPlan, rate: Rate, host: HostResources) {
    self.plan = plan
    self.rate = rate
    available = host.memory
    ranksOnHost = host.ranks
  }

  /// Hours of all steps; reading and refreshing, which are short beside them, come on top.
  var hours: Double { Double(plan.imagesInAll) / rate.imagesPerSecond / 3600 }

  /// All ranks. Steps a second of this network as it will be trained, from a few steps on random pixels.
  public static func measure(
    _ plan: TrainingPlan, activationMemory: Int, communicator: Communicator, watchdog: Watchdog
  ) throws -> Rate {
    let benchmark = try StepBenchmark(  // all ranks
      plan.configuration, rows: plan.images, workers: plan.workers, activationMemory: activationMemory,
      communicator: communicator, watchdog: watchdog)
    var times: [Double] = []
    // The first step warms up; a few more, unless they are long.
    while times.count < 4, times.count < 2 || times.reduce(0, +) < 20 {
      let start = ContinuousClock.now
      _ = try benchmark.run()  // all ranks
      try Signals.throwIfAnyRankReceivedOne(communicator, "while the rate was measured")  // all ranks
      times.append(try communicator.allReduce((ContinuousClock.now - start).inSeconds, .max))  // all ranks
    }
    let steady = times.dropFirst().sorted()
    return .measured(imagesPerSecond: Double(plan.configuration.batchSize) / steady[steady.count / 2])
  }

  // MARK: Text

  /// For people.
  public func table() -> String {
    let (plan, text) = (plan, ByteText.of)
    func row(_ name: String, _ value: String, _ note: String = "") -> String {
      let padding = String(repeating: " ", count: max(1, 36 - name.count - value.count))
      return "  \(name)\(padding)\(value)\(note.isEmpty ? "" : "  \(note)")"
    }
    var lines = ["memory of a rank"]
    lines += plan.memory.map { row($0.name, text($0.bytes)) }
    lines.append(row("in all", text(plan.totalMemory), "\(text(available)) free, \(ranksOnHost) on a host"))
    lines.append("traffic of a step, sent by each of \(plan.ranks) rank\(plan.ranks == 1 ? "" : "s")")
    lines += plan.traffic.map { row($0.collective, text($0.sent), "of \(text($0.payload))") }
    lines.append(row("in all", text(plan.sentPerStep)))
    lines.append("work")
    lines.append(row("images", "\(plan.images)"))
    lines.append(row("steps an epoch", "\(plan.stepsPerEpoch)"))
    let rounds = plan.configuration.rounds + 1
    lines.append(row("epochs", "\(plan.configuration.epochs)", "in \(rounds) round\(rounds == 1 ? "" : "s")"))
    lines.append(row("steps", "\(plan.steps)"))
    let origin =
      switch rate {
      case .measured: "images/s, measured on a few steps of random pixels"
      case .given: "images/s, as given"
      }
    lines.append(row("rate", String(format: "%.1f", rate.imagesPerSecond), origin))
    lines.append(row("hours", String(format: hours < 1 ? "%.3f" : "%.1f", hours)))
    if plan.idleWorkers > 0 {
      lines.append(
        row("idle workers", "\(plan.idleWorkers)", "of \(plan.ranks * plan.workers): raise --batch-size"))
    }
    lines.append("disk")
    lines.append(row("a checkpoint", text(plan.checkpoint)))
    lines.append(row("in all", text(plan.disk), "\(plan.checkpoints) at a time"))
    return lines.joined(separator: "\n") + "\n"
  }

  /// One JSON object on one line.
  public func line() throws -> String { String(decoding: try JSONText.line(self), as: UTF8.self) }
}

extension TrainingPlanReport: Encodable {
  enum CodingKeys: String, CodingKey {
    case memory, traffic, images, steps, hours, ranks, workers
    case memoryBytes = "memory_bytes_per_rank"
    case availableBytes = "available_bytes_per_rank"
    case sentBytes = "sent_bytes_per_step"
    case stepsPerEpoch = "steps_per_epoch"
    case imagesPerSecond = "images_per_second"
    case rateIsMeasured = "rate_is_measured"
    case idleWorkers = "idle_workers"
    case checkpointBytes = "checkpoint_bytes"
    case diskBytes = "disk_bytes"
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(plan.memory, forKey: .memory)
    try values.encode(plan.totalMemory, forKey: .memoryBytes)
    try values.encode(available, forKey: .availableBytes)
    try values.encode(plan.traffic, forKey: .traffic)
    try values.encode(plan.sentPerStep, forKey: .sentBytes)
    try values.encode(plan.images, forKey: .images)
    try values.encode(plan.ranks, forKey: .ranks)
    try values.encode(plan.workers, forKey: .workers)
    try values.encode(plan.idleWorkers, forKey: .idleWorkers)
    try values.encode(plan.stepsPerEpoch, forKey: .stepsPerEpoch)
    try values.encode(plan.steps, forKey: .steps)
    try values.encode(rate.imagesPerSecond, forKey: .imagesPerSecond)
    if case .measured = rate {
      try values.encode(true, forKey: .rateIsMeasured)
    } else {
      try values.encode(false, forKey: .rateIsMeasured)
    }
    try values.encode(hours, forKey: .hours)
    try values.encode(plan.checkpoint, forKey: .checkpointBytes)
    try values.encode(plan.disk, forKey: .diskBytes)
  }
}
