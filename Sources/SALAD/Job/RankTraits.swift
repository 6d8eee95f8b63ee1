import Autoencoder
import MPI
import Platform

/// What the ranks of a job have in common, or should have: compared before anything is done.
///
///     try RankTraits(arguments: CommandLine.arguments).compare(communicator).warnings.forEach(log.warn)   // all ranks
public struct RankTraits: Codable, Sendable, Equatable {
  /// Of salad.
  var version = saladVersion
  /// Of the command line, without the program and without what may be another on each rank.
  var arguments: [String]
  var byteOrder = 1.littleEndian == 1 ? "little-endian" : "big-endian"
  // What the last bits may depend on.
  var instructionSet = InstructionSet.inUse
  var mpi = MPIEnvironment.libraryVersion
  var oneDNN = "oneDNN " + OneDNN.version
  var cLibrary = CLibrary.version
  /// What the CPU could do, whatever is used of it.
  var bestLevel = CPULevel.best
  /// For sentences.
  var host = Host.name

  /// Sentences about what differs between ranks that do the same work.
  public struct Differences: Sendable, Equatable {
    /// What may change the last bits of results: none where all is well.
    public var warnings: [String] = []
    /// What may not.
    public var notes: [String] = []
  }

  /// Those of this rank.
  ///
  /// - Parameter arguments: of the command line, with the program.
  public init(arguments: [String]) {
    self.arguments = Self.shared(arguments)
  }

  /// All ranks. What differs.
  ///
  /// - Throws: `SaladError` 64 on all ranks where they would not do the same work: the first rank that is not as rank 0,
  ///   and in what.
  public func compare(_ communicator: Communicator) throws -> Differences {
    let all = try communicator.allGather(records: [self])  // all ranks
    return try Self.compare(all)
  }

  /// - Parameter all: every rank's.
  static func compare(_ all: [RankTraits]) throws -> Differences {
    if let (mine, theirs) = difference(all, \.version) {
      throw SaladError(
        .usage, "the ranks run different versions of salad, \(mine), \(theirs): install one version on all hosts")
    }
    if let (mine, theirs) = difference(all, \.byteOrder) {
      throw SaladError(
        .usage, "the ranks' hosts differ in their byte order, \(mine), \(theirs): give hosts of one kind")
    }
    if let rank = all.indices.first(where: { all[$0].arguments != all[0].arguments }) {
      let (first, other) = (all[0].arguments, all[rank].arguments)
      let place = zip(first, other).prefix { $0 == $1 }.count
      // With the flag before a value that differs.
      func words(_ rank: Int) -> String {
        let words = all[rank].arguments.dropFirst(max(0, place - 1)).prefix(2)
        return "\(name(all, rank)) has \(words.isEmpty ? "none" : words.joined(separator: " "))"
      }
      throw SaladError(
        .usage, "the ranks were started with different arguments, \(words(0)), \(words(rank)): give all the same")
    }
    let traits: [(String, KeyPath<RankTraits, String> & Sendable)] = [
      ("CPUs", \.instructionSet), ("MPI libraries", \.mpi), ("libraries", \.oneDNN), ("C libraries", \.cLibrary),
    ]
    var differences = Differences()
    differences.warnings = traits.compactMap { name, path in
      difference(all, path).map { mine, theirs in
        let cure = path == \.instructionSet ? ": \(cure(all))" : ""
        return "the ranks' \(name) differ, \(mine), \(theirs), and so may the last bits of their results\(cure)"
      }
    }
    if difference(all, \.instructionSet) == nil, let (mine, theirs) = difference(all, \.bestLevel.rawValue) {
      differences.notes.append(
        "the ranks' CPUs differ, \(mine), \(theirs); all compute with \(all[0].instructionSet), and so the same bits")
    }
    return differences
  }

  /// What has ranks on different CPUs compute the same bits.
  private static func cure(_ all: [RankTraits]) -> String {
    "give --cpu \(all.map(\.bestLevel).min()?.rawValue ?? "") for the same bits on all"
  }

  /// What rank 0 has and the first rank that has something else; nil where all have the same.
  private static func difference(
    _ all: [RankTraits], _ path: KeyPath<RankTraits, String>
  ) -> (mine: String, theirs: String)? {
    guard let rank = all.indices.first(where: { all[$0][keyPath: path] != all[0][keyPath: path] }) else { return nil }
    func words(_ rank: Int) -> String { "\(name(all, rank)) has \(all[rank][keyPath: path])" }
    return (words(0), words(rank))
  }

  private static func name(_ all: [RankTraits], _ rank: Int) -> String { "rank \(rank) on \(all[rank].host)" }

  // MARK: Arguments

  /// Options that may have another value on each rank: they say how its host goes about the work, or where the images
  /// lie there.
  private static let own: Set = ["--workers", "--activation-memory", "--cache-memory", "--data"]

  private static func shared(_ arguments: [String]) -> [String] {
    var shared: [String] = []
    var skipsNext = false
    for argument in arguments.dropFirst() {
      defer { skipsNext = own.contains(argument) }
      if skipsNext || own.contains(argument) { continue }
      if own.contains(where: { argument.utf8.starts(with: ($0 + "=").utf8) }) { continue }
      shared.append(argument)
    }
    return shared
  }
}
