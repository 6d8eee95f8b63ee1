import RanksSupport
import Testing

@Suite(
  "MPI across hosts", .serialized,
  .enabled(if: NetworkHosts.unavailable == nil, "\(NetworkHosts.unavailable ?? "")"))
struct NetworkHostsTests {
  @Test("Ranks of three hosts know where they are, and every collective is right between them")
  func collectives() async throws {
    let ranks = try Program.built("ranks")
    try await NetworkHosts.with(count: 3) { hosts in
      let places = try await hosts.mpirun(slots: [2, 1, 1], [ranks, "where"])
      #expect(
        places.output == """
          rank 0 of 4 on host1, rank 0 of 2 there
          rank 1 of 4 on host1, rank 1 of 2 there
          rank 2 of 4 on host2, rank 0 of 1 there
          rank 3 of 4 on host3, rank 0 of 1 there

          """, "\(places)")
      let collectives = try await hosts.mpirun(slots: [2, 1, 1], [ranks, "collectives"])
      #expect(collectives.status == 0, "\(collectives)")
    }
  }

  @Test("A rank that aborts on one host ends those of the others, with its status")
  func abort() async throws {
    let ranks = try Program.built("ranks")
    try await NetworkHosts.with(count: 2) { hosts in
      let run = try await hosts.mpirun(slots: [1, 2], [ranks, "abort", "70"], timeLimit: .seconds(30))
      #expect(!run.timedOut && run.status == 70, "\(run)")
    }
  }

  @Test("Hosts are gone afterwards, even after an error")
  func removal() async throws {
    struct Failure: Error { let group: String }
    let ranks = try Program.built("ranks")
    let failure = await #expect(throws: Failure.self) {
      try await NetworkHosts.with(count: 2) { hosts in
        let run = try await hosts.mpirun(slots: [1, 1], [ranks, "hang"], timeLimit: .seconds(1))
        #expect(run.timedOut, "\(run)")
        let list = try await Program.run(["ip", "netns", "list"])
        #expect(list.output.contains(hosts.group), "\(list)")
        throw Failure(group: hosts.group)
      }
    }
    let group = try #require(failure).group
    let list = try await Program.run(["ip", "netns", "list"])
    #expect(!list.output.contains(group), "\(list)")
  }
}
