import Platform

/// Who trains a run, as the last job that did has noted it in `RUN/job.json`: for `salad status`, nothing is computed of it.
public struct JobNote: Codable, Sendable, Equatable {
  public var ranks: Int
  /// Threads of rank 0.
  public var workers: Int
  /// Of rank 0, as the run's lock names its holder.
  public var holder = RunLock.holder
  /// Seconds since 1970.
  public var began = TimeOfDay.seconds
  /// Steps that were done before.
  public var firstStep: Int
  /// How it ended, as a sentence's end; nil: it did not, or was killed.
  public var ending: String?

  /// - Parameters:
  ///   - ranks: how many there are.
  ///   - workers: threads of rank 0.
  ///   - firstStep: steps that were done before.
  public init(ranks: Int, workers: Int, firstStep: Int) {
    (self.ranks, self.workers, self.firstStep) = (ranks, workers, firstStep)
  }

  enum CodingKeys: String, CodingKey {
    case ranks, workers, holder, began, ending
    case firstStep = "first_step"
  }
}

extension RunDirectory {
  private var jobPath: String { "\(path)/job.json" }

  /// Rank 0 only. As far as it can be done: a note ends no training.
  func note(_ job: JobNote) {
    guard let bytes = try? JSONText.pages(job) else { return }
    try? FileSystem.writeAtomically(bytes, to: jobPath)
  }

  /// Local. The last job's note; nil where there is none that can be read.
  func jobNote() -> JobNote? {
    guard let bytes = try? FileSystem.read(jobPath) else { return nil }
    return try? JSONText.decode(JobNote.self, from: bytes, path: jobPath)
  }

  /// Local. Who holds the run's lock, without taking it; nil: nobody does.
  func lockHolder() throws -> String? {
    let lock = "\(path)/.lock"
    guard FileSystem.exists(lock) else { return nil }
    return try FileSystem.translating {
      let file = try FileDescriptor(lock, for: .reading)
      guard try file.isLockedByAnother() else { return nil }
      return String(decoding: try file.readAll().prefix(1024), as: UTF8.self)
    }
  }
}
