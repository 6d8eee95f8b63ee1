import Platform

/// What MPI lacks on this host: a sentence with its cure.
public struct MPIPrerequisiteError: Error, CustomStringConvertible, Sendable, Equatable {
  public let description: String
}

/// What Open MPI needs of the host before it starts. Where that is missing it says so in its own words, of which few tell
/// what to do, or is ended by a signal.
///
/// What the user has set stays. Under mpirun, mpirun has met the same host before, and has said what it thought of it.
public enum MPIPrerequisites {
  /// Makes room where that can be made. Before `MPIEnvironment`.
  public static func provide() throws(MPIPrerequisiteError) {
    try requireDescriptors()
    try requireMemory()
    if MPIEnvironment.isAlone {
      try provideTemporaryFolder(candidates: temporaryFolders)
    } else {
      provideSharedMemory()
    }
  }

  /// A rank alone has some ten files open while it starts, and more with others to talk to.
  static let descriptors = 11

  private static func requireDescriptors() throws(MPIPrerequisiteError) {
    Limits.raiseOpenFiles(to: 1024)
    let free = Limits.freeDescriptors(upTo: descriptors)
    guard free < descriptors else { return }
    throw MPIPrerequisiteError(
      description:
        "a process may have \(Limits.openFiles ?? free) files open (ulimit -n), this one only \(free) more, and MPI "
        + "wants \(descriptors) to start: raise that limit to 64 or more")
  }

  /// Bytes that Open MPI, with the libraries that it loads, takes of a process's addresses.
  static let memory = 96 << 20

  private static func requireMemory() throws(MPIPrerequisiteError) {
    guard let limit = MemoryLimit.ofThisProcess, limit.left < memory else { return }
    throw MPIPrerequisiteError(
      description: "a process may take \(ByteText.of(limit.allowed)) of \(limit.name), of which this one has "
        + "\(ByteText.of(limit.used)) with its libraries alone: raise that limit to 1 GB or more")
  }

  // MARK: - Temporary files

  /// In the order in which Open MPI looks, which stops at the first that is named, and then where else there may be room.
  private static var temporaryFolders: [String] {
    ["TMPDIR", "TEMP", "TMP"].compactMap(Host.variable).filter { !$0.isEmpty } + ["/tmp", "/var/tmp", "/dev/shm", "."]
  }

  private static func provideTemporaryFolder(candidates: [String]) throws(MPIPrerequisiteError) {
    let parameter = "OMPI_MCA_orte_tmpdir_base"
    guard Host.variable(parameter) == nil else { return }
    guard let folder = candidates.first(where: Folder.takesFolders) else {
      throw MPIPrerequisiteError(
        description: "MPI wants a folder for temporary files, and none of \(candidates.joined(separator: ", ")) can be "
          + "written to: set TMPDIR to a folder that can")
    }
    if folder != candidates[0] { Host.setVariable(parameter, folder) }
  }

  // MARK: - Shared memory

  /// Bytes of /dev/shm by which a rank talks to those on its host: Open MPI's segment is 4 MB.
  static let sharedMemoryOfARank = 5 << 20

  /// Where /dev/shm is too small for the ranks of this host, as Docker's of 64 MB is for more than twelve, the segments
  /// lie in files of a folder for temporary files instead, as long as those have the room.
  private static func provideSharedMemory() {
    let ranks = Host.variable("OMPI_COMM_WORLD_LOCAL_SIZE").flatMap { Int($0) } ?? 1
    let wanted = ranks * sharedMemoryOfARank
    guard ranks > 1, let free = Folder.freeBytes(of: "/dev/shm"), free < wanted else { return }
    // Each rank tells the others where its segment is: they need not agree.
    let others = temporaryFolders.filter { $0 != "/dev/shm" && $0 != "." }
    guard let folder = others.first(where: { Folder.takesFolders($0) && (Folder.freeBytes(of: $0) ?? 0) >= wanted })
    else { return }
    Host.setVariable("OMPI_MCA_btl_vader_backing_directory", folder)
  }
}
