#if Server
  import Platform
  import Radiographs

  // m = images that the network embeds together

  /// What waits between those who send images, the children who decode them and the one thread that scores, and the model
  /// that scores them.
  final class ScoringQueue: Sendable {
    /// An image that the network could see.
    struct Prepared: Sendable {
      var work: ImageWork
      var picture: Radiograph
      /// How it was prepared.
      var preparation: Preparation
    }

    private struct State: Sendable {
      var model: ServedModel?
      /// Why there is none.
      var reason = "no model is loaded yet"
      /// To be taken up between two batches.
      var next: ServedModel?
      var prepared: [Prepared] = []
      /// All that is neither scored nor given up, by when that is over.
      var unfinished: [ObjectIdentifier: ImageWork] = [:]
      /// Bytes of their files.
      var bytes = 0
      var isClosed = false
    }

    private let state = Monitor(State())
    /// Images that may be unfinished, and bytes of their files.
    let most: Int
    let mostBytes: Int
    /// Told how many images wait.
    private let counted: @Sendable (Int) -> Void

    init(most: Int, mostBytes: Int, counted: @escaping @Sendable (Int) -> Void) {
      (self.most, self.mostBytes, self.counted) = (most, mostBytes, counted)
    }

    // MARK: Images

    /// Takes the images in, all or none of them.
    ///
    /// - Returns: whether there was room.
    func admit(_ works: [ImageWork]) -> Bool {
      let bytes = works.reduce(0) { $0 + $1.bytes.count }
      let count = state.update(wakingIf: { _ in false }) { state -> Int? in
        guard state.unfinished.count + works.count <= most, state.bytes + bytes <= mostBytes, !state.isClosed else {
          return nil
        }
        for work in works { state.unfinished[ObjectIdentifier(work)] = work }
        state.bytes += bytes
        return state.unfinished.count
      }
      if let count { counted(count) }
      return count != nil
    }

    /// Answers an image, unless somebody has already.
    func finish(_ work: ImageWork, _ outcome: ImageWork.Outcome) {
      guard work.finish(outcome) else { return }
      let count = state.update { state in
        if state.unfinished.removeValue(forKey: ObjectIdentifier(work)) != nil { state.bytes -= work.bytes.count }
        return state.unfinished.count
      }
      counted(count)
    }

    func add(_ prepared: Prepared) { state.update { $0.prepared.append(prepared) } }

    /// Whether so many images more would find room.
    func hasRoom(for count: Int) -> Bool { state.read { $0.unfinished.count + count <= most && $0.bytes < mostBytes } }

    /// Gives up what has waited for too long.
    func expire(at now: ContinuousClock.Instant) {
      let late = state.read { state in state.unfinished.values.filter { $0.deadline <= now } }
      for work in late { finish(work, .failure(.late)) }
    }

    // MARK: Batches

    enum Next {
      case images([Prepared])
      case model(ServedModel)
      /// Nothing is left, and nothing will come.
      case end
    }

    /// What to do next: sleeps while there is nothing.
    ///
    /// A model comes before images. Images come in whole micro-batches as far as there are enough, since a part of one takes
    /// as long as a whole one.
    ///
    /// - Parameters:
    ///   - microBatch: m.
    ///   - block: most images; so many are worth not waiting for more. Fewer would be too: but cores that decode meanwhile
    ///     do not score, and many together share the reading of the bank.
    ///   - patience: how long to wait for others that are being decoded.
    func next(microBatch: Int, block: Int, patience: Duration) -> Next {
      let isEnd = state.watch { state -> Bool? in
        if state.next != nil || !state.prepared.isEmpty { return false }
        return state.isClosed && state.unfinished.isEmpty ? true : nil
      }
      if isEnd { return .end }
      let start = ContinuousClock.now
      while !state.read({ $0.next != nil || $0.prepared.count >= min(block, $0.unfinished.count) }),
        ContinuousClock.now - start < patience
      {
        Host.pause(microseconds: 1000)
      }
      return state.update(wakingIf: { _ in false }) { state in
        if let model = state.next {
          state.next = nil
          return .model(model)
        }
        var count = min(state.prepared.count, block)
        if count > microBatch { count -= count % microBatch }
        defer { state.prepared.removeFirst(count) }
        return .images(Array(state.prepared.prefix(count)))
      }
    }

    // MARK: Models

    /// The model that scores; a fault where there is none.
    var model: Result<ServedModel, ImageFault> {
      state.read { state in state.model.map { .success($0) } ?? .failure(.noModel(state.reason)) }
    }

    /// Who scores from now on.
    func use(_ model: ServedModel) { state.update { $0.model = model } }

    /// Nobody scores until another model is there.
    func lose(_ reason: String) {
      state.update {
        $0.model = nil
        $0.reason = reason
      }
    }

    /// Lets another model take over between two batches.
    func replace(by model: ServedModel) { state.update { $0.next = model } }

    /// No image is admitted any more.
    func close() { state.update { $0.isClosed = true } }
  }
#endif
