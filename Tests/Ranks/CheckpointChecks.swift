import Autoencoder
import Dispatch
import MPI
import MemoryBank
import Platform
import Radiographs
import SALAD
import Safetensors

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Checks of what the target `SALAD` writes and reads. Arguments are paths; the tests look at the files themselves.
enum CheckpointChecks {
  static let all = [
    // An agreed error is that of the lowest rank that failed, on all ranks.
    Check("agreement", agreement),
    // write-run RUN ROWS KEEP STEP...: a new run with checkpoints of these steps; 7r: with a refreshed bank.
    Check("write-run") { facts in
      let arguments = facts.arguments
      try outcome(&facts) { facts in
        let run = try RunDirectory.create(arguments[0], communicator: facts.world)
        try run.writeConfiguration(["rows": arguments[1]], communicator: facts.world)
        try write(arguments[3...], rows: Int(arguments[1]) ?? 0, keep: Int(arguments[2]) ?? 0, to: run, facts.world)
      }
    },
    // resume-run RUN KEEP STEP...: reads the newest checkpoint of a run, then writes more of them.
    Check("resume-run") { facts in
      let arguments = facts.arguments
      try outcome(&facts) { facts in
        let run = try RunDirectory.resume(arguments[0], communicator: facts.world)
        let configuration = try run.readConfiguration([String: String].self, communicator: facts.world)
        if let checkpoint = try Checkpoint.latest(of: run, communicator: facts.world) {
          let bank = try checkpoint.bank(.momentum, workers: Workers(count: 1), communicator: facts.world)
          facts.expect(
            bank.shard, equals: rows(bank.ownedRows, step: checkpoint.manifest.step, .momentum),
            "rows of step \(checkpoint.manifest.step)")
        }
        let rows = Int(configuration["rows"] ?? "") ?? 0
        try write(arguments[2...], rows: rows, keep: Int(arguments[1]) ?? 0, to: run, facts.world)
      }
    },
    // read-model RUN-or-DEPLOY [BANK]: opens and compares every row.
    Check("read-model") { facts in
      let kind = facts.arguments.count > 1 ? BankKind(rawValue: facts.arguments[1]) : nil
      try outcome(&facts) { facts in
        let source = try readModel(facts.arguments[0], kind, facts.world, &facts)
        let step = if case .run(let step) = source.kind { "step \(step)" } else { "deployment" }
        if facts.rank == 0 { print("\(source.bankKind.rawValue) of \(step) \(source.note ?? "-")") }
      }
    },
    // layouts FOLDER: FOLDER/runN is written and merged to FOLDER/deployN by N ranks, and read by any number of them.
    Check("layouts") { facts in
      let folder = facts.arguments[0]
      let groups = try (1...facts.size).map { count in
        try facts.world.split(color: facts.rank < count ? 0 : nil, key: 0)
      }
      for writers in groups {
        guard let writers else { continue }
        let run = try RunDirectory.create("\(folder)/run\(writers.size)", communicator: writers)
        try write(["5", "6r"], rows: 70, keep: 1, to: run, writers)
      }
      try facts.world.barrier()
      for count in 1...facts.size {
        for readers in groups {
          guard let readers else { continue }
          for kind in BankKind.allCases { _ = try readModel("\(folder)/run\(count)", kind, readers, &facts) }
          if readers.size == count {
            _ = try Deployment.merge(
              runs: ["\(folder)/run\(count)"], output: "\(folder)/deploy\(count)", bank: nil, communicator: readers,
              calibration: calibration, selfTest: { _ in nil })
            _ = try readModel("\(folder)/deploy\(count)", nil, readers, &facts)
          }
        }
      }
    },
    // merge RUN DEPLOY [BANK]
    Check("merge") { facts in
      let arguments = facts.arguments
      try outcome(&facts) { facts in
        let kind = arguments.count > 2 ? BankKind(rawValue: arguments[2]) : nil
        let merged = try Deployment.merge(
          runs: arguments[0].split(separator: ",").map(String.init), output: arguments[1], bank: kind,
          communicator: facts.world, calibration: calibration, selfTest: { _ in nil })
        if facts.rank == 0 { print("merged \(merged.bank.rawValue)") }
      }
    },
    // unfinished RUN: while a checkpoint is being written the one before is the newest, and one that fails leaves it so.
    Check("unfinished") { facts in
      let run = try RunDirectory.create(facts.arguments[0], communicator: facts.world)
      try run.writeConfiguration(["rows": "70"], communicator: facts.world)
      try write(["1"], rows: 70, keep: 2, to: run, facts.world)
      let gate = DispatchSemaphore(value: 0)
      let (two, reads) = (
        try begin("2", rows: 70, to: run, facts.world) {
          gate.wait(); try writeNumbers(2, to: $0, count: 1)
        },
        { (facts: Facts) in try Checkpoint.latest(of: run, communicator: facts.world)?.manifest.step }
      )
      facts.expect(try reads(facts), equals: 1, "nobody sees what is being written")
      gate.signal()
      try two.finish(keep: 2, communicator: facts.world)
      facts.expect(try reads(facts), equals: 2, "what is finished is the newest")
      let three = try begin("3", rows: 70, to: run, facts.world) { _ in throw SaladError(.inputOutput, "full") }
      do {
        try three.finish(keep: 2, communicator: facts.world)
        facts.expect(false, "what could not be written is refused")
      } catch let error as SaladError {
        facts.expect(error.status, equals: .inputOutput, "all ranks get the error of the one that could not write")
      }
      facts.expect(try reads(facts), equals: 2, "what could not be written leaves the one before")
    },
    // hold-run RUN: makes RUN/held when it has the lock, and keeps it until it is killed.
    Check("hold-run") { facts in
      let run = try RunDirectory.resume(facts.arguments[0], communicator: facts.world)
      let held = try SafetensorsWriter(path: "\(run.path)/held", tensors: [])
      try held.finish()
      while true { sleep(1) }
    },
  ]

  // MARK: Outcomes

  /// Prints an error that all ranks agree on, as `refused STATUS SENTENCE`, and whether they do.
  static func outcome(_ facts: inout Facts, _ body: (inout Facts) throws -> Void) throws {
    do {
      try body(&facts)
    } catch let error as SaladError {
      let sentences = try facts.world.allGatherV(Array("\(error.status.rawValue) \(error)".utf8))
      facts.expect(Set(sentences).count, equals: 1, "all ranks end alike")
      if facts.rank == 0 { print("refused \(String(decoding: sentences[0], as: UTF8.self))") }
    }
  }

  private static func agreement(_ facts: inout Facts) throws {
    let (world, rank, size) = (facts.world, facts.rank, facts.size)
    facts.expect(try agree(world) { rank * 10 }, equals: rank * 10, "without an error every rank has its result")
    for failing in 0..<size {
      let other = RadiographError(kind: .badData, path: "x.png", "x.png: expected a PNG, found text")
      let error = agreedError(world) { if rank >= failing { throw rank == failing ? other : SaladError(.usage, "no") } }
      facts.expect(error?.status, equals: .badData, "the lowest failing rank's status from \(failing) on")
      facts.expect(
        error?.description.hasPrefix("x.png: expected a PNG, found text") == true, "its sentence from \(failing) on")
      let alone = agreedError(world) { if rank == failing { throw SaladError(.inputOutput, "full") } }
      let place = size > 1 ? "full (rank \(failing) on \(facts.host))" : "full"
      facts.expect(alone?.description, equals: place, "a disk's error names the rank \(failing) that it is about")
    }
    let all = agreedError(world) { throw SaladError(.inputOutput, "full of \(rank)") }
    facts.expect(all?.description, equals: "full of 0", "an error of all ranks is no one's own")
    facts.expect(agreedError(world) {} == nil, "agreement after disagreement")
  }

  private static func agreedError(_ world: Communicator, _ body: () throws -> Void) -> SaladError? {
    do {
      try agree(world, body)
      return nil
    } catch {
      return error as? SaladError
    }
  }

  // MARK: Contents

  /// All ranks of the communicator.
  private static func readModel(
    _ path: String, _ kind: BankKind?, _ communicator: Communicator, _ facts: inout Facts
  ) throws -> ModelSource {
    let source = try ModelSource.open(path, bank: kind, communicator: communicator)
    let bank = try source.bank(of: source.models[0], workers: Workers(count: 1), communicator: communicator)
    let step = Int(try SafetensorsFile(path: source.models[0].path).int64s("step")[0])
    facts.expect(source.kind == .deployment || source.kind == .run(step: step), "the step is the model's")
    facts.expect(bank.sharding.rows, equals: source.imageIDs.count, "a row an image")
    facts.expect(bank.shard, equals: rows(bank.ownedRows, step: step, source.bankKind), "every row")
    facts.expect(source.scoring, equals: scoring, "what scoring must know")
    return source
  }

  // D = 5
  private static let dimension = 5

  /// Rows that tell step, bank and place: (rows, D).
  private static func rows(_ range: Range<Int>, step: Int, _ kind: BankKind) -> [Float] {
    (range.lowerBound * dimension..<range.upperBound * dimension).map {
      Float($0) + Float(step) / 16 + (kind == .refreshed ? 0.5 : 0)
    }
  }

  private static let scoring = ScoringConfiguration(
    architecture: .unet, size: 64, channels: 1, maximumWidth: 16, embeddingDimension: dimension, microBatch: 4,
    fit: .pad, levels: .bottleneck, featureScale: .linear, scoreRule: .weighted, topK: 100, scoreTemperature: 2)

  /// Distances that nobody measured.
  private static func calibration(_ source: ModelSource) -> Calibration {
    Calibration(
      LeftOutDistances(squaredScale: 1, distances: [.weighted: source.imageIDs.indices.map { 1 + Double($0) }]),
      bank: source.bankKind, topK: min(100, source.imageIDs.count), scoreTemperature: 2, falseAlarmRate: 0.05)
  }

  private static func write(
    _ steps: some Sequence<String>, rows count: Int, keep: Int, to run: RunDirectory, _ world: Communicator
  ) throws {
    for word in steps {
      let step = Int(word.prefix { $0.isNumber }) ?? 0
      try begin(word, rows: count, to: run, world) { try writeNumbers(step, to: $0, count: 1) }
        .finish(keep: keep, communicator: world)
    }
  }

  private static func begin(
    _ word: String, rows count: Int, to run: RunDirectory, _ world: Communicator,
    model: @escaping @Sendable (String) throws -> Void
  ) throws -> UnfinishedCheckpoint {
    let step = Int(word.prefix { $0.isNumber }) ?? 0
    func bank(_ kind: BankKind) -> MemoryBank {
      let owned = Sharding(rows: count, ranks: world.size).range(of: world.rank)
      return MemoryBank(
        rows: count, dimension: dimension, shard: rows(owned, step: step, kind), workers: Workers(count: 1),
        communicator: world)
    }
    let description = Checkpoint.Description(
      step: step, epoch: step / 2, saladVersion: "0.0.0", instructionSet: "baseline", dataFingerprint: "abc",
      imageIDs: (0..<count).map { "train/good/\($0).png" }, scoring: scoring)
    return try UnfinishedCheckpoint(
      description, to: run, momentum: bank(.momentum), refreshed: word.hasSuffix("r") ? bank(.refreshed) : nil,
      communicator: world, model: model, optimizer: { try writeNumbers(step, to: $0, count: 1000) })
  }

  /// A file with the step and some zeros.
  private static func writeNumbers(_ step: Int, to path: String, count: Int) throws {
    var writer = try SafetensorsWriter(
      path: path,
      tensors: [
        TensorDescription(name: "step", type: .int64, shape: []),
        TensorDescription(name: "zeros", type: .int64, shape: [count]),
      ])
    try writer.write([Int64(step)] + [Int64](repeating: 0, count: count))
    try writer.finish()
  }
}
