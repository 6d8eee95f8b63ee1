import ArgumentParser
import Platform
import SALAD

/// Bytes, with a suffix: `512M`, `2G`. More than can be counted is as many as can be.
struct ByteCount: ExpressibleByArgument {
  var bytes: Int

  init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    let powers = ["": 0, "K": 1, "M": 2, "G": 3, "T": 4]
    var suffix = argument.dropFirst(digits.count).uppercased()
    for ending in ["IB", "B"] where suffix.hasSuffix(ending) {
      suffix.removeLast(ending.count)
      break
    }
    guard !digits.isEmpty, let power = powers[suffix] else { return nil }
    let (bytes, overflow) = (Int(digits) ?? .max).multipliedReportingOverflow(by: 1 << (10 * power))
    self.bytes = overflow ? .max : bytes
  }
}

/// What every verb takes. What comes before the parser reads it: `Invocation`, and `Launch`.
struct CommonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Read options from a file: names = values in TOML. What is given here or as SALAD_NAME in the environment goes \
      before it.
      """, valueName: "file.toml"), completion: .file(extensions: ["toml"]))
  var config: String?

  @Flag(help: "Say only what is wrong: no notes, no progress.")
  var quiet = false

  @Flag(help: "Say more, each line with the time of day.")
  var verbose = false

  func validate() throws {
    guard !(quiet && verbose) else { throw ValidationError("--quiet and --verbose are given: leave one away") }
  }
}

/// How a verb goes about its work on this machine.
struct WorkOptions: ParsableArguments {
  @OptionGroup var common: CommonOptions

  @Option(help: "Threads of each rank. (default: the cores its host's ranks are bound to, shared by them)")
  var workers: Int?

  @Option(
    help: """
      End all ranks after so many seconds in which a rank came on with nothing: no image, step, block or message. It is no \
      limit on the whole; time in which the process was stopped or its result not read does not count; inf: never. \
      (default: \(Execution().timeout))
      """)
  var timeout: Double?

  @Option(
    help: """
      Use no more than these vector instructions, so that ranks on different CPUs compute the same bits. (default: all that \
      the CPU has; values: \(CPULevel.allCases.map(\.rawValue).joined(separator: ", ")))
      """)
  var cpu: CPULevel?

  /// Overrides what the command line names, and nothing else.
  func apply(to execution: inout Execution) {
    execution.workers = workers
    if let timeout { execution.timeout = timeout }
  }

  func validate() throws {
    var execution = Execution()
    apply(to: &execution)
    try asUsage { try execution.validate() }
  }
}

/// How a training goes about its work: a resume may change all of it.
struct ExecutionOptions: ParsableArguments {
  @OptionGroup var work: WorkOptions

  @Option(help: "Bytes of each rank's cache of resized images, such as 512M. (default: 2G)")
  var cacheMemory: ByteCount?

  @Option(help: "Bytes of each rank's activations; beyond them forward is repeated. (default: half of what is free)")
  var activationMemory: ByteCount?

  @Option(help: "Steps between checkpoints. (default: ten minutes; every round ends with one in any case)")
  var checkpointEvery: Int?

  @Option(help: "Checkpoints to keep. (default: \(Execution().keep))")
  var keep: Int?

  @Option(
    help: ArgumentHelp(
      """
      Stop with a checkpoint and status 75 after the step in which so much time has passed since the start: 90s, 30m, \
      11h or 1:30:00. At least one step is taken. (default: go on to the end)
      """, valueName: "time"),
    transform: { text in
      guard let span = TimeSpan(text) else { throw ValidationError("give \(TimeSpan.wanted)") }
      return span
    })
  var stopAfter: TimeSpan?

  @Flag(
    inversion: .prefixedNo,
    help: "Write the curves of metrics.jsonl for TensorBoard as well, into RUN/tensorboard. (default: --tensorboard)")
  var tensorboard: Bool?

  /// Keys of what the command line names and a run remembers.
  var given: [String] {
    [("checkpoint_every", checkpointEvery != nil), ("keep", keep != nil), ("cache_memory", cacheMemory != nil)]
      .filter(\.1).map(\.0)
  }

  /// Overrides what the command line names, and nothing else.
  func apply(to execution: inout Execution) {
    work.apply(to: &execution)
    if let cacheMemory { execution.cacheMemory = cacheMemory.bytes }
    if let checkpointEvery { execution.checkpointEvery = checkpointEvery }
    if let keep { execution.keep = keep }
    execution.stopAfter = stopAfter
    if let tensorboard { execution.tensorboard = tensorboard }
  }
}

/// A wrong setting, as ArgumentParser wants to be told of it.
func asUsage(_ check: () throws -> Void) throws {
  do {
    try check()
  } catch let error as SaladError {
    throw ValidationError(error.description)
  }
}
