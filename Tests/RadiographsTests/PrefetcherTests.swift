import Foundation
import Synchronization
import Testing

@testable import Radiographs

// m = images in a micro-batch, S = side of the square images

@Suite("Prefetcher", .timeLimit(.minutes(10)))
struct PrefetcherTests {
  @Test("Any number of threads and any depth give the same pixels in the order asked for", arguments: [1, 2, 3, 4])
  func order(threads: Int) throws {
    try withImages(count: 30) { root, paths in
      let order = DataOrder(imageCount: 30, batchSize: 8, microBatch: 4, seed: 5)
      let requests = (0..<3).flatMap { epoch in
        (0..<order.stepsPerEpoch).flatMap { order.step($0, epoch: epoch) }
          .map { Prefetcher.Request(epoch: epoch, imageIndices: $0) }
      }
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: 12 * 64 * 64)
      for depth in [1, 2, 5, 100] {
        let prefetcher = self.prefetcher(cache, requests, threads: threads, depth: depth)
        for request in requests {
          let batch = try #require(try prefetcher.next())
          #expect(batch.imageIndices == request.imageIndices)
          #expect(try batch.pixels == expectedPixels(of: request, cache))
        }
        #expect(try isAtEnd(prefetcher))
        #expect(try isAtEnd(prefetcher))
      }
    }
  }

  @Test("No requests end at once, and an empty request is an empty micro-batch")
  func nothing() throws {
    try withImages(count: 1) { root, paths in
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: 0)
      #expect(try isAtEnd(self.prefetcher(cache, [], threads: 3, depth: 2)))
      let prefetcher = self.prefetcher(cache, [.init(epoch: 0, imageIndices: [])], threads: 3, depth: 2)
      let empty = try prefetcher.next()
      #expect(empty?.pixels == [])
      #expect(try isAtEnd(prefetcher))
    }
  }

  @Test("A bad image is an error in its micro-batch's turn, and its neighbours come through", arguments: [1, 4])
  func badImage(threads: Int) throws {
    try withImages(count: 12) { root, paths in
      try Data("no image".utf8).write(to: URL(filePath: "\(root)/\(paths[7])"))
      let requests = stride(from: 0, to: 12, by: 2).map { Prefetcher.Request(epoch: 0, imageIndices: [$0, $0 + 1]) }
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: 1 << 20)
      let prefetcher = self.prefetcher(cache, requests, threads: threads, depth: 4)
      for request in requests {
        if request.imageIndices.contains(7) {
          #expect(radiographError { _ = try prefetcher.next() }?.path == "\(root)/\(paths[7])")
        } else {
          #expect(try prefetcher.next()?.imageIndices == request.imageIndices)
        }
      }
      #expect(try isAtEnd(prefetcher))
    }
  }

  @Test("Where no thread may be started, the caller does their work", arguments: [1, 3])
  func withoutThreads(depth: Int) throws {
    struct Refused: Error {}
    try withImages(count: 6) { (root: String, paths: [String]) throws in
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: 0)
      let requests = (0..<5).map { Prefetcher.Request(epoch: $0, imageIndices: [$0, $0 + 1]) }
      let remaining = Mutex(requests[...])
      let prefetcher = Prefetcher(
        cache: cache, augmentation: .standard, seed: 3, side: cache.side, threads: 4, depth: depth,
        requests: { remaining.withLock { $0.popFirst() } }, start: { _, _ in throw Refused() })
      for request in requests {
        #expect(try prefetcher.next()?.pixels == expectedPixels(of: request, cache))
      }
      #expect(try isAtEnd(prefetcher))
      prefetcher.cancel()
      #expect(try isAtEnd(prefetcher))
      #expect(prefetcher.runningThreads == 0)
    }
  }

  @Test("No more than the depth is asked for ahead, and by one thread at a time", arguments: [1, 3, 8])
  func depth(depth: Int) throws {
    try withImages(count: 1) { root, paths in
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: 1 << 20)
      let asked = Mutex(0)
      let inside = Atomic(0)
      let prefetcher = Prefetcher(
        cache: cache, augmentation: .standard, seed: 1, side: 64, threads: 4, depth: depth
      ) {
        #expect(inside.add(1, ordering: .relaxed).newValue == 1)
        defer { inside.subtract(1, ordering: .relaxed) }
        return asked.withLock {
          $0 += 1
          return $0 <= 100 ? Prefetcher.Request(epoch: 0, imageIndices: [0]) : nil
        }
      }
      for taken in 1...100 {
        let batch = try prefetcher.next()
        #expect(batch?.imageIndices == [0])
        #expect(asked.withLock { $0 } <= taken + depth)
      }
      #expect(try isAtEnd(prefetcher))
      #expect(asked.withLock { $0 } == 101)
    }
  }

  @Test("Cancelling ends all threads and every waiting consumer, twice as well as once", arguments: [1, 4])
  func cancel(threads: Int) throws {
    try withImages(count: 4) { root, paths in
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: 0)
      let (held, waiting) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
      let prefetcher = Prefetcher(
        cache: cache, augmentation: .none, seed: 1, side: 64, threads: threads, depth: 3
      ) {
        held.wait()
        return nil
      }
      // A consumer waits for a micro-batch that the held request keeps from coming.
      let result = Mutex<PixelBatch??>(nil)
      let consumer = Thread {
        let batch = try? prefetcher.next()
        result.withLock { $0 = .some(batch) }
        waiting.signal()
      }
      consumer.start()
      prefetcher.cancel()
      prefetcher.cancel()
      waiting.wait()
      #expect(result.withLock { $0 } == .some(nil))
      #expect(try isAtEnd(prefetcher))
      held.signal()
      try waitForThreads(of: prefetcher)
    }
  }

  @Test("Requests may cancel their own prefetcher")
  func cancelFromRequests() throws {
    try withImages(count: 1) { root, paths in
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: 0)
      let own = Mutex<Prefetcher?>(nil)
      let ready = DispatchSemaphore(value: 0)
      let prefetcher = Prefetcher(cache: cache, augmentation: .none, seed: 1, side: 64, threads: 2, depth: 3) {
        ready.wait()
        own.withLock { $0 }?.cancel()
        return .init(epoch: 0, imageIndices: [0])
      }
      own.withLock { $0 = prefetcher }
      ready.signal()
      #expect(try isAtEnd(prefetcher))
      try waitForThreads(of: prefetcher)
      own.withLock { $0 = nil }
    }
  }

  @Test("A forgotten prefetcher lets go of its requests: its threads have ended", arguments: 0..<5)
  func forgotten(taken: Int) throws {
    final class Token: Sendable {}
    try withImages(count: 4) { root, paths in
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: 0)
      weak var token: Token?
      do {
        let strong = Token()
        token = strong
        let prefetcher = Prefetcher(
          cache: cache, augmentation: .standard, seed: 1, side: 64, threads: 3, depth: 4
        ) {
          withExtendedLifetime(strong) { Prefetcher.Request(epoch: 0, imageIndices: [0, 1, 2, 3]) }
        }
        for _ in 0..<taken { _ = try prefetcher.next() }
      }
      let end = Date(timeIntervalSinceNow: 30)
      while token != nil && Date() < end { Thread.sleep(forTimeInterval: 0.001) }
      #expect(token == nil)
    }
  }

  @Test("Thousands of tiny images through many threads come in order")
  func manyImages() throws {
    try withImages(count: 50) { root, paths in
      let cache = ImageCache(root: root, paths: paths, side: 8, fit: .stretch, limit: 25 * 64)
      let requests = (0..<3000).map { number in
        Prefetcher.Request(epoch: number / 25, imageIndices: [number % 50, number * 7 % 50])
      }
      let prefetcher = self.prefetcher(cache, requests, threads: 8, depth: 16)
      var wrong = 0
      for request in requests where try prefetcher.next()?.imageIndices != request.imageIndices { wrong += 1 }
      #expect(wrong == 0)
      #expect(try isAtEnd(prefetcher))
      try waitForThreads(of: prefetcher)
    }
  }

  // MARK: - Helpers

  private func prefetcher(
    _ cache: ImageCache, _ requests: [Prefetcher.Request], threads: Int, depth: Int
  ) -> Prefetcher {
    let remaining = Mutex(requests[...])
    return Prefetcher(
      cache: cache, augmentation: .standard, seed: 3, side: cache.side, threads: threads, depth: depth
    ) {
      remaining.withLock { $0.popFirst() }
    }
  }

  /// (m, S, S), image by image on this thread.
  private func expectedPixels(of request: Prefetcher.Request, _ cache: ImageCache) throws -> [Float] {
    var pixels: [Float] = []
    for index in request.imageIndices {
      var original = [Float](repeating: .nan, count: cache.side * cache.side)
      var augmented = original
      try original.withUnsafeMutableBufferPointer { try cache.image(index).scaled(into: $0) }
      original.withUnsafeBufferPointer { original in
        augmented.withUnsafeMutableBufferPointer {
          Augmentation.standard.apply(
            to: original, side: cache.side, into: $0, seed: 3, epoch: request.epoch, imageIndex: index)
        }
      }
      pixels += augmented
    }
    return pixels
  }

  /// Takes one micro-batch; true when there was none.
  private func isAtEnd(_ prefetcher: Prefetcher) throws -> Bool {
    try prefetcher.next() == nil
  }

  private func waitForThreads(of prefetcher: Prefetcher) throws {
    let end = Date(timeIntervalSinceNow: 30)
    while prefetcher.runningThreads > 0 && Date() < end { Thread.sleep(forTimeInterval: 0.001) }
    #expect(prefetcher.runningThreads == 0)
  }
}
