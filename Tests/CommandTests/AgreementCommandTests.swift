import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// Ranks that would not do the same work say which differs, and in what.
  @Suite("Agreement of ranks")
  struct AgreementCommandTests {
    @Test("Ranks that were started with different settings are refused, and what may differ is not")
    func arguments() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let train = ["train", "--data", sample.data, "--run", sample.path("other")] + SmallTraining.arguments
      let other = try await run(train, train + ["--learning-rate", "0.5"])
      Salad.expectRefusal(other, status: 64, naming: ["different arguments", "rank 1 on", "--learning-rate"])
      let verb = try await run(
        ["merge", sample.run, "--output", sample.path("deploy")], ["score", sample.run, sample.data])
      Salad.expectRefusal(verb, status: 64, naming: ["rank 0 on", "has merge", "rank 1 on", "has score"])
      for name in ["other", "deploy"] { #expect(!FileManager.default.fileExists(atPath: sample.path(name))) }

      let workers = try await run(train + ["--workers", "1"], train + ["--workers=2"])
      #expect(workers.status == 0, "\(workers)")
    }

    @Test("Ranks whose data sets differ under the same names are refused by file and host")
    func data() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let copy = sample.path("copy")
      try await Salad.succeed([
        "phantom", copy, "--train", "\(SmallTraining.images)", "--test-normal", "9", "--test-anomalous", "12", "--size",
        "64", "--seed", "4",
      ])
      func train(_ data: String) -> [String] {
        ["train", "--data", data, "--run", sample.path("other")] + SmallTraining.arguments
      }
      let result = try await run(train(sample.data), train(copy))
      Salad.expectRefusal(
        result, status: 65, naming: ["/train/good/", "expected the bytes that another rank read", "the same images"])

      // An equal copy is as good.
      try FileManager.default.removeItem(atPath: copy)
      try FileManager.default.copyItem(atPath: sample.data, toPath: copy)
      try FileManager.default.removeItem(atPath: sample.path("other"))
      let equal = try await run(train(sample.data), train(copy))
      #expect(equal.status == 0, "\(equal)")
    }

    /// One rank with each of the command lines.
    private func run(_ first: [String], _ second: [String]) async throws -> ProgramResult {
      let salad = try Program.built("salad")
      return try await Program.mpirun(ranks: 1, [salad] + first + [":", "-n", "1", salad] + second)
    }
  }
}
