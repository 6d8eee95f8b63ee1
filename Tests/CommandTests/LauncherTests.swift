import Foundation
import RanksSupport
import Testing

@testable import salad

@Suite("Launchers")
struct LauncherTests {
  /// What srun sets, and more.
  fileprivate static func step(_ more: [String: String]) -> [String: String] {
    ["SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2", "SLURM_NTASKS": "4"].merging(more) { $1 }
  }

  @Test(
    "Tasks that MPI does not connect are told from ranks, and from single processes in a job",
    arguments: [
      ([:], 1, nil, true),
      // A step of srun's without PMI; with one task; with PMIx, where MPI connects them or not.
      (LauncherTests.step([:]), 1, "task 3 of 4 that srun", true),
      (LauncherTests.step(["SLURM_STEP_NUM_TASKS": "1"]), 1, nil, true),
      (LauncherTests.step(["PMIX_RANK": "2"]), 4, nil, false),
      (LauncherTests.step(["PMIX_RANK": "2"]), 1, "task 3 of 4 that srun", false),
      // A batch script, and mpirun in it.
      (["SLURM_NTASKS": "4", "SLURM_PROCID": "0"], 1, nil, true),
      (["SLURM_NTASKS": "4", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "1"], 4, nil, false),
      (LauncherTests.step(["OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"]), 1, nil, true),
      // Another MPI's launcher.
      (["PMI_SIZE": "3", "PMI_RANK": "1"], 1, "task 2 of 3", true),
      (["OMPI_COMM_WORLD_SIZE": "3", "OMPI_COMM_WORLD_RANK": "1"], 1, "task 2 of 3 that mpirun", false),
      (["SLURM_STEP_NUM_TASKS": "many"], 1, nil, true),
    ] as [([String: String], Int, String?, Bool)])
  func independence(environment: [String: String], worldSize: Int, words: String?, speaks: Bool) {
    let launcher = Launcher { environment[$0] }
    let sentence = launcher.independence(worldSize: worldSize)
    #expect((sentence == nil) == (words == nil), "\(environment): \(sentence ?? "")")
    if let words { #expect(sentence?.contains(words) == true && sentence?.contains("--mpi=pmix") == true) }
    #expect(launcher.speaks == speaks, "\(environment)")
  }

  @Test("Before MPI has started, only what it cannot connect is judged")
  func before() {
    let step = Self.step([:])
    #expect(Launcher { step[$0] }.independence(worldSize: nil) != nil)
    let pmix = Self.step(["PMIX_RANK": "2"])
    #expect(Launcher { pmix[$0] }.independence(worldSize: nil) == nil)
  }
}

extension CommandTests {
  @Suite("Tasks without MPI between them")
  struct IndependentTaskTests {
    /// What srun sets, of task 2 of 4.
    private let step = [
      "SLURM_JOBID": "7", "SLURM_JOB_ID": "7", "SLURM_STEPID": "0", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "4",
      "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "1", "SLURM_LOCALID": "1",
    ]

    private func run(_ arguments: [String], _ environment: [String: String]) async throws -> ProgramResult {
      try await Program.run(
        [try Program.built("salad")] + arguments, environment: environment, timeLimit: .seconds(600))
    }

    @Test("What would be written by each is refused by each, and what is printed comes with a warning")
    func tasks() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let output = sample.path("output")
      let test = sample.data + "/test"
      try await Salad.succeed(["merge", sample.run, "--output", sample.path("deploy")])
      for arguments in [
        ["train", "--data", sample.data, "--run", output], ["merge", sample.run, "--output", output],
        ["calibrate", sample.path("deploy"), "--data", sample.data + "/train", "--output", output],
        ["import", sample.path("deploy/model.safetensors"), "--data", sample.data, "--output", output],
        ["phantom", output, "--train", "1"], ["score", sample.run, test, "--csv", "--output", output],
      ] {
        let result = try await run(arguments, step)
        Salad.expectRefusal(result, status: 64, naming: ["task 2 of 4", "srun --mpi=pmix", "mpirun"])
        #expect(!FileManager.default.fileExists(atPath: output), "\(arguments)")
      }
      let expected = try await Salad.succeed(["score", sample.run, test, "--csv"])
      let score = try await run(["score", sample.run, test, "--csv"], step)
      #expect(score.status == 0 && score.output == expected.output, "\(score)")
      #expect(score.errors.contains("task 2 of 4"))

      // Each is alone, so each says what is wrong.
      let usage = try await run(["train", "--data", sample.data, "--run", output, "--keep", "0"], step)
      Salad.expectRefusal(usage, status: 64, naming: ["--keep is 0"])
    }

    @Test("A step of one task, a batch script and mpirun in it work as ever")
    func jobs() async throws {
      let sample = try #require(Sample.shared)
      let score = ["score", sample.run, sample.data + "/test", "--csv"]
      let expected = try await Salad.succeed(score)
      let single = step.merging(["SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0", "SLURM_NTASKS": "1"]) { $1 }
      let batch = step.filter { ["SLURM_JOBID", "SLURM_JOB_ID", "SLURM_NTASKS"].contains($0.key) }
        .merging(["SLURM_PROCID": "0"]) { $1 }
      for environment in [single, batch] {
        let result = try await run(score, environment)
        #expect(result.status == 0 && result.output == expected.output, "\(result)")
        #expect(!result.errors.contains("task"), "\(result)")
      }
      let hosts = ["SLURM_NODELIST": "localhost", "SLURM_TASKS_PER_NODE": "4"]
      let both = try await Program.mpirun(
        ranks: 2, [try Program.built("salad")] + score,
        // Its own daemons are not srun's here.
        options: ["--mca", "plm", "isolated", "--mca", "ras", "^slurm"],
        environment: batch.merging(hosts) { $1 }, timeLimit: .seconds(600))
      #expect(both.status == 0 && both.output == expected.output, "\(both)")
    }
  }
}
