import Foundation
import RanksSupport
import Testing

@testable import SALAD

@Suite("Deployments") struct DeploymentTests {
  @Test("The bank asked for is merged, else the refreshed one, else momentum")
  func banks() async throws {
    try await withTemporaryFolder { folder in
      let run = "\(folder)/run"
      try await check("write-run", run, "20", "2", "6", ranks: 2)
      #expect(try await check("merge", run, "\(folder)/first") == ["merged momentum"])
      #expect(try await check("read-model", "\(folder)/first") == ["momentum of deployment -"])
      let none = try await check("merge", run, "\(folder)/second", "refreshed", ranks: 2)
      #expect(none.first?.hasPrefix("refused 64 \(run): expected a refreshed bank at step 6, found none") == true)
      try await check("resume-run", run, "2", "6r", ranks: 3)
      #expect(try await check("merge", run, "\(folder)/second") == ["merged refreshed"])
      #expect(try await check("merge", run, "\(folder)/third/", "momentum") == ["merged momentum"])
      #expect(try contents(of: "\(folder)/first") == contents(of: "\(folder)/third"))
      let other = try await check("read-model", "\(folder)/third", "refreshed")
      #expect(other.first?.contains("found a deployment of the momentum bank") == true)
    }
  }

  @Test("An existing output, a deployment as input and a folder that is neither are refused")
  func refusals() async throws {
    try await withTemporaryFolder { folder in
      let (run, output) = ("\(folder)/run", "\(folder)/deploy")
      try await check("write-run", run, "20", "2", "6r")
      try await check("merge", run, output)
      let before = try contents(of: folder)
      let again = try await check("merge", run, output, ranks: 2)
      #expect(again.first?.hasPrefix("refused 64 \(output): expected no such folder, found one") == true)
      let twice = try await check("merge", output, "\(folder)/other")
      #expect(twice.first?.hasPrefix("refused 64 \(output): expected a run to merge, found a deployment") == true)
      let neither = try await check("read-model", folder, ranks: 2)
      #expect(
        neither == [
          "refused 65 \(folder): expected a run (config.json, checkpoints) or a deployment (manifest.json), found neither"
        ])
      #expect(
        try await check("merge", "\(folder)/absent", "\(folder)/o").first?.contains("found no such folder") == true)
      #expect(try await check("read-model", "\(run)/latest").first?.contains("found a file") == true)
      #expect(try contents(of: folder) == before)
    }
  }

  @Test("A damaged deployment is refused by the file's name")
  func damages() async throws {
    try await withTemporaryFolder { folder in
      let output = "\(folder)/deploy"
      try await check("write-run", "\(folder)/run", "20", "2", "6r")
      try await check("merge", "\(folder)/run", output)
      let verification = Verification(folder: output, files: try DeploymentManifest.read(folder: output).files)
      for file in ["bank.safetensors", "model.safetensors"] {
        let url = URL(filePath: "\(output)/\(file)")
        let whole = try Data(contentsOf: url)
        var flipped = whole
        flipped[flipped.count - 1] ^= 128
        for damaged in [flipped, whole.dropLast(), nil] {
          if let damaged { try damaged.write(to: url) } else { try FileManager.default.removeItem(at: url) }
          let fault = try #require(verification.firstFault(rank: 0, ranks: 1))
          #expect("\(fault.error)".hasPrefix("\(output)/\(file): expected"), "\(fault)")
        }
        let line = try await check("read-model", output, ranks: 2).first ?? ""
        #expect(line.hasPrefix("refused 65 \(output)/\(file): expected"), "\(line)")
        try whole.write(to: url)
      }
      #expect(try await check("read-model", output) == ["refreshed of deployment -"])
    }
  }

  @Test("The manifest has the keys that other programs read beside its own")
  func manifestKeys() async throws {
    try await withTemporaryFolder { folder in
      try await check("write-run", "\(folder)/run", "3", "2", "6r")
      try await check("merge", "\(folder)/run", "\(folder)/deploy")
      let bytes = try Data(contentsOf: URL(filePath: "\(folder)/deploy/manifest.json"))
      let json = try #require(JSONSerialization.jsonObject(with: bytes) as? [String: Any])
      #expect(json["format"] as? String == "salad-deployment")
      #expect(json["score_rule"] as? String == "weighted")
      #expect(json["score_temperature"] as? Double == 2)
      #expect(json["top_k"] as? Int == 100)
      #expect(json["levels"] as? String == "z")
      #expect(json["size"] as? Int == 64)
      #expect(json["channels"] as? Int == 1)
      #expect(json["fit"] as? String == "pad")
      #expect(json["image_ids"] as? [String] == ["train/good/0.png", "train/good/1.png", "train/good/2.png"])
    }
  }
}
