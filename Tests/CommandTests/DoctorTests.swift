import Foundation
import RanksSupport
import Testing

extension CommandTests {
  @Suite("Doctor")
  struct DoctorTests {
    private struct Report: Decodable {
      struct Rank: Decodable {
        struct Run: Decodable {
          var isShared: Bool
          var writeBytesPerSecond: Double
        }
        struct Data: Decodable { var fingerprint: String? }
        var rank: Int
        var workers: Int
        var mpi: String
        var allReduceBytesPerSecond: Double?
        var productFlops: Double?
        var run: Run?
        var data: Data?
      }
      struct Finding: Decodable {
        var status: Int
        var sentence: String
      }
      var ranks: [Rank]
      var findings: [Finding]
      var status: Int
    }

    private func report(of result: ProgramResult) throws -> Report {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(Report.self, from: Data(result.output.utf8))
    }

    @Test("It tells a row a rank, tries folder and data, and leaves nothing behind", arguments: [1, 3])
    func healthy(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let before = try FileManager.default.subpathsOfDirectory(atPath: sample.folder.path).sorted()
      let arguments = ["doctor", "--run", sample.path("new/run"), "--data", sample.data, "--workers", "1"]
      let result = try await Salad.succeed(ranks: ranks, arguments + ["--json"])
      let report = try report(of: result)
      #expect(report.status == 0 && report.ranks.map(\.rank) == Array(0..<ranks))
      #expect(report.findings.allSatisfy { $0.status == 0 }, "\(report.findings)")
      for rank in report.ranks {
        #expect(rank.workers == 1 && rank.mpi.contains("MPI"))
        #expect(rank.run?.isShared == true && (rank.run?.writeBytesPerSecond ?? 0) > 0)
        #expect((rank.productFlops ?? 0) > 0 && rank.data?.fingerprint?.count == 64)
        #expect((rank.allReduceBytesPerSecond != nil) == (ranks > 1))
      }
      #expect(try FileManager.default.subpathsOfDirectory(atPath: sample.folder.path).sorted() == before)

      let text = try await Salad.succeed(ranks: ranks, arguments).output
      let rows = text.split(separator: "\n")
      #expect(
        rows.first?.hasPrefix("rank  host") ?? false && (0..<ranks).allSatisfy { rows[1 + $0].hasPrefix("\($0) ") })
      #expect(text.contains("fingerprint: \(report.ranks[0].data?.fingerprint ?? "none")"))
    }

    @Test("The run's own data is known again, other data is a fault of status 65")
    func data() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let arguments = ["doctor", "--run", sample.run, "--data", sample.data]
      #expect(try await Salad.run(arguments).status == 0)
      let first = try #require(
        try FileManager.default.contentsOfDirectory(atPath: sample.data + "/train/good").sorted().first)
      try FileManager.default.removeItem(atPath: "\(sample.data)/train/good/\(first)")
      let other = try await Salad.run(arguments)
      #expect(
        other.status == 65 && other.output.contains("fault: ") && other.output.contains("other images"), "\(other)")
      let none = try await Salad.run(["doctor", "--data", sample.path("none")])
      #expect(none.status == 65 && none.output.contains("none"), "\(none)")
    }

    @Test("A run folder that cannot be is a fault of status 74")
    func runFolder() async throws {
      let sample = try #require(Sample.shared)
      for ranks in [1, 2] {
        let result = try await Salad.run(ranks: ranks, ["doctor", "--run", "/proc/run", "--workers", "1"])
        #expect(result.status == 74 && result.output.contains("fault: "), "\(result)")
      }
      // A file stands where the folder should.
      let file = try await Salad.run(["doctor", "--run", sample.run + "/config.json"])
      #expect(file.status == 74 && file.output.contains("config.json"), "\(file)")
    }
  }
}
