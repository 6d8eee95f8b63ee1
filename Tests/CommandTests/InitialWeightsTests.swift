import Foundation
import RanksSupport
import Safetensors
import Testing

extension CommandTests {
  @Suite("Initial weights")
  struct InitialWeightsTests {
    static let training = SmallTraining.arguments + ["--architecture", "resnet18"]

    /// A trunk as torchvision saves it: no `encoder.`, three input channels, a classifier of its own.
    private func writeTrunk(of model: String, to path: String) throws {
      let file = try SafetensorsFile(path: model)
      let trunk = file.tensors.filter { $0.name.hasPrefix("encoder.") && $0.type == .float32 }
      var tensors = trunk.map {
        TensorDescription(name: String($0.name.dropFirst("encoder.".count)), type: $0.type, shape: $0.shape)
      }
      for index in tensors.indices {
        if tensors[index].name == "conv1.weight" { tensors[index].shape[1] = 3 }
        if tensors[index].name.hasPrefix("fc.") { tensors[index].shape[0] = 5 }
      }
      var writer = try SafetensorsWriter(path: path, tensors: tensors)
      for (tensor, original) in zip(tensors, trunk) {
        let values = try file.floats(original.name)
        switch tensor.name {
        case "conv1.weight":
          // A half, a quarter and a quarter of each filter add up to it exactly.
          for filter in 0..<tensor.shape[0] {
            for share: Float in [0.5, 0.25, 0.25] {
              try writer.write(values[filter * 49..<filter * 49 + 49].map { $0 * share })
            }
          }
        default: try writer.write(Array(values.prefix(tensor.elementCount)))
        }
      }
      try writer.finish()
    }

    @Test("torchvision's names are taken, three channels are summed, and what was used, left and missing is said")
    func torchvision() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (other, trunk) = (sample.path("other"), sample.path("resnet18.safetensors"))
      try await Salad.succeed(["train", "--data", sample.data, "--run", other] + Self.training + ["--seed", "1"])
      try await Salad.succeed(["merge", other, "--output", sample.path("model")])
      try writeTrunk(of: sample.path("model/model.safetensors"), to: trunk)

      // A step size that moves nothing shows the weights that training began with.
      let still = ["train", "--data", sample.data] + Self.training + ["--learning-rate", "1e-30"]
      var models: [Data] = []
      for ranks in [1, 2] {
        let run = sample.path("run-\(ranks)")
        let result = try await Salad.succeed(ranks: ranks, still + ["--run", run, "--initial-weights", trunk])
        #expect(result.errors.contains("tensors used: encoder.bn1 (4), encoder.conv1 (1), encoder.layer1 (20)"))
        #expect(result.errors.contains("2 tensors left in the file: fc (2)"))
        #expect(
          result.errors.contains(
            "missing, so they start at random: decoder.decoder (80), decoder.output (1), encoder.fc (2)"))
        try await Salad.succeed(["merge", run, "--output", run + "-model"])
        models.append(try bytes(of: run + "-model/model.safetensors"))
      }
      #expect(models[0] == models[1])
      let (ours, theirs) = (
        try SafetensorsFile(path: sample.path("run-1-model/model.safetensors")),
        try SafetensorsFile(path: sample.path("model/model.safetensors"))
      )
      for name in ["encoder.conv1.weight", "encoder.layer4.1.conv2.weight", "encoder.layer2.0.downsample.1.bias"] {
        #expect(try ours.floats(name) == theirs.floats(name), "\(name)")
      }
      #expect(try ours.floats("encoder.fc.weight") != theirs.floats("encoder.fc.weight"))

      // The same file may be named again by a job that was queued anew, another one not.
      let again = ["train", "--run", sample.path("run-1"), "--resume", "--initial-weights"]
      #expect(try await Salad.succeed(again + [trunk]).errors.contains("is finished"))
      let refused = try await Salad.run(again + [sample.path("model/model.safetensors")])
      Salad.expectRefusal(refused, status: 64, naming: ["--initial-weights", "other weights"])
    }

    @Test("A file that is missing, of another network or of another shape is refused by name", arguments: [1, 2])
    func refusals(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      try await Salad.succeed(["merge", sample.run, "--output", sample.path("unet")])
      let train = ["train", "--data", sample.data] + Self.training
      for (number, (file, words)) in [
        (sample.path("none.safetensors"), ["none.safetensors", "no such file"]),
        (sample.path("unet/model.safetensors"), ["unet/model.safetensors", "resnet18", "input.conv.0.weight"]),
        (sample.path("unet/manifest.json"), ["unet/manifest.json", "header"]),
      ].enumerated() {
        let run = sample.path("run-\(number)")
        let result = try await Salad.run(ranks: ranks, train + ["--run", run, "--initial-weights", file])
        Salad.expectRefusal(result, status: 65, naming: words)
      }
      let wider = ["train", "--data", sample.data, "--run", sample.path("wider"), "--initial-weights"]
      let result = try await Salad.run(
        ranks: ranks, wider + [sample.path("unet/model.safetensors")] + SmallTraining.arguments + ["--max-width", "8"])
      Salad.expectRefusal(result, status: 65, naming: ["input.conv.0.weight", "[8, 1, 3, 3]", "[16, 1, 3, 3]"])
    }
  }
}
