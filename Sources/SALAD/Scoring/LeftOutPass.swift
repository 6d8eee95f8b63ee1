import MPI
import Platform
import MemoryBank

/// Scores a bank's own rows with themselves left out.
struct LeftOutPass {
  let communicator: Communicator
  let watchdog: Watchdog

  /// All ranks.
  ///
  /// - Parameters:
  ///   - patients: N, whose images they are, which are left out whole; nil where that is unknown.
  ///   - rules: what to score by.
  /// - Returns: nil on all ranks when a signal asked to stop.
  func run(
    _ bank: MemoryBank, kind: BankKind, patients: [String?], rules: [ScoreRule], topK: Int, scoreTemperature: Double,
    falseAlarmRate: Double
  ) throws -> Calibration? {
    watchdog.enter("measuring the bank with each row left out", step: nil)
    let progress = ProgressDisplay(
      "leaving one out", unit: "rows", total: bank.sharding.rows, isShown: communicator.isRoot)
    let distances = try bank.leftOutDistances(  // all ranks
      rules: rules, k: topK, temperature: scoreTemperature, groups: Self.groups(patients),
      communicator: communicator
    ) { done in
      watchdog.progress()
      progress.show(done)
      return try !Signals.anyRankReceivedOne(communicator)  // all ranks
    }
    return distances.map {
      Calibration(
        $0, bank: kind, topK: topK, scoreTemperature: scoreTemperature, falseAlarmRate: falseAlarmRate)
    }
  }

  /// A number for each image, equal ones for images of one patient; an image of nobody known has its own.
  static func groups(_ patients: [String?]) -> [Int] {
    var first: [String: Int] = [:]
    return patients.enumerated().map { index, patient in
      guard let patient else { return index }
      if let number = first[patient] { return number }
      first[patient] = index
      return index
    }
  }
}
