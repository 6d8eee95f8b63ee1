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
    let (reading, writing) = (pipe.reading, pipe.writing)
    let reader = Thread.detached {
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 50_000)
      while bytes.count < 1_600_000 {
        let count = read(reading, &buffer, buffer.count)
        if count <= 0 { break }
        bytes += buffer[..<count]
      }
      return bytes
    }
    #expect(StandardStreams.write(text, to: writing, patience: -1) == 0)
    #expect(reader.value == Array(text.utf8))
  }

  @Test("Nobody reads a full pipe: a sentence is given up after its patience, not waited for without end")
  func patience() {
    let pipe = Pipe()
    _ = fcntl(pipe.writing, F_SETFL, O_NONBLOCK)
    let text = String(repeating: "x", count: 1 << 20)
    #expect(StandardStreams.write(text, to: pipe.writing, patience: 10) == EAGAIN)
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
