import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// Published data sets as they are downloaded.
  @Suite("Data sets")
  struct DataSetTests {
    @Test(
      "A training and an evaluation on each layout, and any number of ranks gives the same bits",
      arguments: ["nih", "mura", "csv"])
    func layouts(layout: String) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (tree, data) = (try DataSetTree(sample), sample.path("set"))
      switch layout {
      case "nih": try tree.writeNIH(to: data)
      case "mura": try tree.writeMURA(to: data)
      default: try tree.writeTable(to: data)
      }
      var first: (bank: Data, scores: String)?
      for ranks in [1, 2, 3] {
        let (run, deploy) = (sample.path("run-\(ranks)"), sample.path("deploy-\(ranks)"))
        try await Salad.succeed(ranks: ranks, ["train", "--data", data, "--run", run] + SmallTraining.arguments)
        try await Salad.succeed(["merge", run, "--output", deploy])
        let evaluated = try await Salad.succeed(ranks: ranks, ["evaluate", run, "--data", data, "--json"])
        let found = (try bytes(of: deploy + "/bank.safetensors"), evaluated.output)
        if let first {
          #expect(found.0 == first.bank && found.1 == first.scores, "\(ranks) ranks")
        } else {
          first = found
        }
      }
      let object = try #require(
        JSONSerialization.jsonObject(with: Data(first!.scores.utf8)) as? [String: Any])
      #expect(object["count_normal"] as? Int == 9 && object["count_anomalous"] as? Int == 12)
      let confidence = try #require(object["confidence"] as? [String: Any])
      #expect(confidence["units"] as? String == "patients")
      let kinds = (object["by_kind"] as? [[String: Any]] ?? []).compactMap { $0["kind"] as? String }
      switch layout {
      case "nih":
        #expect(kinds == ["Effusion", "Mass", "Pneumonia"])
        #expect(object["by_view"] != nil && object["by_sex"] != nil && object["by_age"] != nil)
      case "mura":
        #expect((object["by_study"] as? [String: Any])?["count_anomalous"] as? Int == 4)
        #expect(object["by_body_part"] != nil)
      default: #expect(kinds == ["effusion", "mass"])
      }
      // A deployment whose patients a table told leaves them out whole under another K, too.
      let rescored = try await Salad.succeed(["score", sample.path("deploy-1"), data, "--top-k", "5", "--csv"])
      let again = try await Salad.succeed(ranks: 2, ["score", sample.path("run-2"), data, "--top-k", "5", "--csv"])
      #expect(rescored.output == again.output)
    }

    @Test("A run remembers layout and choice, and a resume needs neither")
    func resume() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (data, run) = (sample.path("set"), sample.path("other"))
      try DataSetTree(sample).writeMURA(to: data, tables: false)
      let train = try await Salad.succeed(
        ["train", "--data", data, "--run", run, "--body-part", "wrist", "--limit", "12"] + SmallTraining.arguments)
      #expect(train.errors.contains("--body-part wrist leaves out"))
      let record = String(decoding: try bytes(of: run + "/config.json"), as: UTF8.self)
      #expect(record.contains("\"limit\" : 12") && record.contains("\"wrist\""))
      let more = try await Salad.succeed(["train", "--run", run, "--resume", "--rounds", "2"])
      #expect(more.errors.contains("is finished"))
      let evaluated = try await Salad.succeed(ranks: 2, ["evaluate", run, "--data", data])
      #expect(evaluated.errors.contains("was trained with --body-part wrist"))
      let other = try await Salad.run(["train", "--run", run, "--resume", "--rounds", "3", "--limit", "10"])
      Salad.expectRefusal(other, status: 65, naming: ["its images have the fingerprint"])
    }

    @Test("Patients on both sides by the table alone are refused before training, and by an evaluation")
    func leaks() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let data = sample.path("set")
      try DataSetTree(sample).writeTable(to: data)
      try await Salad.succeed(["train", "--data", data, "--run", sample.path("clean")] + SmallTraining.arguments)
      let path = data + "/salad.csv"
      let table = String(decoding: try bytes(of: path), as: UTF8.self)
      try Data(table.replacing("testNo 0", with: "trainnor1").utf8).write(to: URL(filePath: path))
      for arguments in [
        ["train", "--data", data, "--run", sample.path("other")] + SmallTraining.arguments,
        ["evaluate", sample.path("clean"), "--data", data],
      ] {
        Salad.expectRefusal(
          try await Salad.run(ranks: 2, arguments), status: 65,
          naming: ["is of the same patient as the training image im/train-nor, 2.png", "--allow-leaks"])
      }
    }

    @Test("What does not suit is refused with the flag that would, or the line")
    func refusals() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (tree, data) = (try DataSetTree(sample), sample.path("set"))
      try tree.writeNIH(to: data)
      try FileManager.default.copyItem(atPath: sample.data + "/train", toPath: data + "/train")
      let run = ["--run", sample.path("other")] + SmallTraining.arguments
      Salad.expectRefusal(
        try await Salad.run(ranks: 2, ["train", "--data", data] + run), status: 64,
        naming: ["Data_Entry_2017.csv (--layout nih)", "(--layout folder)"])
      try await Salad.succeed(["train", "--data", data, "--layout", "nih"] + run)
      Salad.expectRefusal(
        try await Salad.run(["evaluate", sample.path("other"), "--data", data, "--layout", "nih", "--labels", "Edema"]),
        status: 64, naming: ["--labels asks for", "found Effusion, Mass, Pneumonia"])
      Salad.expectRefusal(
        try await Salad.run(["evaluate", sample.path("other"), "--data", data, "--limit", "0"]), status: 64,
        naming: ["--limit"])
    }

    @Test("Calibrating takes a data set's normal training images")
    func calibrate() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let data = sample.path("set")
      try await Salad.succeed(
        [
          "phantom", sample.path("there"), "--train", "24", "--test-normal", "2", "--test-anomalous", "2", "--size",
          "64", "--seed", "9",
        ])
      let there = Sample(folder: sample.folder)
      try FileManager.default.removeItem(atPath: there.data)
      try FileManager.default.moveItem(atPath: sample.path("there"), toPath: there.data)
      try DataSetTree(there).writeNIH(to: data)
      try await Salad.succeed(["merge", sample.run, "--output", sample.path("deploy")])
      let result = try await Salad.succeed(
        ranks: 2, ["calibrate", sample.path("deploy"), "--data", data, "--output", sample.path("here")])
      #expect(result.errors.contains("24"), "\(result)")
    }
  }
}
