#if Server
  import Logging
  import Platform
  import Radiographs
  import SALAD

  // m = images that the network embeds together

  /// Scores what several clients send, together: files go to children that decode them, and what these give to one thread
  /// that scores all there is in whole micro-batches.
  final class ScoringEngine: Sendable {
    let queue: ScoringQueue
    private let pool: DecodePool
    private let metrics: ServerMetrics
    private let log: Logger
    /// How long a part of a micro-batch waits for more.
    private let patience: Duration

    init(queue: ScoringQueue, pool: DecodePool, patience: Duration, metrics: ServerMetrics, log: Logger) {
      (self.queue, self.pool, self.patience, self.metrics, self.log) = (queue, pool, patience, metrics, log)
    }

    // MARK: Those who send

    /// What becomes of images, in their order; nil where there is no room for them.
    ///
    /// - Parameters:
    ///   - files: their bytes.
    ///   - nearest: prototypes wanted of each model.
    ///   - isExplained: whether to say where the scores come from, too.
    ///   - deadline: whoever has no answer by then gets `late`.
    func score(
      _ files: [[UInt8]], nearest: Int, isExplained: Bool = false, deadline: ContinuousClock.Instant
    ) async -> [ImageWork.Outcome]? {
      await withCheckedContinuation { continuation in
        let outcomes = Outcomes(count: files.count) { continuation.resume(returning: $0) }
        let works = files.enumerated().map { index, bytes in
          ImageWork(bytes: bytes, deadline: deadline, nearest: nearest, isExplained: isExplained) {
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
            case .success(let picture):
              queue.add(ScoringQueue.Prepared(work: work, picture: picture, preparation: preparation))
            case .failure(let fault):
              if fault != .late { metrics.notDecoded() }
              queue.finish(work, .failure(fault))
            }
          })
      }
    }

    // MARK: The one who scores

    /// Scores until the queue is closed and empty. On the one thread that may ask the models.
    ///
    /// - Parameter watchdog: of this thread.
    func run(watchdog: Watchdog) {
      while true {
        let (microBatch, block) = sizes
        let next = watchdog.waiting("waiting for images") {
          queue.next(
            microBatch: microBatch, block: block, enough: min(block, 2 * microBatch), patience: patience)
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
      guard case .success(let model) = queue.model else { return (1, 64) }
      return (model.source.scoring.microBatch, model.scorer.imagesPerBlockHere)
    }

    private func take(_ model: ServedModel) {
      queue.use(model)
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
      do {
        let pictures = fresh.map { Picture.prepared($0.picture, name: "image") }
        let most = fresh.map(\.work.nearest).max() ?? 0
        let found = try model.scorer.look(at: pictures, nearest: most, heedsSignals: false)
        metrics.scored(found.count)
        // Those that take long come last.
        var explained: [(ScoringQueue.Prepared, ScoredImage)] = []
        for (image, var picture) in zip(fresh, found) {
          picture.prototypes = picture.prototypes.map { Array($0.prefix(image.work.nearest)) }
          guard let answer = model.answer(picture) else {
            queue.finish(image.work, .failure(.failed(picture.score.reason ?? "no score")))
            continue
          }
          guard image.work.isExplained else {
            queue.finish(image.work, .success(answer))
            continue
          }
          explained.append((image, answer))
        }
        for (image, answer) in explained where !image.work.isFinished {
          queue.finish(image.work, try explain(image.picture, answer, model))
        }
      } catch {
        // Of a bank whose file was written into, say: no score of it can be trusted from now on.
        let sentence = SaladError(error).description
        log.critical("the model cannot score any more", metadata: ["reason": "\(sentence)"])
        queue.lose("the model cannot score any more: see the server's log")
        fresh.forEach { queue.finish($0.work, .failure(.failed("the model failed: see the server's log"))) }
      }
    }
  }

  extension ScoringEngine {
    /// Where a score comes from. Takes hundreds of scores, in which no other image has its turn.
    private func explain(_ picture: Radiograph, _ answer: ScoredImage, _ model: ServedModel) throws -> ImageWork.Outcome
    {
      var answer = answer
      do {
        try Explainer(model.scorer).explain(
          [Picture.prepared(picture, name: "image")], nearest: 0, method: .occlusion
        ) { explanations in
          guard let image = explanations.first?.image, let map = explanations.first?.heatMap else { return }
          answer.heat = ScoredImage.Heat(image: image, map: map)
        }
      } catch let error as SaladError where error.status == .interrupted {
        return .failure(.noModel("the server stops: ask again when it is back"))
      }
      return .success(answer)
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
