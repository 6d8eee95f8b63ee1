#if Server
  import Hummingbird
  import HummingbirdCore
  import Logging
  import NIOCore
  import Platform
  import SALAD
  import ServiceLifecycle

  /// Scores for whoever asks by HTTP, until a signal asks to stop.
  public struct Server {
    /// What a server may take and do.
    public struct Settings: Sendable {
      public var address: ListenAddress
      /// nil: none is wanted.
      public var token: AccessToken?
      /// Images that may wait, be decoded or be scored at a time.
      public var mostQueued: Int
      /// Images that may wait for their heat maps.
      public var mostExplained: Int
      /// Of a request's body.
      public var mostBytes: Int
      /// Of an image.
      public var mostPixels: Int
      /// Bytes of memory that decoding an image may take.
      public var decodeMemory: Int
      /// Seconds that decoding an image may take.
      public var decodeSeconds: Int
      /// Decoding children.
      public var children: Int
      /// What makes this program one.
      public var childArguments: [String]
      /// Seconds from a request's whole body to its answer, and for the body itself.
      public var patience: Double
      /// Seconds between two looks at the deployment and at the watched folder.
      public var interval: Double
      /// A folder to watch, and the table for its scores.
      public var watch: Watch?
      public var logLevel: String

      /// - Parameters:
      ///   - folder: to watch.
      ///   - output: the table.
      public struct Watch: Sendable {
        public var folder: String
        public var output: String

        public init(folder: String, output: String) {
          (self.folder, self.output) = (folder, output)
        }
      }

      public init(
        address: ListenAddress, token: AccessToken?, mostQueued: Int, mostExplained: Int, mostBytes: Int,
        mostPixels: Int, decodeMemory: Int, decodeSeconds: Int, children: Int, childArguments: [String],
        patience: Double,
        interval: Double, watch: Watch?, logLevel: String
      ) {
        (self.address, self.token, self.mostQueued, self.mostBytes) = (address, token, mostQueued, mostBytes)
        self.mostExplained = mostExplained
        (self.mostPixels, self.decodeMemory, self.decodeSeconds) = (mostPixels, decodeMemory, decodeSeconds)
        (self.children, self.childArguments, self.patience) = (children, childArguments, patience)
        (self.interval, self.watch, self.logLevel) = (interval, watch, logLevel)
      }

      /// What `logLevel` may be.
      public static let logLevels = Logger.Level.allCases.map(\.rawValue)
    }

    /// Bodies that are in memory at a time, in the longest that there may be.
    private static let bodiesInMemory = 8
    private static let mostConnections = 1024

    private let settings: Settings
    private let metrics = ServerMetrics()
    private let log: Logger
    /// Of what the packages say: they log what is no news here.
    private let quietLog: Logger

    public init(_ settings: Settings) {
      self.settings = settings
      var log = LineLogHandler.logger()
      log.logLevel = Logger.Level(rawValue: settings.logLevel) ?? .info
      self.log = log
      log.logLevel = .critical
      quietLog = log
    }

    /// Answers until a signal asks to stop, and then what has been asked. On the thread that loaded the model, which scores.
    ///
    /// - Parameters:
    ///   - path: of the deployment.
    ///   - state: of its files before it was loaded.
    ///   - model: what is there.
    ///   - watchdog: of this thread.
    ///   - load: what is at `path` at another time; on another thread.
    ///   - started: told the address once it listens.
    /// - Throws: `SaladError` 64 or 74 where it cannot begin.
    public func run(
      serving path: String, state: FolderState, _ model: ServedModel, watchdog: Watchdog,
      load: @escaping @Sendable () throws -> ServedModel, started: @escaping @Sendable (String) -> Void
    ) throws {
      let table = try settings.watch.map { try WatchTable($0.output) }
      Limits.raiseOpenFiles(to: 2 * Self.mostConnections)
      let (queue, explanations) = queues
      queue.use(model)
      explanations.use(model)
      let pool = try decodePool()
      let engine = ScoringEngine(
        .scores, queue: queue, pool: pool, patience: .milliseconds(20), metrics: metrics, log: log)
      let explaining = ScoringEngine(
        .explanations, queue: explanations, pool: pool, patience: .zero, metrics: metrics, log: log)
      log.notice(
        "model loaded",
        metadata: ["model": "\(model.identity)", "images": "\(model.source.imageIDs.count)", "path": "\(path)"])

      let watcher = ModelWatcher(
        path: path, state: state, interval: .seconds(settings.interval), load: load,
        replace: { model in
          queue.replace(by: model)
          explanations.replace(by: model)
        }, metrics: metrics, log: log)
      var services: [any Service] = [
        Clock(queues: [queue, explanations]), application(engine, explaining, pool, started: started), watcher,
      ]
      if let watch = settings.watch, let table {
        services.append(
          FolderWatch(
            folder: watch.folder, table: table, engine: engine, interval: .seconds(settings.interval),
            patience: .seconds(settings.patience), mostBytes: settings.mostBytes, metrics: metrics, log: log))
      }
      let group = ServiceGroup(configuration: .init(services: services, logger: quietLog))
      let beside: WorkerThread
      do {
        beside = try WorkerThread("explaining") {
          // Scores go first.
          Host.yieldThread()
          explaining.run(watchdog: Watchdog(rank: 0, host: Host.name, timeout: .infinity))
        }
      } catch {
        throw SaladError(error)
      }
      let end = Monitor<Result<Void, any Error>?>(nil)
      Task.detached { [log] in
        let result = await Self.run(group, log)
        end.update { $0 = result }
        queue.close()
        explanations.close()
      }
      engine.run(watchdog: watchdog)
      beside.join()
      pool.close()
      do {
        try end.watch { $0 }.get()
      } catch {
        throw self.error(error)
      }
      log.notice("stopped")
    }

    /// Of the scores and of the explanations.
    private var queues: (scores: ScoringQueue, explanations: ScoringQueue) {
      let (most, metrics) = (Self.bodiesInMemory * settings.mostBytes, metrics)
      return (
        ScoringQueue(most: settings.mostQueued, mostBytes: most) { metrics.queued($0) },
        ScoringQueue(most: settings.mostExplained, mostBytes: most) { metrics.explaining($0) }
      )
    }

    private func decodePool() throws -> DecodePool {
      do {
        return try DecodePool(
          DecodePool.Settings(
            children: settings.children, memory: settings.decodeMemory, seconds: settings.decodeSeconds,
            mostPixels: settings.mostPixels, arguments: settings.childArguments), metrics: metrics, log: log)
      } catch let error as SystemError {
        throw SaladError(error)
      }
    }

    private func application(
      _ engine: ScoringEngine, _ explaining: ScoringEngine, _ pool: DecodePool,
      started: @escaping @Sendable (String) -> Void
    ) -> Application<ServerResponder> {
      let address = settings.address
      let responder = ServerResponder(
        engine: engine, explaining: explaining, pool: pool,
        bodies: BodyReader(
          mostBytes: settings.mostBytes, mostInAll: Self.bodiesInMemory * settings.mostBytes,
          patience: .seconds(settings.patience)), metrics: metrics, token: settings.token,
        patience: .seconds(settings.patience), log: log)
      let log = log
      return Application(
        responder: responder,
        server: .http1(
          configuration: .init(
            idleTimeout: .seconds(60),
            httpDecoderConfiguration: .init(
              maxHeaderFieldSize: 16384, maxHeaderListSize: 32768, maxHeaderFieldCount: 100))),
        configuration: ApplicationConfiguration(
          address: .hostname(address.host, port: address.port), serverName: "salad",
          availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections)),
        onServerRunning: { channel in
          let url = address.url(port: channel.localAddress?.port ?? address.port)
          log.notice("listening", metadata: ["url": "\(url)"])
          started(url)
        }, logger: quietLog)
    }

    /// Runs the services, and stops them in good order when a signal comes.
    private static func run(_ group: ServiceGroup, _ log: Logger) async -> Result<Void, any Error> {
      await withTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
          while Signals.received == nil {
            guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { return }
          }
          log.notice(
            "stopping: what has been asked is answered first", metadata: ["signal": "\(Signals.receivedName ?? "")"])
          await group.triggerGracefulShutdown()
        }
        defer { tasks.cancelAll() }
        do {
          try await group.run()
          return .success(())
        } catch {
          return .failure(error)
        }
      }
    }

    private func error(_ error: any Error) -> SaladError {
      guard let error = error as? IOError else { return SaladError(error) }
      let address = settings.address
      return SaladError(
        .inputOutput,
        SystemError(.listen, "\(address.host) port \(address.port)", code: error.errnoCode).description
          + ": choose another --host or --port (0: any that is free)")
    }
  }

  /// Gives up, again and again, what has waited for too long.
  private struct Clock: Service {
    let queues: [ScoringQueue]

    func run() async throws {
      try? await cancelWhenGracefulShutdown {
        while true {
          try await Task.sleep(for: .milliseconds(50))
          queues.forEach { $0.expire(at: .now) }
        }
      }
    }
  }
#endif
