import Foundation
import RanksSupport
import Testing

extension CommandTests {
  @Suite("Self-test")
  struct SelfTestTests {
    @Test("A deployment that another machine computes otherwise is refused, rounding is not", arguments: [1, 2])
    func refusal(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let deploy = sample.path("deploy")
      try await Salad.succeed(ranks: ranks, ["merge", sample.run, "--output", deploy])
      let whole = try Manifest(of: deploy)
      #expect(whole.selfTest.embeddings.map(\.count) == [16, 16])
      let score = ["score", deploy, sample.data + "/test/good"]
      let scores = try await Salad.succeed(ranks: ranks, score).output

      // The manifest is not among the files whose SHA-256 is verified, so its numbers may be changed one by one.
      let number = "\(whole.selfTest.scores[0])"
      let text = String(decoding: try bytes(of: deploy + "/manifest.json"), as: UTF8.self)
      try #require(text.contains(number))
      for (change, isRefused) in [(1e-5, false), (0.01, true)] {
        let altered = text.replacingOccurrences(of: number, with: "\(whole.selfTest.scores[0] + change)")
        try altered.write(toFile: deploy + "/manifest.json", atomically: true, encoding: .utf8)
        let result = try await Salad.run(ranks: ranks, score)
        if isRefused {
          Salad.expectRefusal(result, status: 70, naming: [deploy, "self-test", "do not trust"])
        } else {
          #expect(result.output == scores)
        }
      }
    }

    private struct Manifest: Decodable {
      struct SelfTest: Decodable {
        var embeddings: [[Float]]
        var scores: [Double]
      }
      var selfTest: SelfTest

      enum CodingKeys: String, CodingKey { case selfTest = "self_test" }

      init(of folder: String) throws {
        self = try JSONDecoder().decode(Self.self, from: bytes(of: folder + "/manifest.json"))
      }
    }
  }
}
