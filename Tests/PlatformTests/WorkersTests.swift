import Synchronization
import Testing

@testable import Platform

@Suite("Workers")
struct WorkersTests {
  @Test("Every item is done once, each by one of the workers, job after job", arguments: [1, 2, 7])
  func once(count: Int) {
    let workers = Workers(count: count)
    for items in [0, 1, 2, 100, 3, 1000] {
      let done = Mutex([Int](repeating: 0, count: items))
      workers.run(items: items) { worker, item in
        precondition((0..<count).contains(worker))
        done.withLock { $0[item] += 1 }
      }
      #expect(done.withLock { $0.allSatisfy { $0 == 1 } })
    }
  }

  @Test("A job's writes are seen by the next one", arguments: [2, 5])
  func handOver(count: Int) {
    let workers = Workers(count: count)
    let numbers = UnsafeMutableBufferPointer<Int>.allocate(capacity: 64)
    defer { numbers.deallocate() }
    numbers.initialize(repeating: 0)
    nonisolated(unsafe) let shared = numbers
    for _ in 0..<500 { workers.run(items: 64) { _, item in shared[(item + 1) % 64] += 1 } }
    #expect(numbers.allSatisfy { $0 == 500 })
  }

  @Test("Pieces cover all elements without overlapping")
  func pieces() {
    let seen = Mutex([Int](repeating: 0, count: 103))
    Workers(count: 3).run(elements: 103, piece: 10) { _, range in
      seen.withLock { seen in for element in range { seen[element] += 1 } }
    }
    #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
  }
}

@Suite("Threads")
struct WorkerThreadTests {
  @Test("Joining waits for the end, from anywhere and more than once")
  func join() throws {
    let gate = Monitor(false)
    let count = Atomic(0)
    let first = try WorkerThread("a name of more than fifteen bytes") {
      gate.watch { $0 ? () : nil }
      count.add(1, ordering: .relaxed)
    }
    let second = try WorkerThread("second") {
      first.join()
      count.add(1, ordering: .relaxed)
    }
    #expect(count.load(ordering: .relaxed) == 0)
    gate.update { $0 = true }
    for _ in 0..<2 {
      second.join()
      first.join()
    }
    #expect(count.load(ordering: .relaxed) == 2)
  }

  @Test("A thread has room for deep recursion")
  func stack() throws {
    let depth = Atomic(0)
    try WorkerThread("deep") {
      // Some hundred bytes a level: 4 MB and more.
      @inline(never) func descend(_ levels: Int, _ numbers: SIMD64<UInt8>) -> Int {
        levels == 0 ? Int(numbers[0]) : 1 + descend(levels - 1, numbers &+ SIMD64(repeating: UInt8(levels & 1)))
      }
      depth.store(descend(30_000, .zero), ordering: .relaxed)
    }.join()
    #expect(depth.load(ordering: .relaxed) >= 30_000)
  }

  @Test("A change that wakes nobody is seen at the next one that does")
  func waking() throws {
    let monitor = Monitor(0)
    let seen = Monitor<Int?>(nil)
    let thread = try WorkerThread("watcher") {
      let value = monitor.watch { $0 >= 2 ? $0 : nil }
      seen.update { $0 = value }
    }
    for expected in 1...2 {
      let value = monitor.update(
        wakingIf: { $0 == 2 },
        { value -> Int in
          value += 1
          return value
        })
      #expect(value == expected)
    }
    thread.join()
    #expect(seen.read { $0 } == 2)
  }
}
