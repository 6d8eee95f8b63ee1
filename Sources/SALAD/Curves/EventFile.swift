import Platform

/// A run's curves as TensorBoard draws them, beside `metrics.jsonl` and with the same numbers.
///
///     RUN/tensorboard/events.out.tfevents.salad         tensorboard --logdir RUN
///
/// It is the one file of a run that tells the time of day; nothing is read of it but where a resumed run goes on.
public struct EventFile: Sendable {
  private let folder: String
  var path: String { "\(folder)/events.out.tfevents.salad" }

  /// - Parameter run: the run's folder.
  init(run: String) { folder = "\(run)/tensorboard" }

  /// Rank 0 only. Appends numbers by name at a step, and begins the file where there is none.
  func append(step: Int, _ scalars: [EventRecord.Scalar], time: Double = TimeOfDay.seconds) throws {
    var bytes = EventRecord(time: time, step: step, scalars: scalars).bytes
    if (FileSystem.size(path) ?? 0) == 0 {
      try FileSystem.makeFolder(folder)
      bytes = EventRecord(time: time, version: EventRecord.brainVersion).bytes + bytes
    }
    try FileSystem.append(bytes, to: path)
  }

  /// Rank 0 only. Drops every entry after `step`, and a last one that a kill left torn.
  func cutBack(toStep step: Int) throws {
    guard FileSystem.exists(path) else { return }
    let bytes = try FileSystem.read(path)
    var kept = 0
    while let entry = EventRecord.step(at: bytes[kept...]), entry.step <= step { kept = entry.end }
    if kept < bytes.count { try FileSystem.truncate(path, to: kept) }
  }
}
