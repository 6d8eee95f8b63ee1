internal import CMPI

import Platform

/// The time between `MPI_Init_thread` and `MPI_Finalize`, of which a process has one.
///
///     let environment = try MPIEnvironment()
///     try train(environment.world)
///     try environment.finalize()
///
/// Works without `mpirun`, too: the world is then one rank.
///
/// There is no `deinit`, on purpose: `MPI_Finalize` waits for all ranks, so finalising on the way out of an error
/// would wait for ever. A rank that fails alone calls ``Communicator/abort(_:)``.
public struct MPIEnvironment: ~Copyable {
  /// All ranks of this run (`MPI_COMM_WORLD`).
  public let world: Communicator
  /// The name of this host as MPI knows it (`MPI_Get_processor_name`).
  public let processorName: String

  /// Which threads may make the later MPI calls.
  public enum Threads: Sendable {
    /// Any, one at a time: who hands over to another thread says so (`MPI_THREAD_SERIALIZED`).
    case oneAtATime
    /// Any, several at a time, each with a communicator of its own (`MPI_THREAD_MULTIPLE`).
    case several

    fileprivate var level: Int32 { self == .several ? Int32(MPI_THREAD_MULTIPLE) : Int32(MPI_THREAD_SERIALIZED) }
  }

  /// Starts MPI (`MPI_Init_thread`). All ranks.
  ///
  /// - Parameter threads: those that will call it.
  /// - Throws: `MPIError` when MPI cannot start, was started before, or is built without thread support.
  public init(threads: Threads = .oneAtATime) throws(MPIError) {
    var started: Int32 = 0
    try MPIError.check(MPI_Initialized(&started), "MPI_Initialized")
    precondition(started == 0, "MPI was started before: a process has one MPIEnvironment")

    if Self.isAlone { Self.skipWhatOneRankNeedsNot() }
    var provided: Int32 = 0
    try MPIError.check(MPI_Init_thread(nil, nil, threads.level, &provided), "MPI_Init_thread")
    guard provided >= threads.level else {
      throw MPIError(
        function: "MPI_Init_thread", code: MPI_ERR_OTHER, rank: nil,
        message: "this MPI is built without support for threads, "
          + "\(threads == .several ? "MPI_THREAD_MULTIPLE" : "MPI_THREAD_SERIALIZED") is needed")
    }
    let world = try Communicator(handle: CMPI_COMM_WORLD())

    var length: Int32 = 0
    var name = [CChar](repeating: 0, count: Int(MPI_MAX_PROCESSOR_NAME))
    try MPIError.check(MPI_Get_processor_name(&name, &length), "MPI_Get_processor_name", rank: world.rank)

    // Together and last: a throwing initialiser cannot leave a noncopyable value half made.
    self.world = world
    self.processorName = String(decoding: name.prefix(Int(length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// No launcher that MPI could talk to started this process, as far as the variables tell that Open MPI, PMIx and PMI set.
  static var isAlone: Bool {
    let variables = ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"]
    return variables.allSatisfy { (name: String) in Host.variable(name) == nil }
  }

  /// One rank has nobody to talk to: it needs no daemon, no folder for its session, and no search of the host for
  /// networks. Open MPI takes 0.06 s to start then, 0.35 s otherwise (measured). Another MPI ignores these; what the user
  /// has set stays.
  private static func skipWhatOneRankNeedsNot() {
    // Of several that start at once, one may take away the folder in which another is making its own: 2 of 240 starts, four
    // at a time, failed with it, none of 1,240 without.
    let parameters = [
      "ess_singleton_isolated": "1", "pml": "ob1", "btl": "self", "orte_create_session_dirs": "0",
    ]
    for (name, value) in parameters { Host.setVariable("OMPI_MCA_\(name)", value) }
    // A step of Slurm's without PMI: Open MPI would look for Slurm's, and end the process when there is none.
    for name in ["SLURM_STEP_ID", "SLURM_STEPID"] { Host.removeVariable(name) }
  }

  /// Which MPI this is, such as `Open MPI v4.1.4` (`MPI_Get_library_version`).
  public static var library: String {
    var length: Int32 = 0
    var text = [CChar](repeating: 0, count: Int(MPI_MAX_LIBRARY_VERSION_STRING))
    guard MPI_Get_library_version(&text, &length) == MPI_SUCCESS else { return "unknown" }
    let bytes = text.prefix(Int(length)).map(UInt8.init(bitPattern:))
    return String(String(decoding: bytes, as: UTF8.self).prefix { $0 != "," && $0 != "\n" })
  }

  /// Open MPI's components that carry messages here: `ob1`, and what it may send by, such as `self`, `tcp`, `vader`. Those
  /// that it does not use it has unloaded. None where they are no libraries of their own.
  public static var transports: [String] {
    Host.libraries.compactMap { name in
      guard let kind = ["mca_pml_", "mca_btl_", "mca_mtl_"].first(where: { name.hasPrefix($0) }) else { return nil }
      return String(name.dropFirst(kind.count).prefix { $0 != "." })
    }
  }

  /// Ends MPI (`MPI_Finalize`). All ranks: it waits for them.
  public consuming func finalize() throws(MPIError) {
    try MPIError.check(MPI_Finalize(), "MPI_Finalize", rank: world.rank)
  }
}
