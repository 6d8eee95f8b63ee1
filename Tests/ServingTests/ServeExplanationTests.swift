#if Server
  import Foundation
  import Radiographs
  import RanksSupport
  import Testing

  extension ServeTests {
    @Test("With a local bank heat maps are those of salad explain --local, and the normal images can be seen")
    func localHeatMaps() async throws {
      let local = served.path("deploy.local")
      let saved = try await salad(["explain", served.deploy, "--data", served.data, "--save-local", local])
      #expect(saved.status == 0, "\(saved)")
      let explained = try await salad(["explain", served.deploy, try served.images()[0], "--local", local, "--json"])
      let expected = try JSONDecoder().decode(Explained.self, from: Data(explained.output.utf8))
      let server = try await ServedProgram(served.deploy, ["--local", local, "--images", served.data])
      defer { server.end() }
      let image = try served.image()
      let answer = try #require(try server.score(image, "/v1/explain").json)
      #expect(answer.method == "local" && answer.coloured == [1, 5])
      let heat = try #require(answer.heatMap.flatMap { Data(base64Encoded: $0) })
      let values = heat.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
      #expect(values.max().map(Double.init) == expected.heat.hottest.heat)
      #expect(values.reduce(0) { $0 + Double($1) } / Double(values.count) == expected.heat.mean)
      #expect(answer.score == expected.score)
      #expect(try server.score(image, "/v1/explain?method=occlusion").json?.method == "occlusion")
      #expect(try server.score(image, "/v1/explain?method=gradient").status == 400)

      // The nearest normal images, by their rows and in no other way.
      let scored = try #require(try server.score(image, "/v1/score?nearest=1").images.first)
      let near = try #require(scored.nearest?.first)
      let row = try #require(near.row)
      let model = try #require(scored.model)
      let shown = try server.ask("GET", "/v1/normal?row=\(row)&model=\(model)")
      #expect(shown.status == 200 && shown.headers["content-type"] == "image/png")
      let picture = served.path("normal.png")
      try shown.body.write(to: URL(fileURLWithPath: picture))
      let file = "\(served.data)/\(try #require(near.id))"
      #expect(
        try Radiograph(contentsOf: picture).grays == Radiograph(contentsOf: file).resized(to: 64, fit: .pad).grays)
      #expect(try server.ask("GET", "/v1/normal?row=24").status == 400)
      #expect(try server.ask("GET", "/v1/normal?row=../\(row)").status == 400)
      #expect(try server.ask("GET", "/v1/normal?path=\(file)").status == 400)
      #expect(try server.ask("GET", "/v1/normal?row=\(row)&model=0").status == 404)
      // Another picture at its place is not shown as the one that trained.
      let original = try Data(contentsOf: URL(fileURLWithPath: file))
      try image.write(to: URL(fileURLWithPath: file))
      defer { try? original.write(to: URL(fileURLWithPath: file)) }
      let other = try server.ask("GET", "/v1/normal?row=\(row)")
      #expect(other.status == 404 && other.text.contains("another picture"), "\(other)")
    }

    /// What `salad explain --json` says.
    private struct Explained: Decodable {
      struct Heat: Decodable {
        struct Hottest: Decodable { var heat: Double }
        var hottest: Hottest
        var mean: Double
      }
      var score: Double
      var heat: Heat
    }

    @Test("A local bank of another model, and images that are not the model's, are refused before it listens")
    func foreignCompanions() async throws {
      let file = served.path("no-local")
      try Data("none".utf8).write(to: URL(fileURLWithPath: file))
      let local = try await salad(["serve", served.deploy, "--port", "0", "--local", file])
      #expect(local.status == 65 && local.errors.contains(file), "\(local)")
      let images = try await salad(["serve", served.deploy, "--port", "0", "--images", served.deploy])
      #expect(images.status == 65 && images.errors.contains("--images"), "\(images)")
      let hashed = try await salad(["serve", served.other, "--port", "0", "--images", served.data])
      #expect(hashed.status == 64 && hashed.errors.contains("hashes"), "\(hashed)")
    }

    @Test("Scores flow while images are explained, and beyond their queue's length explanations are turned away")
    func explanationsBesideScores() async throws {
      let server = try await ServedProgram(served.deploy, ["--max-explanations", "3"])
      defer { server.end() }
      let image = try served.image()
      var (isBeside, isRefused) = (false, false)
      // Whoever is first is left to chance: asked until it was seen.
      for _ in 0..<50 where !(isBeside && isRefused) {
        let explanations = (0..<5).map { _ in server.scoreLater(image, "/v1/explain") }
        _ = server.wait { (server.gauge("salad_explanations_waiting") ?? 0) > 0 || explanations.allSatisfy(\.isDone) }
        let before = server.gauge("salad_images_explained_total") ?? 0
        #expect(try server.score(image).status == 200)
        // Some image was waiting to be explained before the score was asked for, and still is.
        if before == server.gauge("salad_images_explained_total") ?? 0, !explanations.allSatisfy(\.isDone) {
          isBeside = true
        }
        for explanation in explanations {
          let answer = try explanation.get()
          #expect(answer.status == 200 || answer.status == 429)
          if answer.status == 429 { isRefused = answer.headers["retry-after"] != nil }
        }
      }
      #expect(isBeside && isRefused)
    }

    @Test("An explanation whose turn does not come in time is given up, and scores are none the wiser")
    func lateExplanation() async throws {
      let server = try await ServedProgram(served.deploy, ["--request-timeout", "2"])
      defer { server.end() }
      let image = try served.image()
      let child = try #require(server.children.first)
      kill(child, SIGSTOP)
      #expect(try server.score(image, "/v1/explain").status == 504)
      kill(child, SIGCONT)
      #expect(try server.score(image).status == 200)
    }
  }
#endif
