import RanksSupport
import Testing

@Suite("MPI under mpirun", .serialized)
struct MPITests {
  @Test("Every collective is right, whole and in chunks", arguments: [1, 2, 3, 4])
  func collectives(ranks: Int) async throws {
    let run = try await Program.mpirun(ranks: ranks, [Program.built("ranks"), "collectives"])
    #expect(run.status == 0, "\(run)")
    #expect(run.output.contains("ok an exact sum does not depend on who adds what"), "\(run)")
  }

  @Test("A program runs as one rank without mpirun")
  func alone() async throws {
    let run = try await Program.run([Program.built("ranks"), "collectives"])
    #expect(run.status == 0, "\(run)")
  }

  @Test("A rank that aborts ends all, with its status, in bounded time", arguments: [1, 2, 4])
  func abort(ranks: Int) async throws {
    let run = try await Program.mpirun(ranks: ranks, [Program.built("ranks"), "abort", "70"], timeLimit: .seconds(30))
    #expect(!run.timedOut && run.status == 70, "\(run)")
  }

  @Test("A rank that aborts without mpirun ends itself with its status")
  func abortAlone() async throws {
    let run = try await Program.run([Program.built("ranks"), "abort", "65"], timeLimit: .seconds(30))
    #expect(!run.timedOut && run.status == 65, "\(run)")
  }

  @Test("A rank that vanishes ends all")
  func vanish() async throws {
    let run = try await Program.mpirun(ranks: 3, [Program.built("ranks"), "vanish"], timeLimit: .seconds(30))
    #expect(!run.timedOut && run.status != 0, "\(run)")
  }

  @Test("The time limit ends mpirun and its ranks")
  func timeLimit() async throws {
    let run = try await Program.mpirun(ranks: 2, [Program.built("ranks"), "hang"], timeLimit: .seconds(2))
    #expect(run.timedOut && run.status != 0 && run.duration < .seconds(15), "\(run)")
  }

  @Test("The helper names the checks that it has when asked for another")
  func unknownCheck() async throws {
    let run = try await Program.run([Program.built("ranks"), "sing"])
    #expect(run.status == 64 && run.errors.contains("no check named sing, expected one of collectives"), "\(run)")
  }
}
