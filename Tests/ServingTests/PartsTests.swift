#if Server
  import Foundation
  import Metrics
  import Radiographs
  import RanksSupport
  import Testing

  @testable import Serving

  @Suite("Parts of a server")
  struct PartsTests {
    @Test("Metrics are written as Prometheus reads them")
    func prometheus() {
      let factory = PrometheusFactory(help: ["a_total": "What is counted."], bounds: ["c_seconds": [0.5, 1]])
      Counter(label: "a_total", dimensions: [("of", "x\"\\")], factory: factory).increment(by: 3)
      Counter(label: "a_total", dimensions: [("of", "x\"\\")], factory: factory).increment()
      Gauge(label: "b", factory: factory).record(2.5)
      let timer = Metrics.Timer(label: "c_seconds", factory: factory)
      for milliseconds in [250, 500, 750, 3000] { timer.recordMilliseconds(milliseconds) }
      #expect(
        factory.text() == """
          # HELP a_total What is counted.
          # TYPE a_total counter
          a_total{of="x\\"\\\\"} 4
          # TYPE b gauge
          b 2.5
          # TYPE c_seconds histogram
          c_seconds_bucket{le="0.5"} 2
          c_seconds_bucket{le="1"} 3
          c_seconds_bucket{le="+Inf"} 4
          c_seconds_sum 4.5
          c_seconds_count 4

          """)
    }

    @Test("What is said to a decoding child and what it answers is read as it was written")
    func decodeMessages() {
      let preparations = [
        Preparation(side: 64, fit: .pad, borderMask: 0, greyRange: nil),
        Preparation(side: 512, fit: .stretch, borderMask: 0.125, greyRange: 3),
      ]
      for preparation in preparations {
        let request = DecodeRequest(
          bytes: 1 << 40, mostPixels: 7, seconds: 20, preparation: preparation, wantsContent: preparation.side > 64)
        #expect(request.head.count == DecodeRequest.headSize && DecodeRequest(head: request.head) == request)
      }
      let reply = DecodeReply(kind: .float, sentence: "é", pixels: [1, 2, 3], content: 1 << 63 | 5)
      let numbers = DecodeMessage.numbers(Array(reply.message.prefix(DecodeReply.headSize)))
      #expect(numbers == [1, 2, 3, Int(truncatingIfNeeded: 1 << 63 | 5 as UInt64)])
      #expect(Array(reply.message.dropFirst(DecodeReply.headSize)) == Array("é".utf8) + [1, 2, 3])
    }

    @Test("A token is admitted by its own header alone")
    func token() {
      let token = AccessToken("0123456789abcdef")
      #expect(token.admits("Bearer 0123456789abcdef") && token.admits("bearer  0123456789abcdef"))
      for header in [
        nil, "", "Bearer", "Bearer ", "0123456789abcdef", "Basic 0123456789abcdef", "Bearer 0123456789abcde",
      ] {
        #expect(!token.admits(header))
      }
    }

    @Test("Addresses that other hosts reach are told from those that none does")
    func addresses() {
      for host in ["127.0.0.1", "127.8.9.10", "localhost", "::1", "[::1]"] { #expect(ListenAddress.isLoopback(host)) }
      for host in ["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "127.0.0", "127.0.0.256", ""] {
        #expect(!ListenAddress.isLoopback(host))
      }
    }

    @Test("A log line has the time of day and its values, on one line")
    func logLine() {
      let line = LineLogHandler.line(
        at: Date(timeIntervalSince1970: 1.25), .info, "model loaded", ["b": "x\ny \"z\"", "a": "1"])
      #expect(line == #"1970-01-01T00:00:01.250Z info model loaded a=1 b="x\ny \"z\"""#)
    }

    @Test("Rows of a table are whole up to the last line end outside of quotes")
    func wholeRows() {
      for (text, whole) in [
        ("", 0), ("a\n", 2), ("a\nb", 2), ("a\n\"x\ny", 2), ("a\n\"x\ny\"\n", 8), ("a\n\"x\"\"\n", 2),
      ] {
        #expect(WatchTable.wholeRows(Array(text.utf8)) == whole, "\(text)")
      }
    }

    @Test("A table that is another's is refused and stays as it is")
    func foreignTable() throws {
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let path = folder.path + "/table.csv"
      try "path,score\nx,1\n".write(toFile: path, atomically: false, encoding: .utf8)
      #expect(throws: (any Error).self) { try WatchTable(path) }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "path,score\nx,1\n")
    }

    @Test("The state of a folder changes with each of its files, and is nothing where there is none")
    func folderState() throws {
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      #expect(FolderState(folder.path + "/none") == nil)
      try "1".write(toFile: folder.path + "/a", atomically: true, encoding: .utf8)
      let state = FolderState(folder.path)
      #expect(state != nil && state == FolderState(folder.path))
      try "2".write(toFile: folder.path + "/a", atomically: true, encoding: .utf8)
      #expect(state != FolderState(folder.path))
    }
  }
#endif
