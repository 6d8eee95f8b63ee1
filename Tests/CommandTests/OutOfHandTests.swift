import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// NaN, infinity and overflow: the step is not applied, and the error says where, whose, why and what helps.
  @Suite("Numbers out of hand")
  struct OutOfHandTests {
    @Test("A cause is told from others, with a cure that applies to it", arguments: [1, 2])
    func causes(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let train = ["train", "--data", sample.data] + SmallTraining.arguments
      for (number, (options, cure, others)) in [
        // Each step moves all weights by about so much: they have grown at the second.
        (["--learning-rate", "1e20"], "--learning-rate below 1e+20", ["--temperature", "--precision"]),
        (["--temperature", "1e-25"], "--temperature 1e-25 makes", ["--learning-rate", "--precision"]),
        (["--aggregation-weight", "1e25"], "--aggregation-weight 1e+25 makes", ["--learning-rate", "--temperature"]),
        (
          ["--reconstruction-weight", "1e25"], "--reconstruction-weight 1e+25 makes",
          ["--learning-rate", "--temperature"]
        ),
      ].enumerated() {
        let run = sample.path("run-\(number)")
        let result = try await Salad.run(ranks: ranks, train + ["--run", run] + options)
        Salad.expectRefusal(result, status: 70, naming: ["step ", cure, "is not applied"])
        for other in others { #expect(!result.errors.contains(other), "\(result)") }
        // Whose it is.
        #expect(result.errors.contains(#/step \d+, rank \d on \S+?, /#), "\(result)")
        #expect(result.errors.contains("train/good/"), "\(result)")
      }
    }

    @Test("Weights that are too large from the start are named by their tensor, and no learning rate is blamed")
    func weights() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      // A run whose weights have grown, taken as another's start.
      let step = try String(contentsOfFile: sample.run + "/latest", encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      let model = "\(sample.run)/checkpoints/\(step)/model.safetensors"
      var bytes = try Data(contentsOf: URL(fileURLWithPath: model))
      let header = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
      // The first tensor's first numbers, as large as floats can be.
      for element in 0..<8 {
        withUnsafeBytes(of: Float.greatestFiniteMagnitude) {
          bytes.replaceSubrange(8 + header + 4 * element..<8 + header + 4 * element + 4, with: $0)
        }
      }
      let large = sample.path("large.safetensors")
      try bytes.write(to: URL(fileURLWithPath: large))
      let result = try await Salad.run(
        ["train", "--data", sample.data, "--run", sample.path("other"), "--initial-weights", large]
          + SmallTraining.arguments)
      Salad.expectRefusal(result, status: 70, naming: ["step 0", "--initial-weights", "input.conv.0.weight"])
      #expect(!result.errors.contains("--learning-rate"))
    }
  }
}
