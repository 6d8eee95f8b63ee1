import Synchronization
import Testing

@testable import Platform

@Suite("Concurrent work")
struct ConcurrentWorkTests {
  @Test("Every index is done once", arguments: [1, 2, 7])
  func once(workers: Int) throws {
    let counts = Mutex([Int](repeating: 0, count: 100))
    try forEachConcurrently(100, workers: workers) { index in counts.withLock { $0[index] += 1 } }
    #expect(counts.withLock { $0 } == [Int](repeating: 1, count: 100))
    try forEachConcurrently(0, workers: workers) { _ in Issue.record("there is nothing to do") }
  }

  @Test("The error is that of the lowest index, however many threads there are", arguments: [1, 2, 7])
  func error(workers: Int) {
    struct Failure: Error, Equatable { var index: Int }
    for _ in 0..<20 {
      #expect(throws: Failure(index: 13)) {
        try forEachConcurrently(100, workers: workers) { index in
          if index >= 13, index % 2 == 1 { throw Failure(index: index) }
        }
      }
    }
  }
}
