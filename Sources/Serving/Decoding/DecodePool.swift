#if Server
  import Logging
  import Platform
  import Radiographs

  /// Children that decode pictures, each with a thread here that talks to it. One that crashes or takes too long costs its
  /// picture an answer, and nobody else anything: another one is started.
  final class DecodePool: Sendable {
    struct Settings: Sendable {
      var children: Int
      /// Bytes that a child may take for a picture.
      var memory: Int
      /// That a picture may take.
      var seconds: Int
      var mostPixels: Int
      /// The program that is started as a child, and what makes it one.
      var program = Host.ownProgram
      var arguments: [String]
    }

    /// A picture as the network sees it.
    struct Decoded: Sendable {
      var picture: Radiograph
      /// What the whole of it shows: `PictureHash`'s, where that was asked for.
      var content: UInt64
    }

    /// A picture to decode.
    struct Job: Sendable {
      var bytes: [UInt8]
      var preparation: Preparation
      var deadline: ContinuousClock.Instant
      /// Whether what it shows is asked for, too.
      var wantsContent = false
      /// Called once, on a thread of the pool.
      var finish: @Sendable (Result<Decoded, ImageFault>) -> Void
    }

    private struct State: Sendable {
      var jobs: [Job] = []
      var isOpen = true
    }

    private let state = Monitor(State())
    private let settings: Settings
    private let metrics: ServerMetrics
    private let log: Logger
    private let threads: [WorkerThread]

    /// Starts the children.
    ///
    /// - Throws: `SystemError` where threads or processes are not allowed.
    init(_ settings: Settings, metrics: ServerMetrics, log: Logger) throws {
      (self.settings, self.metrics, self.log) = (settings, metrics, log)
      // Before any thread: what cannot be started is said at once.
      let children = try (0..<settings.children).map { _ in try Self.start(settings) }
      let state = state
      threads = try children.map { child in
        try WorkerThread("decoding") {
          Talk(settings: settings, metrics: metrics, log: log, child: child).run(state: state)
        }
      }
    }

    func add(_ job: Job) { state.update { $0.jobs.append(job) } }

    /// Ends the children once nothing is left to do.
    func close() {
      state.update { $0.isOpen = false }
      threads.forEach { $0.join() }
    }

    private static func start(_ settings: Settings) throws -> ChildProcess {
      // A crash is an answer here, and nobody waits for the pages that Swift's runtime would write of it.
      try ChildProcess(
        settings.program, settings.arguments + ["--memory", "\(settings.memory)"],
        variables: ["SWIFT_BACKTRACE": "enable=no"])
    }

    /// A thread and its child.
    private struct Talk {
      let settings: Settings
      let metrics: ServerMetrics
      let log: Logger
      var child: ChildProcess?

      consuming func run(state: Monitor<State>) {
        var talk = self
        while true {
          let job = state.wait { state -> Job?? in
            if !state.jobs.isEmpty { return .some(state.jobs.removeFirst()) }
            return state.isOpen ? nil : .some(nil)
          }
          guard let job else { break }
          job.finish(talk.decode(job))
        }
        talk.child?.end()
      }

      private mutating func decode(_ job: Job) -> Result<Decoded, ImageFault> {
        guard job.deadline > .now else { return .failure(.late) }
        do {
          let child = try self.child ?? DecodePool.start(settings)
          self.child = child
          return try ask(child, job)
        } catch let fault as ChildProcess.Fault {
          let end = child?.end() ?? "was gone"
          child = nil
          metrics.childEnded()
          let reason = fault == .late ? "took more than \(settings.seconds) s" : end
          log.error("decoding child ended, another takes its place", metadata: ["reason": "\(reason)"])
          return .failure(
            fault == .late
              ? .unreadable("image: decoding it took more than \(settings.seconds) s")
              : .unreadable("image: the process that decoded it \(end)"))
        } catch {
          log.error("no decoding child", metadata: ["reason": "\(error)"])
          // Of a host that has no more processes for the moment.
          Host.pause(microseconds: 100_000)
          return .failure(.failed("the image cannot be decoded for the moment: \(error)"))
        }
      }

      private func ask(_ child: ChildProcess, _ job: Job) throws -> Result<Decoded, ImageFault> {
        let deadline = ContinuousClock.now + .seconds(settings.seconds)
        let request = DecodeRequest(
          bytes: job.bytes.count, mostPixels: settings.mostPixels, seconds: settings.seconds,
          preparation: job.preparation, wantsContent: job.wantsContent)
        try child.write(request.head, until: deadline)
        try child.write(job.bytes, until: deadline)
        let numbers = DecodeMessage.numbers(try child.read(count: DecodeReply.headSize, until: deadline))
        let side = job.preparation.side
        // A child that is no longer itself may say anything.
        guard let kind = DecodeReply.Kind(rawValue: numbers[0]), (0...DecodeReply.mostSentence).contains(numbers[1]),
          (0...side * side * MemoryLayout<Float>.stride).contains(numbers[2])
        else { throw ChildProcess.Fault.gone }
        let sentence = String(decoding: try child.read(count: numbers[1], until: deadline), as: UTF8.self)
        let pixels = try child.read(count: numbers[2], until: deadline)
        switch kind {
        case .unreadable: return .failure(.unreadable(sentence))
        case .tooLarge: return .failure(.tooLarge(sentence))
        // No memory within the limits of a picture: it is to blame, not the server.
        case .failed: return .failure(.unreadable(sentence))
        case .eightBit, .float:
          guard let picture = DecodeMessage.picture(kind, pixels, side: side) else { throw ChildProcess.Fault.gone }
          return .success(Decoded(picture: picture, content: UInt64(bitPattern: Int64(numbers[3]))))
        }
      }
    }
  }
#endif
