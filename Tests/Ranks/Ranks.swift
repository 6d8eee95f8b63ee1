import MPI

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The helper that tests start under `mpirun`: `ranks NAME [ARGUMENT...]` runs one named check on all ranks.
///
/// Rank 0 prints a line for each fact, `ok ...`; a rank for which a fact does not hold prints `not ok ...` to standard
/// error. The exit status is 0 when every fact held on every rank, 1 otherwise, 64 for an unknown name.
///
/// Each area's checks are one file with a list of them.
@main
struct Ranks {
  static let checks: [Check] =
    MPIChecks.all + MemoryBankChecks.all + CheckpointChecks.all + MappedBankChecks.all
    + ParityChecks.all + ReductionChecks.all

  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let check = checks.first(where: { $0.name == arguments.first }) else {
      let names = checks.map(\.name).joined(separator: ", ")
      printError("ranks: no check named \(arguments.first ?? "\"\""), expected one of \(names)")
      exit(64)
    }
    let environment = try MPIEnvironment()
    let world = environment.world
    var facts = Facts(world: world, host: environment.processorName, arguments: Array(arguments.dropFirst()))
    do {
      try check.run(&facts)
    } catch {
      printError("rank \(world.rank): \(error)")
      world.abort(1)
    }
    let failures = try world.allReduce(Int64(facts.failures), .sum)  // all ranks
    try environment.finalize()
    exit(failures == 0 ? 0 : 1)
  }
}

/// Something that all ranks do together, and what must hold afterwards.
struct Check: Sendable {
  let name: String
  let run: @Sendable (inout Facts) throws -> Void

  init(_ name: String, _ run: @escaping @Sendable (inout Facts) throws -> Void) {
    self.name = name
    self.run = run
  }
}

/// What a check has to work with, and what it found.
struct Facts {
  let world: Communicator
  /// `MPI_Get_processor_name`.
  let host: String
  /// What follows the check's name on the command line.
  let arguments: [String]
  private(set) var failures = 0

  var rank: Int { world.rank }
  var size: Int { world.size }

  init(world: Communicator, host: String, arguments: [String]) {
    self.world = world
    self.host = host
    self.arguments = arguments
  }

  /// States a fact. Local: ranks may state different ones.
  mutating func expect(_ holds: Bool, _ fact: String) {
    if !holds {
      failures += 1
      printError("not ok on rank \(rank) of \(size): \(fact)")
    } else if rank == 0 {
      print("ok \(fact)")
    }
  }

  /// States that two values are equal, and shows them where they are not.
  mutating func expect<T: Equatable>(_ found: T, equals expected: T, _ fact: String) {
    expect(found == expected, found == expected ? fact : "\(fact): found \(found), expected \(expected)")
  }
}

/// One line on standard error, in one write, so that ranks' lines do not mix.
func printError(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
