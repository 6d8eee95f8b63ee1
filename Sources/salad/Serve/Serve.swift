#if Server
  import ArgumentParser
  import MPI
  import Platform
  import Radiographs
  import SALAD
  import Serving

  struct Serve: ParsableCommand, NumbersDescribed {
    static let configuration = CommandConfiguration(
      abstract: "Score images for whoever sends them by HTTP, or puts them into a folder.",
      discussion: """
        Images that several clients send are scored together, and each gets what salad score would say, bit for bit. A page \
        to drop images on is at the address that is printed. What is at the deployment's path may be replaced, by moving \
        another folder there or by a link that points elsewhere: the new model takes over between two requests, or is \
        refused and the old one stays. SIGTERM and Ctrl-C stop it once all that was asked is answered.

          salad serve deploy                                  # http://127.0.0.1:8080, for this host alone
          curl --data-binary @image.png -H 'Content-Type: image/png' http://127.0.0.1:8080/v1/score
          curl -F a=@a.dcm -F b=@b.jpg 'http://127.0.0.1:8080/v1/score?nearest=3'
          salad serve deploy --watch inbox --output scores.csv           # and a row for every image that comes into inbox
          salad merge run --local --output deploy                        # with what heat maps are made by
          salad serve deploy --images chest                              # and with pictures of normal images

          (umask 077; openssl rand -hex 32 > token)           # other hosts need a secret
          salad serve deploy --host 0.0.0.0 --token-file token
          curl -H "Authorization: Bearer $(cat token)" -F a=@a.png http://node7:8080/v1/score

        GET /openapi.json describes requests and answers, GET /metrics is for Prometheus, GET /health/ready for a load \
        balancer. Images are decoded in processes of their own, which may crash of them. Heat maps are made on a thread of \
        their own, while scores flow: against normal images place by place where there is a local bank (docs/explain.md), \
        else by occlusion, which takes hundreds of scores.
        """)

    @Argument(help: ArgumentHelp("What salad merge, import or calibrate made.", valueName: "deploy"))
    var model: String

    @Option(help: "The address to listen at; one that other hosts reach wants --token-file. (default: 127.0.0.1)")
    var host = "127.0.0.1"

    @Option(help: "The port to listen at; 0: any that is free. Standard output names it.")
    var port = 8080

    @Option(help: ArgumentHelp("A file with the secret that requests must carry.", valueName: "file"))
    var tokenFile: String?

    @Option(help: ArgumentHelp("A folder whose images are scored as they come; goes with --output.", valueName: "dir"))
    var watch: String?

    @Option(
      help: ArgumentHelp(
        "The table for the scores of --watch: a server that starts again goes on with it.", valueName: "csv"))
    var output: String?

    @Option(
      help: ArgumentHelp(
        "What salad explain --save-local wrote: heat maps are made by it. (default: what merge --local put into the "
          + "deployment, else by occlusion)", valueName: "file"))
    var local: String?

    @Option(
      help: ArgumentHelp(
        "The folder of the data set of the training: the page shows the nearest normal images.", valueName: "dir"))
    var images: String?

    @Option(help: "Images that may wait at a time; beyond them requests are answered with 429.")
    var maxQueue = 512

    @Option(help: "Images that may wait for their heat maps, or be explained, at a time; likewise.")
    var maxExplanations = 16

    @Option(help: "Bytes of a request, such as 64M; longer ones are answered with 413.")
    var maxBytes = ByteCount(64 << 20)

    @Option(help: "Pixels of an image; larger ones are answered with 413.")
    var maxPixels = 100_000_000

    @Option(help: "Seconds in which a request has its answer, or is answered with 504.")
    var requestTimeout = 30.0

    @Option(help: "Bytes of memory that decoding an image may take. (default: 24 for each of --max-pixels, and 256M)")
    var decodeMemory: ByteCount?

    @Option(help: "Seconds that decoding an image may take.")
    var decodeTimeout = 20

    @Option(help: "Seconds between two looks at the deployment and at --watch.")
    var interval = 2.0

    @Option(help: "What is logged: \(Server.Settings.logLevels.joined(separator: ", ")).")
    var logLevel = "info"

    @OptionGroup(title: "Which rows of several sites") var sites: SiteOptions
    @OptionGroup var scoring: ScoringOptions
    @OptionGroup var work: WorkOptions

    private static let ranges: [NumberRange<Self>] = [
      .whole("--port", \.port, 0...65535), .whole("--max-queue", \.maxQueue, 1...1_000_000, of: "images"),
      .whole("--max-explanations", \.maxExplanations, 1...10_000, of: "images"),
      .whole("--max-bytes", \.maxBytes.bytes, 1024...(1 << 40), of: "bytes"),
      .whole("--max-pixels", \.maxPixels, 1...(1 << 28)),
      .number("--request-timeout", \.requestTimeout, in: 0.1...86400, "of seconds in 0.1...86400"),
      .whole("--decode-memory", \.decodeBytes, (16 << 20)...(1 << 40), of: "bytes"),
      .whole("--decode-timeout", \.decodeTimeout, 1...86400),
      .number("--interval", \.interval, in: 0.1...86400, "of seconds in 0.1...86400"),
    ]
    static let numbers = NumberDescription.all(ranges) + ScoringOptions.numbers

    var decodeBytes: Int { decodeMemory?.bytes ?? 24 * maxPixels + 256 << 20 }
    private var address: ListenAddress { ListenAddress(host: host, port: port) }

    func validate() throws {
      for range in Self.ranges { try asUsage { try range.validate(self) } }
      guard Server.Settings.logLevels.contains(logLevel) else {
        throw ValidationError("--log-level is \(logLevel): give \(Server.Settings.logLevels.joined(separator: ", "))")
      }
      guard (watch == nil) == (output == nil) else {
        throw ValidationError("--watch and --output go together: give both, or leave both away")
      }
      guard scoring.badImages == nil else {
        throw ValidationError("--bad-images goes with salad score: here each image is answered for itself")
      }
      guard tokenFile != nil || address.isLoopback else {
        throw ValidationError(
          "--host \(host) can be reached from other hosts: give --token-file with a secret, or listen at 127.0.0.1")
      }
    }

    func run() throws {
      Launch.onAllRanks(
        timeout: work.timeout ?? Execution().timeout, writes: true, threads: .several, serve)
    }

    private func serve(_ session: Session) throws -> ExitStatus {
      guard session.communicator.size == 1 else {
        throw SaladError(
          .usage,
          "salad serve is one process, found \(session.communicator.size) ranks: start it without mpirun, with --workers "
            + "for its threads")
      }
      let token = try tokenFile.map(AccessToken.init(file:))
      if let watch, !Files.isFolder(watch) {
        throw SaladError(.usage, "\(watch): expected a folder to watch, found none: make it first")
      }
      let state = FolderState(model)
      if let images, !Files.isFolder(images) {
        throw SaladError(.usage, "\(images): expected the folder of the training's data set, found none")
      }
      let served = try load(session, isFirst: true)
      // What was moved there meanwhile is found to be another one.
      guard let state else {
        throw SaladError(.badData, "\(model): expected a folder that stays, found one that changes")
      }
      if let words = served.identifying, !address.isLoopback {
        session.log.note(
          "answers name the nearest training images, and \(model) carries \(words): see merge --hash-ids")
      }
      let children = session.workers(work.workers)
      let another = try anotherSession(session)
      try Server(
        Server.Settings(
          address: address, token: token, mostQueued: maxQueue, mostExplained: maxExplanations,
          mostBytes: maxBytes.bytes, mostPixels: maxPixels, decodeMemory: decodeBytes, decodeSeconds: decodeTimeout,
          children: children,
          childArguments: [DecodeChildCommand.name], patience: requestTimeout, interval: interval,
          watch: watch.flatMap { folder in output.map { Server.Settings.Watch(folder: folder, output: $0) } },
          logLevel: logLevel)
      ).run(
        serving: model, state: state, served, watchdog: session.watchdog, load: { try load(another(), isFirst: false) },
        started: { url in try? Console.output(url + "\n") })
      return .success
    }

    /// The deployment, having tested itself.
    ///
    /// - Parameter isFirst: whether what goes with it must suit it: of one that takes over later, scores are worth more.
    private func load(_ session: Session, isFirst: Bool) throws -> ServedModel {
      let loaded = try scoring.load(
        model, sites: sites, workers: work.workers, session: session)
      try loaded.scorer.checkSelf()
      let explainer = try explainer(of: loaded.source, session, isFirst: isFirst)
      let normal = try orNothing(unless: isFirst) { try images.map { try NormalFiles(in: $0, of: loaded.source) } }
      return try ServedModel(loaded.source, loaded.scorer, explainer, loaded.threshold, normal ?? nil)
    }

    /// What explains on a thread of its own: with another scorer, of one worker, and another communicator, since MPI's calls
    /// of two threads need two. Its watchdog watches nothing: who asks gets an answer in time.
    private func explainer(of source: ModelSource, _ session: Session, isFirst: Bool) throws -> Explainer {
      let scorer = try Scorer(
        source, precision: scoring.precision, rule: scoring.scoreRule, topK: scoring.topK, workers: 1,
        host: session.host, communicator: try Self.twin(of: session.communicator),
        watchdog: Watchdog(rank: 0, host: Host.name, timeout: .infinity))
      let memory = try orNothing(unless: isFirst) {
        try local.map { try LocalMemory(contentsOf: $0, source, scorer) } ?? LocalMemory.own(source, scorer)
      }
      return Explainer(scorer, local: memory ?? nil)
    }

    private func orNothing<R>(unless isWanted: Bool, _ body: () throws -> R) throws -> R? {
      do {
        return try body()
      } catch {
        if isWanted { throw error }
        Console.complain("\(SaladError(error).description): the new model does without")
        return nil
      }
    }

    private static func twin(of communicator: Communicator) throws -> Communicator {
      guard let twin = try communicator.split(color: 0, key: 0) else {
        preconditionFailure("a communicator of this rank without it")
      }
      return twin
    }

    /// What a model is loaded with while others score and explain: a communicator of its own each time. The watchdog of that
    /// thread watches nothing.
    private func anotherSession(_ session: Session) throws -> @Sendable () throws -> Session {
      // Split by the thread that loads, and by no other.
      let stem = try Self.twin(of: session.communicator)
      return {
        let communicator = try Self.twin(of: stem)
        return Session(
          communicator: communicator, watchdog: Watchdog(rank: 0, host: Host.name, timeout: .infinity),
          log: Log(isShown: false), host: try HostResources(communicator: communicator))
      }
    }
  }

  extension ByteCount: CustomStringConvertible {
    init(_ bytes: Int) { self.bytes = bytes }

    /// As it may be given: 64M.
    var description: String {
      bytes > 0 && bytes % (1 << 20) == 0 ? "\(bytes >> 20)M" : "\(bytes)"
    }
  }
#endif
