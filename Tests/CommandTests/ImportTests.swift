import Foundation
import RanksSupport
import Safetensors
import Testing

extension CommandTests {
  @Suite("Import")
  struct ImportTests {
    @Test("A trained model, imported with its data or its bank, is the deployment that merging made")
    func roundTrip() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let merged = sample.path("merged")
      try await Salad.succeed(["merge", sample.run, "--output", merged])
      let model = merged + "/model.safetensors"
      let micro = ["--micro-batch", "2"]
      for (number, (ranks, bank)) in [
        (1, ["--data", sample.data]), (2, ["--data", sample.data]), (3, ["--data", sample.data]),
        (2, ["--bank", merged + "/bank.safetensors", "--feature-scale", "root"]),
      ].enumerated() {
        let imported = sample.path("imported-\(number)")
        let result = try await Salad.succeed(ranks: ranks, ["import", model, "--output", imported] + bank + micro)
        #expect(result.errors.contains("a bank of \(SmallTraining.images) rows"))
        for file in ["model.safetensors", "bank.safetensors"] {
          #expect(try bytes(of: "\(imported)/\(file)") == bytes(of: "\(merged)/\(file)"), "\(file) by \(ranks) ranks")
        }
        let scores = ["--csv", sample.data + "/test"]
        let theirs = try await Salad.succeed(["score", merged] + scores).output
        #expect(try await Salad.succeed(ranks: ranks, ["score", imported] + scores).output == theirs)
      }
    }

    @Test("A bank on the root scale holds the signed square roots of the linear one's numbers, and scores by them")
    func featureScale() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      try await Salad.succeed(["merge", sample.run, "--output", sample.path("merged")])
      let importing = [
        "import", sample.path("merged/model.safetensors"), "--data", sample.data, "--micro-batch", "2",
        "--exposure-damping", "0",
      ]
      var banks: [String: [Float]] = [:]
      var scores: [String: String] = [:]
      for scale in ["linear", "root"] {
        let output = sample.path(scale)
        try await Salad.succeed(ranks: 2, importing + ["--feature-scale", scale, "--output", output])
        banks[scale] = try SafetensorsFile(path: output + "/bank.safetensors").floats("bank")
        scores[scale] = try await Salad.succeed(["score", output, sample.data + "/test", "--csv"]).output
      }
      let (linear, root) = (try #require(banks["linear"]), try #require(banks["root"]))
      #expect(linear.contains { $0 < 0 } && linear.contains { $0 > 0 })
      #expect(root == linear.map { $0 < 0 ? -(-$0).squareRoot() : $0.squareRoot() })
      #expect(scores["linear"] != scores["root"])
    }

    @Test("A bank whose rows have lost a part of a direction is imported where its manifest tells it, and nowhere else")
    func exposure() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let merged = sample.path("merged")
      try await Salad.succeed(["merge", sample.run, "--output", merged])
      try FileManager.default.copyItem(atPath: merged + "/bank.safetensors", toPath: sample.path("alone.safetensors"))
      let importing = [
        "import", merged + "/model.safetensors", "--output", sample.path("imported"), "--feature-scale", "root",
        "--bank",
      ]
      let alone = try await Salad.run(ranks: 2, importing + [sample.path("alone.safetensors")])
      Salad.expectRefusal(alone, status: 65, naming: ["alone.safetensors", "lost 0.5 of a direction", "--data"])
      let bank = try await Salad.run(importing + [merged + "/bank.safetensors", "--exposure-damping", "0.5"])
      Salad.expectRefusal(bank, status: 64, naming: ["--exposure-damping 0.5", "--data"])
    }

    @Test("A resnet18 is recognised, and its image side is what is asked for")
    func resnet() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      try await Salad.succeed(
        ["train", "--data", sample.data, "--run", sample.path("resnet"), "--architecture", "resnet18"]
          + SmallTraining.arguments)
      try await Salad.succeed(["merge", sample.path("resnet"), "--output", sample.path("merged")])
      let imported = sample.path("imported")
      try await Salad.succeed([
        "import", sample.path("merged/model.safetensors"), "--output", imported, "--data", sample.data, "--size", "64",
        "--micro-batch", "2", "--score-rule", "weighted",
      ])
      #expect(try bytes(of: imported + "/bank.safetensors") == bytes(of: sample.path("merged/bank.safetensors")))
      let scores = try await Salad.succeed(["score", imported, sample.data + "/test/good", "--csv"]).output
      #expect(scores.contains(",weighted,"))
    }

    @Test("What is not a network's weights or not its bank is refused by name, and nothing is left", arguments: [1, 2])
    func refusals(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      try await Salad.succeed(["merge", sample.run, "--output", sample.path("merged")])
      let (model, bank) = (sample.path("merged/model.safetensors"), sample.path("merged/bank.safetensors"))
      let file = try SafetensorsFile(path: model)

      /// A copy of the model that `change` has been at: tensors, and the values of each by name.
      func altered(_ name: String, _ change: (inout [TensorDescription], inout [String: [Float]]) -> Void) throws
        -> String
      {
        var tensors = file.tensors
        var values: [String: [Float]] = [:]
        for tensor in tensors where tensor.type == .float32 { values[tensor.name] = try file.floats(tensor.name) }
        change(&tensors, &values)
        let path = sample.path(name)
        var writer = try SafetensorsWriter(path: path, tensors: tensors)
        for tensor in tensors {
          if tensor.type == .int64 { try writer.write([Int64(1)]) } else { try writer.write(values[tensor.name]!) }
        }
        try writer.finish()
        return path
      }
      let models = [
        (
          try altered("missing") { tensors, _ in tensors.removeAll { $0.name == "e3.conv.conv.0.weight" } },
          ["e3.conv.conv.0.weight", "found none"]
        ),
        (
          try altered("foreign") { tensors, values in
            tensors.append(TensorDescription(name: "head.bias", type: .float32, shape: [1]))
            values["head.bias"] = [0]
          }, ["head.bias"]
        ),
        (try altered("infinite") { _, values in values["d1.up.1.weight"]![3] = .infinity }, ["d1.up.1.weight"]),
        (
          try altered("variance") { _, values in values["input.conv.1.running_var"]![0] = -1 },
          ["input.conv.1.running_var", "negative"]
        ),
        (bank, ["unet", "resnet18", "found 1 tensors"]),
        (sample.path("absent"), ["absent"]),
      ]
      let scale = ["--feature-scale", "root"]
      let output = sample.path("imported")
      for (path, words) in models {
        let result = try await Salad.run(ranks: ranks, ["import", path, "--output", output, "--bank", bank] + scale)
        Salad.expectRefusal(result, status: 65, naming: [path] + words)
      }

      let importing = ["import", model, "--output", output]
      let long = sample.path("long")
      var writer = try SafetensorsWriter(
        path: long, tensors: [TensorDescription(name: "bank", type: .float32, shape: [1, 8])])
      try writer.write([Float](repeating: 1, count: 8))
      try writer.finish()
      for (arguments, status, words) in [
        (scale + ["--bank", sample.path("none")], Int32(65), ["none", "no such file"]),
        (["--bank", long, "--levels", "z"], 65, ["long", "length"]),
        (scale + ["--bank", long], 65, ["long", "[rows, 48]"]),
        (scale + ["--bank", bank, "--levels", "e3"], 65, ["bank", "[rows, 16]"]),
        (scale + ["--bank", bank, "--levels", "layer2"], 64, ["layer2", "e1,e2,e3"]),
        (scale + ["--bank", model], 65, ["bank", "[rows, 48]"]),
        (scale + ["--bank", bank, "--size", "128"], 65, [model, "128", "64"]),
        (["--bank", bank, "--data", sample.data], 64, ["--bank", "--data"]),
        (["--bank", bank], 64, ["--feature-scale", "root", "linear"]),
        ([], 64, ["--bank", "--data"]),
        (["--data", sample.path("none")], 65, [sample.path("none")]),
      ] {
        let result = try await Salad.run(ranks: ranks, importing + arguments)
        Salad.expectRefusal(result, status: status, naming: words)
      }
      let existing = ["import", model, "--bank", bank, "--output", sample.path("merged")] + scale
      Salad.expectRefusal(try await Salad.run(ranks: ranks, existing), status: 64, naming: [sample.path("merged")])
      let left = try FileManager.default.contentsOfDirectory(atPath: sample.folder.path)
      #expect(!left.contains { $0.contains("imported") }, "\(left)")
    }
  }
}
