import Foundation
import MemoryBank
import Platform

/// How far a run has come: what its files and its lock tell, while it trains and afterwards.
public struct RunStatus: Encodable, Sendable, Equatable {
  public enum State: String, Encodable, Sendable {
    /// A job holds its lock.
    case running
    /// All steps are taken, and a whole checkpoint has the bank that scores.
    case finished
    /// The last job said how it ended, with steps left.
    case stopped
    /// The last job ended without a word.
    case died
    /// It has its settings; no job is noted.
    case begun
  }

  /// Numbers of the newest step in metrics.jsonl.
  public struct Losses: Codable, Sendable, Equatable {
    public var loss: Double
    public var reconstructionLoss: Double
    public var embeddingLoss: Double

    enum CodingKeys: String, CodingKey {
      case loss
      case reconstructionLoss = "reconstruction_loss"
      case embeddingLoss = "embedding_loss"
    }
  }

  /// As it was given.
  public var run: String
  public var state: State
  /// Of the last job, where it has ended in order.
  public var ending: String?
  /// Steps taken, and of the whole training.
  public var step: Int
  public var steps: Int
  /// From 1; 0 before the first step.
  public var epoch: Int
  public var epochs: Int
  /// From 0, without anchors; and the last one.
  public var round: Int
  public var rounds: Int
  /// Over all ranks, of the newest steps; nil before there are any.
  public var imagesPerSecond: Double?
  /// Until all steps are taken at that rate; nil where it is not known, or nobody works on it.
  public var secondsLeft: Double?
  public var losses: Losses?
  /// Seconds since the newest line of metrics.jsonl.
  public var secondsSinceStep: Double?
  /// Steps of the newest whole checkpoint: a resume goes on there.
  public var checkpoint: Int?
  /// Of the job that runs, or ran last; nil where it left no note.
  public var ranks: Int?
  public var workers: Int?
  /// Of the job that runs: `process 12 on host`.
  public var holder: String?

  enum CodingKeys: String, CodingKey {
    case run, state, ending, step, steps, epoch, epochs, round, rounds, losses, checkpoint, ranks, workers, holder
    case imagesPerSecond = "images_per_second"
    case secondsLeft = "seconds_left"
    case secondsSinceStep = "seconds_since_step"
  }

  // MARK: Reading

  /// Local. The state of the run at `path`; no lock is taken, and nothing is written.
  ///
  /// - Throws: `SaladError` 65 where there is no run, or it does not know what it is.
  public init(of path: String) throws {
    let directory = try RunDirectory.open(path)
    // First of all: what a job writes while the rest is read makes it newer, not wrong.
    let holder = try directory.lockHolder()
    try FileSystem.require(directory.configurationPath, "the settings of the run")
    let record = try RunRecord.read(
      FileSystem.read(directory.configurationPath), path: directory.configurationPath)
    let configuration = record.configuration
    let schedule = Schedule(configuration: configuration, imageCount: record.data.imageCount)
    let job = directory.jobNote()
    let lines = try StepLine.last(of: directory.metricsPath)
    let checkpoint = try directory.checkpointSteps().last

    run = path
    steps = schedule.steps
    step = min(steps, max(lines.last?.step ?? 0, checkpoint ?? 0))
    epochs = configuration.epochs
    epoch = step == 0 ? 0 : schedule.epoch(of: step - 1) + 1
    rounds = configuration.rounds
    round = step == 0 ? 0 : schedule.round(of: step - 1)
    self.checkpoint = checkpoint
    self.holder = holder
    losses = lines.last.map {
      Losses(loss: $0.loss, reconstructionLoss: $0.reconstructionLoss, embeddingLoss: $0.embeddingLoss)
    }
    let seconds = lines.reduce(0) { $0 + $1.timing.seconds }
    if seconds > 0 {
      imagesPerSecond = (Double(lines.reduce(0) { $0 + $1.images }) / seconds).rounded(toPlaces: 2)
    }
    if !lines.isEmpty, let written = try? FileStatus(directory.metricsPath) {
      secondsSinceStep = max(0, TimeOfDay.seconds - written.state.time).rounded(toPlaces: 1)
    }
    // A job that is still reading its images has not written its note yet.
    if holder == nil || job?.holder == holder { (ranks, workers) = (job?.ranks, job?.workers) }

    if holder != nil {
      state = .running
    } else if checkpoint == steps, try Self.isFinished(directory, step: steps) {
      state = .finished
    } else if let job {
      state = job.ending == nil ? .died : .stopped
      ending = job.ending
    } else {
      state = .begun
    }
    if state == .running, let imagesPerSecond, imagesPerSecond > 0 {
      secondsLeft =
        (Double(schedule.images(before: steps) - schedule.images(before: step)) / imagesPerSecond).rounded(toPlaces: 1)
    }
  }

  private static func isFinished(_ directory: RunDirectory, step: Int) throws -> Bool {
    let manifest = try Manifest.read(folder: "\(directory.path)/\(RunDirectory.checkpointFolder(step: step))")
    return !manifest.shards(of: .refreshed).isEmpty
  }
}

// MARK: - Printing

extension RunStatus {
  /// One JSON object on one line.
  public func line() throws -> String { String(decoding: try JSONText.line(self), as: UTF8.self) }

  /// For people.
  public func text() -> String {
    var rows: [(String, String)] = [("state", sentence)]
    let percent = steps > 0 ? 100 * step / steps : 100
    rows.append(("step", "\(step) of \(steps) (\(percent) %)"))
    rows.append(("epoch", "\(epoch) of \(epochs), in round \(round) of 0 to \(rounds)"))
    if let imagesPerSecond {
      let left = secondsLeft.map { ", \(ProgressDisplay.clock($0)) left without the last pass over the images" } ?? ""
      rows.append(("rate", "\(imagesPerSecond) images/s\(left)"))
    }
    if let losses {
      func four(_ value: Double) -> String { "\(value.rounded(toPlaces: 4))" }
      rows.append(
        (
          "loss",
          "\(four(losses.loss)): reconstruction \(four(losses.reconstructionLoss)), embedding "
            + four(losses.embeddingLoss)
        ))
    }
    if let secondsSinceStep { rows.append(("last step", "\(ProgressDisplay.clock(secondsSinceStep)) ago")) }
    rows.append(("checkpoint", checkpoint.map { "after step \($0)" } ?? "none yet"))
    if let ranks, let workers {
      rows.append(
        ("ranks", "\(ranks), of \(workers) worker\(workers == 1 ? "" : "s")\(holder.map { ", \($0)" } ?? "")"))
    } else if let holder {
      rows.append(("job", holder))
    }
    if let next { rows.append(("next", next)) }
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { name, value in
      name + String(repeating: " ", count: width - name.count + 2) + PlainText.of(value) + "\n"
    }.joined()
  }

  private var sentence: String {
    switch state {
    case .running: step == 0 && losses == nil ? "running: it has not taken a step yet" : "running"
    case .finished: "finished"
    case .stopped: "stopped: \(ending ?? "")"
    case .died: "died: its last job ended without a word"
    case .begun: "begun: no job works on it"
    }
  }

  private var next: String? {
    switch state {
    case .running: nil
    case .finished: "salad merge \(ShellWord.of(run)) --output DEPLOY"
    case .stopped, .died, .begun: "salad train --run \(ShellWord.of(run)) --resume"
    }
  }
}

/// What status reads of a step's line.
private struct StepLine: Decodable {
  struct Timing: Decodable {
    var seconds: Double
  }
  var step: Int
  var images: Int
  var loss: Double
  var reconstructionLoss: Double
  var embeddingLoss: Double
  var timing: Timing

  enum CodingKeys: String, CodingKey {
    case step, images, loss, timing
    case reconstructionLoss = "reconstruction_loss"
    case embeddingLoss = "embedding_loss"
  }

  /// The rate is that of so many steps, at most.
  private static let most = 50
  /// Bytes at the end of the file that hold them.
  private static let tail = 1 << 16

  /// The newest steps, in their order; a line that is being written is none.
  static func last(of path: String) throws -> [StepLine] {
    guard FileSystem.exists(path) else { return [] }
    var bytes: [UInt8] = []
    try FileSystem.translating {
      let file = try FileDescriptor(path, for: .reading)
      try file.readChunks { bytes = Array((bytes + $0).suffix(tail)) }
    }
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    // An epoch's line has no images.
    return lines.compactMap { try? JSONText.decode(StepLine.self, from: Array($0), path: path) }.suffix(most)
  }
}
