import Foundation
import PagesSupport
import RanksSupport
import Testing

extension CommandTests {
  /// `salad report`.
  @Suite("Report")
  struct ReportTests {
    private func page(_ path: String) throws -> String { String(decoding: try bytes(of: path), as: UTF8.self) }

    /// What `salad evaluate --json` says.
    private func evaluation(_ arguments: [String]) async throws -> [String: Any] {
      let output = try await Salad.succeed(["evaluate"] + arguments + ["--json"]).output
      return try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }

    @Test("One page, the same bytes on any number of ranks, which needs nothing and is no second time written over")
    func page() async throws {
      let sample = try #require(Sample.shared)
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let paths = [1, 3].map { "\(folder.path)/\($0).html" }
      let common = ["report", sample.run, "--bootstrap", "200"]
      let alone = try await Salad.succeed(common + ["--output", paths[0]])
      #expect(alone.output.isEmpty)
      #expect(alone.errors.contains("\(paths[0]) is a page of "), "\(alone)")
      try await Salad.succeed(ranks: 3, common + ["--output", paths[1], "--workers", "1"])
      #expect(try bytes(of: paths[0]) == bytes(of: paths[1]))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["1.html", "3.html"])

      let text = try page(paths[0])
      let elements = try PageElements(of: text)
      #expect(Set(elements.ids).count == elements.ids.count)
      #expect(!elements.names.contains("script") && !elements.names.contains("link"))
      #expect(!text.contains("http:") && !text.contains("https:") && !text.contains("url("))
      for (name, value) in elements.attributes {
        if name == "src" { #expect(value.hasPrefix("data:image/png;base64,")) }
        if name == "href" { #expect(elements.ids.contains(String(value.dropFirst()))) }
      }
      // Six at each end with heat maps and what they were compared with, and six odd training images.
      #expect(elements.names.count { $0 == "img" } == 12 * 5 + 6)
      // No absolute path: a page tells no more of a machine than its run does.
      #expect(!text.contains(folder.path))

      let again = try await Salad.run(ranks: 2, common + ["--output", paths[0]])
      Salad.expectRefusal(again, status: 64, naming: [paths[0], "expected no such file", "--output"])
    }

    @Test("Its numbers are those of evaluate")
    func numbers() async throws {
      let sample = try #require(Sample.shared)
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let path = "\(folder.path)/page.html"
      try await Salad.succeed(["report", sample.run, "--no-images", "--bootstrap", "300", "--output", path])
      let texts = try PageElements(of: page(path)).texts
      let said = try await evaluation([sample.run, "--data", sample.data, "--bootstrap", "300"])
      func number(_ value: Any?, _ digits: Int = 3) -> String {
        String(format: "%.\(digits)f", value as? Double ?? .nan)
      }

      let intervals = try #require((said["confidence"] as? [String: Any])?["intervals"] as? [String: [Double]])
      let titles = [
        "auroc": "AUROC", "average_precision": "average precision (AP)",
        "sensitivity_at_90_specificity": "sensitivity at 90 % specificity",
        "specificity_at_95_sensitivity": "specificity at 95 % sensitivity",
      ]
      for (key, title) in titles {
        let interval = try #require(intervals[key])
        // The row of the table: head, value, interval.
        let row = [title, number(said[key]), "\(number(interval[0])) to \(number(interval[1]))"]
        #expect(texts.indices.contains { Array(texts[$0...].prefix(3)) == row }, "\(row)")
      }
      for kind in try #require(said["by_kind"] as? [[String: Any]]) {
        let row = [
          kind["kind"] as? String ?? "", "\(kind["count"] ?? "")", number(kind["average_precision"]),
          number(kind["auroc"]),
        ]
        #expect(texts.indices.contains { Array(texts[$0...].prefix(4)) == row }, "\(row)")
      }
      #expect(texts.contains(number(said["threshold"], 6)))
      for key in ["flagged_normal_rate", "flagged_anomalous_rate"] {
        #expect(texts.contains(String(format: "%.1f %%", 100 * (said[key] as? Double ?? .nan))), "\(key)")
      }
    }

    private static let hasBrowser = ["chromium", "chromium-browser", "google-chrome"].contains { name in
      ["/usr/bin", "/usr/local/bin"].contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }

    @Test(
      "In a browser it is whole: no complaint, no request, nothing too wide, too small or too pale, on a phone as in print",
      .enabled(if: hasBrowser, "there is no Chromium here"))
    func browser() async throws {
      let sample = try #require(Sample.shared)
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let path = "\(folder.path)/page.html"
      try await Salad.succeed(["report", sample.run, "--bootstrap", "100", "--output", path])
      let result = try await Program.run(
        ["/usr/bin/env", "python3", "-B", Program.source("Tests/Pages/browser_check.py"), path],
        timeLimit: .seconds(600))
      #expect(result.status == 0 && result.output.contains("0 faults"), "\(result)")
    }

    @Test("Without pictures there are none; names stay")
    func noImages() async throws {
      let sample = try #require(Sample.shared)
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let path = "\(folder.path)/page.html"
      try await Salad.succeed(["report", sample.run, "--no-images", "--bootstrap", "0", "--output", path])
      let text = try page(path)
      #expect(try !PageElements(of: text).names.contains("img"))
      #expect(text.contains("--no-images") && text.contains("test/good/") && text.contains("train/good/"))
      #expect(text.contains("No intervals were asked for"))
    }

    @Test("A run whose images and log are gone has a page that says so, beside the run")
    func missing() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      try FileManager.default.removeItem(atPath: sample.data)
      try FileManager.default.removeItem(atPath: "\(sample.run)/metrics.jsonl")
      let result = try await Salad.succeed(ranks: 2, ["report", sample.run + "/"])
      #expect(result.errors.contains("without test images: "))
      let text = try page(sample.run + ".html")
      _ = try PageElements(of: text)
      #expect(text.contains("There are no test images: ") && text.contains("no metrics.jsonl that could be read"))
      #expect(text.contains("training images, each left out") && text.contains("the data set is not there"))
    }

    @Test("A deployment with hashed ids shows test images alone; a torn log and a missing class are told")
    func deployment() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (deployment, path) = (sample.path("deploy"), sample.path("page.html"))
      try await Salad.succeed(["merge", sample.run, "--output", deployment, "--hash-ids"])
      try await Salad.succeed(["report", deployment, "--data", sample.data, "--bootstrap", "50", "--output", path])
      var elements = try PageElements(of: page(path))
      #expect(elements.names.count { $0 == "img" } == 24)
      #expect(elements.texts.contains { $0.contains("keeps hashes in place of") })

      let log = "\(sample.run)/metrics.jsonl"
      try Data(try bytes(of: log) + Data("{\"kind\":\"st".utf8)).write(to: URL(filePath: log))
      for kind in try FileManager.default.contentsOfDirectory(atPath: "\(sample.data)/test") where kind != "good" {
        try FileManager.default.removeItem(atPath: "\(sample.data)/test/\(kind)")
      }
      try await Salad.succeed(["report", sample.run, "--no-images", "--output", sample.path("second.html")])
      elements = try PageElements(of: page(sample.path("second.html")))
      #expect(elements.texts.contains("1 line of its metrics.jsonl could not be read."))
      #expect(
        elements.texts.contains { $0.contains("All test images are normal") || $0.contains("There are no test images") }
      )
    }

    @Test("A hostile name of a file or of a kind is a name in the page")
    func hostile() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let kind = "\"><svg onload=alert(1)>"
      let names = ["<script>alert(2)<&>.png", "a\u{202E}gnp.exe\u{1B}[2J\n'.png", "\u{FFFE}.png"]
      let folder = "\(sample.data)/test/\(kind)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let kinds = try FileManager.default.contentsOfDirectory(atPath: "\(sample.data)/test").filter {
        $0 != "good" && $0 != kind
      }
      let source = try #require(kinds.sorted().first)
      let images = try FileManager.default.contentsOfDirectory(atPath: "\(sample.data)/test/\(source)").sorted()
      for (name, image) in zip(names, images) {
        try FileManager.default.moveItem(
          atPath: "\(sample.data)/test/\(source)/\(image)", toPath: "\(folder)/\(name)")
      }
      let path = sample.path("page.html")
      try await Salad.succeed(["report", sample.run, "--no-images", "--bootstrap", "20", "--output", path])
      let elements = try PageElements(of: page(path))
      #expect(!elements.names.contains("script") && !elements.attributes.contains { $0.name == "onload" })
      #expect(elements.texts.contains(kind), "the table of kinds has it")
      #expect(try !page(path).contains("\u{202E}"))
    }

    @Test("What cannot be is refused before any work")
    func refusals() async throws {
      let sample = try #require(Sample.shared)
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let path = "\(folder.path)/page.html"
      Salad.expectRefusal(
        try await Salad.run(["report", sample.run, "--data", "\(folder.path)/nowhere", "--output", path]), status: 65,
        naming: ["nowhere", "expected a data set"])
      Salad.expectRefusal(
        try await Salad.run(["report", folder.path, "--output", path]), status: 65, naming: ["expected a run"])
      Salad.expectRefusal(try await Salad.run(["report", "."]), status: 64, naming: ["give --output"])
      Salad.expectRefusal(
        try await Salad.run(["report", sample.run, "--output", "\(folder.path)/no/page.html"]), status: 74,
        naming: ["no/page.html"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }
}
