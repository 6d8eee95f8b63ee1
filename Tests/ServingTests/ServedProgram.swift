import Foundation
import RanksSupport
import Testing

/// Phantoms, and a deployment of a narrow network that was trained on them: made once for all tests.
struct Served: Sendable {
  let folder: TemporaryFolder
  var data: String { path("data") }
  var deploy: String { path("deploy") }
  /// The same with other names in it, so that its hash is another.
  var other: String { path("other") }

  func path(_ name: String) -> String { "\(folder.path)/\(name)" }

  @TaskLocal static var shared: Served?

  /// Paths of images that training did not see.
  func images() throws -> [String] {
    let folder = data + "/test/good"
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { "\(folder)/\($0)" }
  }

  /// The bytes of one of them.
  func image(_ index: Int = 0) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: try images()[index])) }

  static func make() async throws -> Served {
    let served = Served(folder: try TemporaryFolder())
    let commands = [
      [
        "phantom", served.data, "--train", "24", "--test-normal", "6", "--test-anomalous", "2", "--size", "64",
        "--seed", "3",
      ],
      [
        "train", "--data", served.data, "--run", served.path("run"), "--size", "64", "--max-width", "16", "--rounds",
        "0",
        "--epochs-per-round", "1", "--batch-size", "8", "--micro-batch", "2", "--neighbours", "3",
      ],
      ["merge", served.path("run"), "--output", served.deploy],
      ["merge", served.path("run"), "--output", served.other, "--hash-ids"],
    ]
    for command in commands {
      let result = try await Program.run([try Program.built("salad")] + command)
      try #require(result.status == 0, "\(result)")
    }
    return served
  }
}

struct ServedTrait: SuiteTrait, TestScoping {
  func provideScope(
    for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
  ) async throws {
    let served = try await Served.make()
    defer { served.folder.remove() }
    try await Served.$shared.withValue(served) { try await body() }
  }
}

/// A server that runs while a test asks it. End it with `defer`.
final class ServedProgram {
  let program: BackgroundProgram
  let port: Int

  /// Starts it on any port, and waits until it listens.
  init(_ deploy: String, _ arguments: [String] = []) async throws {
    program = try BackgroundProgram(
      [try Program.built("salad"), "serve", deploy, "--port", "0", "--interval", "0.2", "--workers", "1"] + arguments)
    for _ in 0..<6000 where program.isRunning && program.output.isEmpty { usleep(20_000) }
    let url = program.output.split(separator: "\n").first ?? ""
    guard let found = url.split(separator: ":").last.flatMap({ Int($0) }) else {
      program.end()
      throw HTTPConnection.Failure(description: "salad serve printed no address: \(program.errors)")
    }
    port = found
  }

  func end() { program.end() }

  /// One request on a connection of its own.
  func ask(
    _ method: String, _ path: String, headers: [String: String] = [:], body: Data? = nil
  ) throws -> HTTPAnswer {
    let connection = try HTTPConnection(port: port)
    connection.send(HTTP.request(method, path, headers: headers, body: body))
    return try connection.answer()
  }

  func score(_ file: Data, _ path: String = "/v1/score", type: String = "image/png") throws -> HTTPAnswer {
    try ask("POST", path, headers: ["Content-Type": type], body: file)
  }

  /// Asks on another thread.
  func scoreLater(_ file: Data, _ path: String = "/v1/score") -> Later {
    let port = port
    return Later {
      let connection = try HTTPConnection(port: port)
      connection.send(HTTP.request("POST", path, headers: ["Content-Type": "image/png"], body: file))
      return try connection.answer()
    }
  }

  /// Process ids of its decoding children.
  var children: [pid_t] {
    let folder = "/proc/\(program.number)/task"
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return threads.flatMap { thread in
      let text = (try? String(contentsOfFile: "\(folder)/\(thread)/children", encoding: .utf8)) ?? ""
      return text.split(separator: " ").compactMap { pid_t($0) }
    }
  }

  /// Waits until something holds; a minute at most.
  func wait(for condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<3000 {
      if try condition() { return true }
      usleep(20_000)
    }
    return false
  }

  /// Waits until so many images are on their way.
  func waits(for images: Int) -> Bool { wait { gauge("salad_queue_images") == images } }

  /// A whole number of `/metrics`; nil where it is not there yet.
  func gauge(_ name: String) -> Int? {
    let lines = (try? ask("GET", "/metrics"))?.text.split(separator: "\n") ?? []
    return lines.first { $0.hasPrefix(name + " ") }.flatMap { Int($0.dropFirst(name.count + 1)) }
  }
}

/// What an answer on another thread will be.
final class Later: @unchecked Sendable {
  // @unchecked: `answer` is written before the semaphore is signalled and read after it.
  private let done = DispatchSemaphore(value: 0)
  private var answer: Result<HTTPAnswer, any Error>?

  init(_ body: @escaping @Sendable () throws -> HTTPAnswer) {
    let thread = Thread { [self] in
      answer = Result { try body() }
      done.signal()
    }
    thread.start()
  }

  func get() throws -> HTTPAnswer {
    done.wait()
    done.signal()
    return try answer!.get()
  }

  /// Whether `get` would not wait.
  var isDone: Bool {
    guard done.wait(timeout: .now()) == .success else { return false }
    done.signal()
    return true
  }
}
