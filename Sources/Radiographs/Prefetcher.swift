import Platform

// m = images in a micro-batch, S = side of the square images

/// m images ready for the network.
public struct PixelBatch: Sendable, Equatable {
  public var imageIndices: [Int]
  /// (m, S, S) in -1...1.
  public var pixels: [Float]

  public init(imageIndices: [Int], pixels: [Float]) {
    self.imageIndices = imageIndices
    self.pixels = pixels
  }
}

/// Micro-batches in the order that a training step wants them.
public protocol PixelSource {
  /// The next one; nil after the last.
  func next() throws -> PixelBatch?
}

/// Decodes and augments micro-batches ahead of the step, on its own threads, in the order asked for.
///
/// A thread takes the next request, makes the whole micro-batch, and files it under the request's number; `next()` hands
/// them out by number. So neither the number of threads nor their speed changes what comes when. At most `depth`
/// micro-batches are in work or ready; threads without work sleep.
public final class Prefetcher: PixelSource, Sendable {
  public struct Request: Sendable {
    /// The global epoch, which the augmentation's draws depend on.
    public var epoch: Int
    public var imageIndices: [Int]

    public init(epoch: Int, imageIndices: [Int]) {
      self.epoch = epoch
      self.imageIndices = imageIndices
    }
  }

  private let queue: Monitor<Queue>
  /// Does in `next()` what no thread does, where the system allows none.
  private let substitute: Worker?

  /// Starts the threads, or as many as the system allows.
  ///
  /// - Parameters:
  ///   - side: S, the cache's.
  ///   - threads: at least 1.
  ///   - depth: micro-batches in work or ready, at least 1; fewer than `threads` leave threads idle.
  ///   - requests: the next micro-batch to make, called on one thread at a time, up to `depth` ahead of `next()`; nil
  ///     ends, and it is not called again.
  ///   - start: starts a thread; of a test.
  public init(
    cache: ImageCache, augmentation: Augmentation, seed: UInt64, side: Int, threads: Int, depth: Int,
    requests: @escaping @Sendable () -> Request?,
    start: (String, @escaping @Sendable () -> Void) throws -> Void = { try WorkerThread($0, $1) }
  ) {
    precondition(side == cache.side, "images of side \(side) were asked of a cache of side \(cache.side)")
    precondition(threads >= 1 && depth >= 1, "\(threads) threads and a depth of \(depth): both must be at least 1")
    let queue = Monitor(Queue(threads: threads, depth: depth))
    self.queue = queue
    let worker = Worker(queue: queue, cache: cache, augmentation: augmentation, seed: seed, requests: requests)
    let started = (0..<threads).count { number in
      // The thread holds the queue, not the prefetcher: forgetting the prefetcher ends its threads.
      (try? start("prefetch \(number)", { worker.run() })) != nil
    }
    queue.update { $0.runningThreads -= threads - started }
    substitute = started == 0 ? worker : nil
  }

  deinit {
    cancel()
  }

  /// The next micro-batch in request order, waiting for it if need be; nil after the last, and after `cancel()`.
  ///
  /// - Throws: the `RadiographError` of a bad image, in its micro-batch's turn; the ones behind it can still be asked for.
  public func next() throws -> PixelBatch? {
    substitute?.runOnce()
    let turn: Result<PixelBatch?, any Error> = queue.wait { queue in
      if queue.isCancelled { return .success(nil) }
      if let batch = queue.finished.removeValue(forKey: queue.handedOut) {
        queue.handedOut += 1
        return batch.map(Optional.some)
      }
      return queue.isEnded && queue.handedOut == queue.taken ? .success(nil) : nil
    }
    return try turn.get()
  }

  /// Ends the threads, and the waiting of who is in `next()`. Safe to call twice; also done by deinit.
  ///
  /// Returns at once: a thread amid an image finishes that one, touches nothing more, and ends.
  public func cancel() {
    queue.update { queue in
      queue.isCancelled = true
      queue.finished.removeAll()
    }
  }

  /// Threads that have not ended yet.
  var runningThreads: Int {
    queue.read { $0.runningThreads }
  }
}

/// What the threads and the consumer share.
private struct Queue {
  let depth: Int
  /// Micro-batches that await their turn, by the number of their request.
  var finished: [Int: Result<PixelBatch, any Error>] = [:]
  /// Requests taken so far: the number of the next one.
  var taken = 0
  /// Micro-batches that `next()` gave out so far: the number of the one it waits for.
  var handedOut = 0
  /// A thread is inside the caller's `requests`.
  var isAsking = false
  /// `requests` returned nil.
  var isEnded = false
  var isCancelled = false
  var runningThreads: Int

  init(threads: Int, depth: Int) {
    self.depth = depth
    runningThreads = threads
  }
}

/// What every thread does.
private struct Worker: Sendable {
  let queue: Monitor<Queue>
  let cache: ImageCache
  let augmentation: Augmentation
  let seed: UInt64
  let requests: @Sendable () -> Prefetcher.Request?

  func run() {
    var original = [Float](repeating: 0, count: cache.side * cache.side)
    while serve(&original) {}
    queue.update { $0.runningThreads -= 1 }
  }

  /// Makes the next micro-batch, if there is one.
  func runOnce() {
    var original = [Float](repeating: 0, count: cache.side * cache.side)
    _ = serve(&original)
  }

  /// - Returns: whether there was a micro-batch to make.
  private func serve(_ original: inout [Float]) -> Bool {
    guard let (number, request) = takeRequest() else { return false }
    let batch = Result { try pixels(of: request, original: &original) }
    queue.update { if !$0.isCancelled { $0.finished[number] = batch } }
    return true
  }

  /// The next request and its number, once there is room for one more micro-batch; nil when there will be none.
  private func takeRequest() -> (number: Int, request: Prefetcher.Request)? {
    let mayAsk = queue.wait { queue -> Bool? in
      if queue.isCancelled || queue.isEnded { return false }
      if queue.isAsking || queue.taken - queue.handedOut >= queue.depth { return nil }
      queue.isAsking = true
      return true
    }
    guard mayAsk else { return nil }
    // Outside the lock: the caller's code may take its time, or cancel this prefetcher.
    let request = requests()
    return queue.update { queue in
      queue.isAsking = false
      guard let request else {
        queue.isEnded = true
        return nil
      }
      queue.taken += 1
      return (queue.taken - 1, request)
    }
  }

  /// - Parameter original: (S, S), overwritten: the image before augmentation.
  private func pixels(of request: Prefetcher.Request, original: inout [Float]) throws -> PixelBatch {
    let area = cache.side * cache.side
    let count = request.imageIndices.count
    let pixels = try [Float](unsafeUninitializedCapacity: count * area) { batch, initializedCount in
      for (place, index) in request.imageIndices.enumerated() {
        // Nobody will see the rest of a cancelled micro-batch.
        if queue.read({ $0.isCancelled }) { throw CancellationError() }
        let image = try cache.image(index)
        let destination = UnsafeMutableBufferPointer(rebasing: batch[place * area..<(place + 1) * area])
        original.withUnsafeMutableBufferPointer { original in
          image.scaled(into: original)
          augmentation.apply(
            to: UnsafeBufferPointer(original), side: cache.side, into: destination, seed: seed, epoch: request.epoch,
            imageIndex: index)
        }
      }
      initializedCount = count * area
    }
    return PixelBatch(imageIndices: request.imageIndices, pixels: pixels)
  }
}
