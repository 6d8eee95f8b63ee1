#if Server
  import Testing

  @testable import Serving

  @Suite("Multipart")
  struct MultipartTests {
    private static func parts(_ text: String, boundary: String = "b", most: Int = 10) throws -> [Multipart.Part] {
      try Multipart.parts(of: Array(text.utf8), boundary: boundary, most: most)
    }

    @Test("Parts have their names, their types and their bytes, line breaks and dashes among them")
    func parts() throws {
      let parts = try Self.parts(
        "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x; \\\"y\\\".png\"\r\n"
          + "content-type: Image/PNG; q=1\r\n\r\none\r\n--\r\n-b\r\n\r\n--b \r\n\r\nplain\r\n--b--\r\nepilogue")
      #expect(parts.count == 2)
      #expect(parts[0].name == "a" && parts[0].fileName == "x; \"y\".png" && parts[0].contentType == "image/png")
      #expect(String(decoding: parts[0].content, as: UTF8.self) == "one\r\n--\r\n-b\r\n")
      #expect(parts[0].isFile && !parts[1].isFile)
      #expect(String(decoding: parts[1].content, as: UTF8.self) == "plain")
    }

    @Test(
      "What is no form is refused",
      arguments: [
        "", "--c\r\n\r\nx\r\n--c--", "--b", "--b\r\n", "--b\r\n\r\nx", "--bx\r\n\r\ny\r\n--b--", "--b\r\nA: b\r\n--b--",
      ])
    func refusals(text: String) {
      #expect(throws: Multipart.Fault.self) { try Self.parts(text) }
    }

    @Test("More parts than there may be are too much")
    func tooMany() {
      let text = String(repeating: "--b\r\n\r\nx\r\n", count: 5) + "--b--"
      #expect((try? Self.parts(text, most: 5))?.count == 5)
      #expect {
        try Self.parts(text, most: 4)
      } throws: { ($0 as? Multipart.Fault)?.isTooMuch == true }
    }

    @Test("Whatever the bytes are, parsing ends; files come back as they were, unless the boundary is in them")
    func fuzz() throws {
      var random = SystemRandomNumberGenerator()
      let pieces = [
        "--b", "\r\n", "--", "b", "\n", "\r", "Content-Disposition: form-data; name=\"", "\"", ";", ":", "x", "\0",
      ]
      .map { Array($0.utf8) }
      for _ in 0..<20_000 {
        let body = (0..<Int.random(in: 0...24, using: &random)).flatMap { _ in pieces.randomElement(using: &random)! }
        _ = try? Multipart.parts(of: body, boundary: "b", most: 3)
        let form = Array("--limit\r\n\r\n".utf8) + body + Array("\r\n--limit--".utf8)
        // A head of its own may stand at the beginning of the bytes.
        let parts = try Multipart.parts(of: form, boundary: "limit", most: 1)
        #expect(Array(parts[0].content) == body)
      }
    }

    @Test("A long body of what a boundary begins with is looked at once", .timeLimit(.minutes(1)))
    func linear() {
      for filler in ["\r\n--bbbbbbbbbbbbbbbbbbbbbbbbbbbb", "\r", "-", "\r\n"] {
        let body =
          Array("--\(String(repeating: "b", count: 70))\r\n\r\n".utf8)
          + [UInt8](String(repeating: filler, count: 4_000_000 / filler.utf8.count).utf8)
        #expect(throws: Multipart.Fault.self) {
          try Multipart.parts(of: body, boundary: String(repeating: "b", count: 70), most: 10)
        }
      }
    }
  }
#endif
