#if Server
  import Foundation
  import Radiographs
  import RanksSupport
  import Testing

  /// All tests that start a server.
  @Suite("Server", .serialized, ServedTrait())
  struct ServeTests {
    let served: Served

    init() throws { served = try #require(Served.shared) }

    func salad(_ arguments: [String]) async throws -> ProgramResult {
      try await Program.run([try Program.built("salad")] + arguments)
    }

    // MARK: Scores

    @Test("Scores, p-values and flags are those of salad score, bit for bit, for one image and for several")
    func scores() async throws {
      let paths = try served.images()
      let rows = try await salad(["score", served.deploy] + paths + ["--csv"]).output.split(separator: "\n").dropFirst()
        .map { $0.split(separator: ",") }
      try #require(rows.count == paths.count)
      let server = try await ServedProgram(served.deploy)
      defer { server.end() }
      let form = HTTP.form(try paths.map { ($0, try Data(contentsOf: URL(fileURLWithPath: $0))) })
      let answer = try server.ask("POST", "/v1/score?nearest=3", headers: form.headers, body: form.body)
      #expect(answer.status == 200)
      try #require(answer.images.count == paths.count)
      for (row, image) in zip(rows, answer.images) {
        #expect(image.name == String(row[0]))
        #expect(image.score == Double(row[1]))
        #expect(image.rule == String(row[2]))
        #expect(image.pValue == Double(row[3]))
        #expect(image.flagged == (row[4] == "true"))
        let distances = try #require(image.nearest).compactMap(\.distance)
        #expect(distances.count == 3 && distances == distances.sorted())
      }
      let alone = try server.score(try served.image(1), "/v1/score?nearest=0")
      #expect(alone.images.first?.score == Double(rows[1][1]))
      #expect(alone.images.first?.nearest?.isEmpty == true)
      let about = try server.ask("GET", "/v1/model").text
      let model = try #require(alone.images.first?.model)
      #expect(
        about.contains("\"model\":\"\(model)\"") && about.contains("\"images\":24,") && about.contains("\"size\":64,"))
      #expect(try server.ask("GET", "/health/ready").status == 200)
      let heat = try server.score(try served.image(1), "/v1/explain").json
      #expect(Data(base64Encoded: heat?.heatMap ?? "")?.count == 64 * 64 * 4)
      #expect(Data(base64Encoded: heat?.image ?? "")?.count == 64 * 64)
      let metrics = try server.ask("GET", "/metrics").text
      #expect(metrics.contains("salad_requests_total{endpoint=\"/v1/score\",status=\"200\"} 2\n"))
    }

    // MARK: Refusals

    @Test("What cannot be answered is refused with the status and the sentence that say why")
    func refusals() async throws {
      let server = try await ServedProgram(served.deploy, ["--max-bytes", "100000", "--max-pixels", "10000"])
      defer { server.end() }
      let image = try served.image()
      func expect(_ answer: HTTPAnswer, _ status: Int, _ words: String, line: Int = #line) {
        let sentence = answer.json?.error ?? answer.images.first?.error ?? ""
        #expect(answer.status == status && sentence.contains(words), "line \(line): \(answer.status) \(answer.text)")
      }
      expect(try server.score(Data("no image".utf8)), 422, "found a text file")
      expect(try server.score(image.prefix(image.count / 2)), 422, "cut short")
      expect(try server.score(Data()), 400, "found nothing")
      expect(try server.score(image, type: "text/plain"), 415, "Content-Type")
      expect(try server.ask("POST", "/v1/score", body: image), 415, "found none")
      expect(try server.score(image, "/v1/score?nearest=-1"), 400, "nearest")
      expect(try server.score(image, "/v1/score?K=5"), 400, "found another")
      expect(try server.score(Data("x".utf8), type: "multipart/form-data"), 400, "boundary")
      expect(try server.score(Data("x".utf8), type: "multipart/form-data; boundary=b"), 400, "boundary")
      expect(try server.score(Data(count: 100_001)), 413, "100000 bytes")
      expect(try server.ask("GET", "/v1/score"), 405, "POST")
      expect(try server.ask("GET", "/nothing"), 404, "nothing at this path")
      let elsewhere = try HTTPConnection(port: server.port)
      elsewhere.send(Data("GET /v1/model HTTP/1.1\r\nHost: evil.example\r\n\r\n".utf8))
      expect(try elsewhere.answer(), 421, "Host")

      let large = served.path("large.png")
      try Radiograph(width: 200, height: 200, pixels: .eightBit([UInt8](repeating: 9, count: 40_000))).writePNG(
        to: large)
      expect(try server.score(try Data(contentsOf: URL(fileURLWithPath: large))), 413, "10000 pixels")

      // A body that does not say how long it is, and is too long.
      let chunked = try HTTPConnection(port: server.port)
      chunked.send(
        HTTP.request("POST", "/v1/score", headers: ["Content-Type": "image/png", "Transfer-Encoding": "chunked"])
          + Data("30000\r\n".utf8) + Data(count: 0x30000) + Data("\r\n0\r\n\r\n".utf8))
      #expect(try chunked.answer().status == 413)

      let header = try server.ask("GET", "/health", headers: ["X-Long": String(repeating: "x", count: 100_000)])
      #expect(header.status == 400)

      // One bad image of several takes none with it.
      let form = HTTP.form([("good.png", image), ("bad.png", Data("no image".utf8)), ("again.png", image)])
      let mixed = try server.ask("POST", "/v1/score", headers: form.headers, body: form.body)
      #expect(mixed.status == 200)
      #expect(mixed.images.map { $0.score != nil } == [true, false, true])
      #expect(mixed.images[1].error?.contains("text file") == true)
    }

    @Test("A client that sends its image too slowly is told so, and the connection is closed")
    func slowClient() async throws {
      let server = try await ServedProgram(served.deploy, ["--request-timeout", "1"])
      defer { server.end() }
      let slow = try HTTPConnection(port: server.port)
      slow.send(
        Data(
          "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 900\r\n\r\nabc".utf8
        ))
      #expect(try slow.answer().status == 408)
      // Who waits to be asked for the body is asked.
      let image = try served.image()
      let polite = try HTTPConnection(port: server.port)
      polite.send(
        HTTP.request(
          "POST", "/v1/score",
          headers: ["Content-Type": "image/png", "Expect": "100-continue", "Content-Length": "\(image.count)"]))
      polite.send(image)
      #expect(try polite.answer().status == 200)
    }

    @Test("Beyond the queue's length requests are turned away, and what waits too long is given up")
    func fullQueue() async throws {
      let server = try await ServedProgram(served.deploy, ["--max-queue", "1", "--request-timeout", "3"])
      defer { server.end() }
      let image = try served.image()
      let child = try #require(server.children.first)
      kill(child, SIGSTOP)
      let first = server.scoreLater(image)
      #expect(server.waits(for: 1))
      let second = try server.score(image)
      #expect(second.status == 429 && second.headers["retry-after"] != nil)
      #expect(try first.get().status == 504)
      kill(child, SIGCONT)
      #expect(try server.score(image).status == 200)
    }

    // MARK: Trust

    @Test("Other hosts are served with a token only, from a file that is its owner's alone")
    func token() async throws {
      let token = "0123456789abcdef0123456789abcdef"
      let file = served.path("token")
      try Data((token + "\n").utf8).write(to: URL(fileURLWithPath: file))
      chmod(file, 0o644)
      let without = try await salad(["serve", served.deploy, "--host", "0.0.0.0"])
      #expect(without.status == 64 && without.errors.contains("--token-file"), "\(without)")
      let open = try await salad(["serve", served.deploy, "--host", "0.0.0.0", "--token-file", file])
      #expect(open.status == 64 && open.errors.contains("chmod 600"), "\(open)")
      chmod(file, 0o600)
      let server = try await ServedProgram(served.deploy, ["--host", "0.0.0.0", "--token-file", file])
      defer { server.end() }
      for path in ["/v1/model", "/metrics"] {
        #expect(try server.ask("GET", path).status == 401)
        #expect(try server.ask("GET", path, headers: ["Authorization": "Bearer \(token)x"]).status == 401)
        #expect(try server.ask("GET", path, headers: ["Authorization": "Bearer \(token)"]).status == 200)
      }
      #expect(try server.ask("GET", "/").status == 200)
    }

    @Test("A server is one process")
    func ranks() async throws {
      let result = try await Program.mpirun(
        ranks: 2, [try Program.built("salad"), "serve", served.deploy, "--port", "0"], timeLimit: .seconds(120))
      #expect(result.status == 64 && result.errors.contains("without mpirun"), "\(result)")
    }

    // MARK: Trouble

    @Test("A child that crashes costs its image an answer, and nobody else anything")
    func crash() async throws {
      let server = try await ServedProgram(
        served.deploy, ["--decode-memory", "16M", "--max-pixels", "268435456"])
      defer { server.end() }
      let image = try served.image()
      let before = try #require(server.children.first)
      kill(before, SIGSTOP)
      let lost = server.scoreLater(image)
      #expect(server.waits(for: 1))
      kill(before, SIGKILL)
      let answer = try lost.get()
      #expect(answer.status == 422 && answer.text.contains("signal 9"), "\(answer)")
      #expect(try server.score(image).status == 200)
      #expect(try #require(server.children.first) != before)

      // Small as a file, and more than a child may take once it is decoded.
      let bomb = served.path("bomb.png")
      try Radiograph(width: 8000, height: 8000, pixels: .eightBit([UInt8](repeating: 0, count: 64_000_000)))
        .writePNG(to: bomb)
      #expect(try server.score(try Data(contentsOf: URL(fileURLWithPath: bomb))).status == 422)
      #expect(try server.score(image).status == 200)
    }

    @Test("A signal lets what was asked be answered, and then ends it with status 0")
    func gracefulStop() async throws {
      let server = try await ServedProgram(served.deploy)
      defer { server.end() }
      let image = try served.image()
      let child = try #require(server.children.first)
      kill(child, SIGSTOP)
      let inFlight = server.scoreLater(image)
      #expect(server.waits(for: 1))
      kill(server.program.number, SIGTERM)
      #expect(server.wait { (try? server.ask("GET", "/health")) == nil })
      kill(child, SIGCONT)
      #expect(try inFlight.get().status == 200)
      #expect(server.wait { !server.program.isRunning })
      #expect(server.program.status == 0)
    }

    @Test("Another model takes over without losing a request, and a broken one is refused")
    func swap() async throws {
      let link = served.path("live")
      let files = FileManager.default
      func point(to target: String) throws {
        try files.createSymbolicLink(atPath: link + "-new", withDestinationPath: target)
        #expect(rename(link + "-new", link) == 0)
      }
      try point(to: served.deploy)
      let server = try await ServedProgram(link)
      defer { server.end() }
      let image = try served.image()
      let old = try server.score(image).images.first?.model
      try point(to: served.other)
      var statuses: Set<Int> = []
      let isSwapped = try server.wait {
        let answer = try server.score(image)
        statuses.insert(answer.status)
        return answer.images.first?.model != old
      }
      #expect(isSwapped && statuses == [200])
      let new = try server.score(image).images.first?.model

      let broken = served.path("broken")
      try files.copyItem(atPath: served.deploy, toPath: broken)
      let bank = URL(fileURLWithPath: broken + "/bank.safetensors")
      var bytes = try Data(contentsOf: bank)
      bytes[bytes.count - 1] ^= 1
      try bytes.write(to: bank)
      try point(to: broken)
      #expect(server.wait { server.program.errors.contains("another model was refused") })
      #expect(try server.score(image).images.first?.model == new)
    }

    @Test("A watched folder's images get a row each, also where the server was killed in the midst of one")
    func watch() async throws {
      let (inbox, table) = (served.path("inbox"), served.path("scores.csv"))
      try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: false)
      let images = try served.images()
      func put(_ index: Int) throws {
        try FileManager.default.copyItem(atPath: images[index], toPath: "\(inbox)/\(index).png")
      }
      func rows() -> [String] {
        ((try? String(contentsOfFile: table, encoding: .utf8)) ?? "").split(separator: "\n").dropFirst().map(
          String.init)
      }
      try put(0)
      try Data("no image".utf8).write(to: URL(fileURLWithPath: inbox + "/bad.png"))
      let arguments = ["--watch", inbox, "--output", table]
      let server = try await ServedProgram(served.deploy, arguments)
      defer { server.end() }
      #expect(server.wait { rows().count == 2 })
      server.end()
      // Half a row, as a crash leaves it.
      let whole = try String(contentsOfFile: table, encoding: .utf8)
      try (whole + "\(inbox)/1.png,0.4").write(toFile: table, atomically: false, encoding: .utf8)
      try put(1)
      let again = try await ServedProgram(served.deploy, arguments)
      defer { again.end() }
      #expect(again.wait { rows().count == 3 })
      try put(2)
      #expect(again.wait { rows().count == 4 })
      let found = rows().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
      #expect(Set(found.map { String($0[0]) }) == Set(["0.png", "1.png", "2.png", "bad.png"].map { "\(inbox)/\($0)" }))
      #expect(found.allSatisfy { $0[0].hasSuffix("bad.png") == $0[1].isEmpty })
      let scored = try await salad(["score", served.deploy, "\(inbox)/2.png", "--csv"]).output.split(separator: "\n")
      #expect(rows().contains { $0.hasPrefix(scored[1] + ",") })
      let second = try await salad(["serve", served.deploy, "--port", "0"] + arguments)
      #expect(second.status == 64 && second.errors.contains("another process is writing it"), "\(second)")
    }
  }
#endif
