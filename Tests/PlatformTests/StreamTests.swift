import Foundation
import Testing

@testable import Platform

@Suite("Standard streams")
struct StreamTests {
  /// A pipe's ends, closed in the end.
  private final class Pipe {
    var ends: [Int32] = [-1, -1]
    var reading: Int32 { ends[0] }
    var writing: Int32 { ends[1] }

    init() { pipe(&ends) }
    deinit { for end in ends where end >= 0 { close(end) } }

    /// So many bytes, or those that come before its end, on a thread of their own.
    func read(_ count: Int) -> Thread.Outcome<[UInt8]> {
      let reading = reading
      return Thread.detached {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 50_000)
        while bytes.count < count {
          let count = Foundation.read(reading, &buffer, buffer.count)
          if count <= 0 { break }
          bytes += buffer[..<count]
        }
        return bytes
      }
    }

    func closeReading() {
      close(ends[0])
      ends[0] = -1
    }
  }

  @Test("A pipe that is full and does not block is waited for, and everything arrives")
  func nonBlocking() async throws {
    let pipe = Pipe()
    _ = fcntl(pipe.writing, F_SETFL, O_NONBLOCK)
    let text = String(repeating: "0123456789abcdef", count: 100_000)
    let reader = pipe.read(text.utf8.count)
    #expect(StandardStreams.write(text, to: pipe.writing, patience: -1) == 0)
    #expect(reader.value == Array(text.utf8))
  }

  @Test("Nobody reads a full pipe: a sentence is given up after its patience, not waited for without end")
  func patience() {
    let pipe = Pipe()
    _ = fcntl(pipe.writing, F_SETFL, O_NONBLOCK)
    let text = String(repeating: "x", count: 1 << 20)
    #expect(StandardStreams.write(text, to: pipe.writing, patience: 10) == EAGAIN)
  }

  @Test(
    "A full pipe that nobody reads holds sentences up once, and not again until one gets through",
    arguments: [Int32(0), O_NONBLOCK])
  func stuck(flags: Int32) {
    let pipe = Pipe()
    _ = fcntl(pipe.writing, F_SETFL, O_NONBLOCK)
    let page = String(repeating: "x", count: 4096)
    while StandardStreams.write(page, to: pipe.writing, patience: 0) == 0 {}
    _ = fcntl(pipe.writing, F_SETFL, flags)

    let stream = LossyStream(descriptor: pipe.writing, patience: 300)
    let elapsed = ContinuousClock().measure {
      for _ in 0..<50 { #expect(stream.write("a sentence\n") == EAGAIN) }
    }
    #expect(elapsed >= .milliseconds(300) && elapsed < .seconds(5))

    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    #expect(read(pipe.reading, &buffer, buffer.count) > 0)
    #expect(stream.write("a sentence\n") == 0)
  }

  @Test("A sentence of many pages arrives whole")
  func pages() {
    let pipe = Pipe()
    let text = String(repeating: "0123456789abcdef", count: 100_000)
    let reader = pipe.read(text.utf8.count)
    #expect(LossyStream(descriptor: pipe.writing, patience: 10_000).write(text) == 0)
    #expect(reader.value == Array(text.utf8))
  }

  @Test("A broken pipe, a full disk and a closed descriptor are errors, and no signal")
  func errors() {
    signal(SIGPIPE, SIG_IGN)
    let pipe = Pipe()
    pipe.closeReading()
    #expect(StandardStreams.write("x", to: pipe.writing, patience: -1) == EPIPE)
    let full = open("/dev/full", O_WRONLY)
    defer { close(full) }
    #expect(StandardStreams.write("x", to: full, patience: -1) == ENOSPC)
    #expect(StandardStreams.write("x", to: 9999, patience: -1) == EBADF)
    #expect(StandardStreams.write("", to: full, patience: -1) == 0)
    // Nor does a sentence wait for what will never take it.
    for (descriptor, code) in [(pipe.writing, EPIPE), (full, ENOSPC), (9999, EBADF)] {
      #expect(LossyStream(descriptor: descriptor, patience: 60_000).write("x") == code)
    }
  }

  @Test("An error says what is wrong with standard output")
  func sentences() {
    #expect(
      StreamError(code: ENOSPC).description
        == "standard output: the result cannot be written: No space left on device")
    #expect(StreamError(code: EBADF).description == "standard output is closed: the result has no place to go")
  }
}

extension Thread {
  /// A thread's result, for whoever waits.
  fileprivate static func detached<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Outcome<Result> {
    let outcome = Outcome<Result>()
    detachNewThread { outcome.monitor.update { $0 = body() } }
    return outcome
  }

  fileprivate struct Outcome<Result: Sendable>: Sendable {
    let monitor = Monitor<Result?>(nil)
    var value: Result { monitor.wait { $0 } }
  }
}
