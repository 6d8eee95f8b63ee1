#if Server
  import Logging
  import Platform
  import Radiographs
  import SALAD

  // m = images that the network embeds together

  /// Scores what several clients send, together: files go to children that decode them, and what these give to one thread
  /// that scores all there is in whole micro-batches. Explains on another lane: a thread and a queue of its own, so that
  /// scores flow while explanations take their time.
  final class ScoringEngine: Sendable {
    enum Lane: Sendable { case scores, explanations }

    let lane: Lane
    let queue: ScoringQueue
    private let pool: DecodePool
    private let metrics: ServerMetrics
    private let log: Logger
    /// How long a part of a micro-batch waits for more.
    private let patience: Duration

    init(
      _ lane: Lane, queue: ScoringQueue, pool: DecodePool, patience: Duration, metrics: ServerMetrics, log: Logger
    ) {
      (self.lane, self.queue, self.pool, self.patience) = (lane, queue, pool, patience)
      (self.metrics, self.log) = (metrics, log)
    }

    // MARK: Those who send

    /// What becomes of images, in their order; nil where there is no room for them.
    ///
    /// - Parameters:
    ///   - files: their bytes.
    ///   - nearest: prototypes wanted of each model.
    ///   - method: how to say where the scores come from, too; nil: on the lane that only scores.
    ///   - deadline: whoever has no answer by then gets `late`.
    func score(
      _ files: [[UInt8]], nearest: Int, method: HeatMethod? = nil, deadline: ContinuousClock.Instant
    ) async -> [ImageWork.Outcome]? {
      await withCheckedContinuation { continuation in
        let outcomes = Outcomes(count: files.count) { continuation.resume(returning: $0) }
        let works = files.enumerated().map { index, bytes in
          ImageWork(bytes: bytes, deadline: deadline, nearest: nearest, method: method) {
            outcomes.set(index, $0)
          }
        }
        guard queue.admit(works) else {
          continuation.resume(returning: nil)
          return
        }
        works.forEach(prepare)
      }
    }

    /// Sends an image to the children.
    private func prepare(_ work: ImageWork) {
      switch queue.model {
      case .failure(let fault): queue.finish(work, .failure(fault))
      case .success(let model):
        let preparation = model.preparation
        pool.add(
          DecodePool.Job(bytes: work.bytes, preparation: preparation, deadline: work.deadline) { [self] result in
            switch result {
            case .success(let decoded):
              queue.add(ScoringQueue.Prepared(work: work, picture: decoded.picture, preparation: preparation))
            case .failure(let fault):
              if fault != .late { metrics.notDecoded() }
              queue.finish(work, .failure(fault))
            }
          })
      }
    }

    // MARK: The one who scores

    /// Scores, or explains, until the queue is closed and empty. On the one thread that may ask the lane's scorers.
    ///
    /// - Parameter watchdog: of this thread.
    func run(watchdog: Watchdog) {
      while true {
        let (microBatch, block) = sizes
        let next = watchdog.waiting("waiting for images") {
          queue.next(microBatch: microBatch, block: block, patience: patience)
        }
        switch next {
        case .end: return
        case .model(let model): take(model)
        case .images(let images): score(images, watchdog)
        }
      }
    }

    /// m, and how many images to score at once.
    private var sizes: (microBatch: Int, block: Int) {
      guard lane == .scores, case .success(let model) = queue.model else { return (1, 1) }
      return (model.source.scoring.microBatch, model.scorer.imagesPerBlockHere)
    }

    private func take(_ model: ServedModel) {
      queue.use(model)
      guard lane == .scores else { return }
      metrics.swapped()
      log.notice("another model scores from now on", metadata: ["model": "\(model.identity)"])
    }

    private func score(_ images: [ScoringQueue.Prepared], _ watchdog: Watchdog) {
      let images = images.filter { !$0.work.isFinished }
      guard case .success(let model) = queue.model else {
        images.forEach { prepare($0.work) }  // answered with the reason
        return
      }
      // Those that were decoded for a model before this one.
      let stale = images.filter { $0.preparation != model.preparation }
      stale.forEach { prepare($0.work) }
      let fresh = stale.isEmpty ? images : images.filter { $0.preparation == model.preparation }
      guard !fresh.isEmpty else { return }
      switch lane {
      case .scores: score(fresh, with: model)
      case .explanations: fresh.forEach { queue.finish($0.work, explain($0, with: model)) }
      }
    }

    private func score(_ fresh: [ScoringQueue.Prepared], with model: ServedModel) {
      do {
        let pictures = fresh.map { Picture.prepared($0.picture, name: "image") }
        let most = fresh.map(\.work.nearest).max() ?? 0
        let found = try model.scorer.look(at: pictures, nearest: most, heedsSignals: false)
        metrics.scored(found.count)
        for (image, var picture) in zip(fresh, found) {
          picture.prototypes = picture.prototypes.map { Array($0.prefix(image.work.nearest)) }
          guard let answer = model.answer(picture) else {
            queue.finish(image.work, .failure(.failed(picture.score.reason ?? "no score")))
            continue
          }
          queue.finish(image.work, .success(answer))
        }
      } catch {
        // Of a bank whose file was written into, say: no score of it can be trusted from now on.
        let sentence = SaladError(error).description
        log.critical("the model cannot score any more", metadata: ["reason": "\(sentence)"])
        queue.lose("the model cannot score any more: see the server's log")
        fresh.forEach { queue.finish($0.work, .failure(.failed("the model failed: see the server's log"))) }
      }
    }

    /// An image's score, and where it comes from.
    private func explain(_ image: ScoringQueue.Prepared, with model: ServedModel) -> ImageWork.Outcome {
      var found: ScoredImage?
      do {
        try model.explainer.explain(
          [Picture.prepared(image.picture, name: "image")], nearest: max(1, image.work.nearest),
          method: model.method(image.work.method), heedsSignals: false
        ) { found = $0.first.flatMap(model.answer) }
      } catch {
        // Whether the model can score at all, its own lane finds out.
        log.error("an image was not explained", metadata: ["reason": "\(SaladError(error).description)"])
      }
      guard let found else { return .failure(.failed("the image was not explained: see the server's log")) }
      metrics.explained(1)
      return .success(found)
    }
  }

  /// Collects what becomes of the images of a request.
  private final class Outcomes: Sendable {
    private let state: Monitor<(outcomes: [ImageWork.Outcome?], left: Int)>
    private let whenComplete: @Sendable ([ImageWork.Outcome]) -> Void

    init(count: Int, whenComplete: @escaping @Sendable ([ImageWork.Outcome]) -> Void) {
      state = Monitor(([ImageWork.Outcome?](repeating: nil, count: count), count))
      self.whenComplete = whenComplete
    }

    func set(_ index: Int, _ outcome: ImageWork.Outcome) {
      let complete = state.update(wakingIf: { _ in false }) { state -> [ImageWork.Outcome]? in
        state.outcomes[index] = outcome
        state.left -= 1
        return state.left == 0 ? state.outcomes.compactMap { $0 } : nil
      }
      if let complete { whenComplete(complete) }
    }
  }
#endif
