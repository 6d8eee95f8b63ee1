import Platform
import SALAD

/// What started this process, as far as its environment tells: mpirun, srun, mpiexec, or nobody in particular.
///
/// A launcher and an MPI library that do not know each other make n processes of one rank each, where one job of n ranks was
/// meant: n copies of the work, which write the same files.
struct Launcher {
  private let variable: (String) -> String?

  init(variable: @escaping (String) -> String? = Host.variable) { self.variable = variable }

  /// Whether this process says what concerns all: rank 0, or any that is alone. Before MPI has started.
  ///
  /// Only variables of Open MPI and PMIx count. Others number processes that MPI may not connect.
  var speaks: Bool { (variable("OMPI_COMM_WORLD_RANK") ?? variable("PMIX_RANK") ?? "0") == "0" }

  /// Of this process, as the launcher numbers it before MPI has started; 0 without one.
  var rank: Int {
    ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"].compactMap(variable).first.flatMap { Int($0) } ?? 0
  }

  /// Whether a launcher that MPI can talk to started this process.
  var isConnected: Bool { variable("OMPI_COMM_WORLD_RANK") != nil || variable("PMIX_RANK") != nil }

  /// A sentence where other tasks were started together with this one and MPI does not connect them; nil where all is well.
  ///
  /// - Parameter worldSize: ranks that MPI knows; nil before it has started, where the environment tells enough.
  func independence(worldSize: Int?) -> String? {
    if worldSize == nil, ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"].contains(where: { variable($0) != nil }) {
      return nil
    }
    guard worldSize ?? 1 == 1 else { return nil }
    // The innermost first: mpirun in a job of Slurm's, whose own variables are of the job. `SLURM_NTASKS` is no sign: it
    // stands in a batch script, too, which is one process.
    for (name, launcher, rank) in [
      ("OMPI_COMM_WORLD_SIZE", "mpirun", "OMPI_COMM_WORLD_RANK"), ("PMI_SIZE", "a launcher", "PMI_RANK"),
      ("SLURM_STEP_NUM_TASKS", "srun", "SLURM_PROCID"),
    ] {
      guard let tasks = variable(name).flatMap({ Int($0) }) else { continue }
      guard tasks > 1 else { return nil }
      let task = variable(rank).flatMap { Int($0) }.map { "task \($0 + 1) of \(tasks)" } ?? "one of \(tasks) tasks"
      return
        "this is \(task) that \(launcher) started (\(name)), and MPI does not connect them: each would do all of the "
        + "work by itself; start them by srun --mpi=pmix, or by the mpirun of the Open MPI that salad was built with"
    }
    return nil
  }
}
