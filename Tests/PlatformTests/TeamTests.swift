import Synchronization
import Testing

@testable import Platform

@Suite("Team")
struct TeamTests {
  @Test("Every piece is done once, whoever comes to help", arguments: [1, 2, 3, 8], [0, 1, 7])
  func pieces(size: Int, helpers: Int) {
    let team = Team(size: size)
    let done = Monitor([Int: Int]())
    team.open()
    let threads = (0..<min(helpers, size - 1)).compactMap { member in
      try? WorkerThread("member") { team.serve(as: member + 1) }
    }
    for pieces in [0, 1, 2, 5, 64, 1000] {
      team.run(pieces: pieces) { member, piece in
        #expect((0..<size).contains(member))
        done.update { $0[piece, default: 0] += 1 }
      }
      #expect(done.read { $0 } == Dictionary(uniqueKeysWithValues: (0..<pieces).map { ($0, 1) }))
      done.update { $0 = [:] }
    }
    team.close()
    for thread in threads { thread.join() }
  }

  @Test("A run has ended when it returns, and members that slept wake")
  func order() {
    let team = Team(size: 3)
    team.open()
    let threads = (1...2).compactMap { member in try? WorkerThread("member") { team.serve(as: member) } }
    var values = [Int](repeating: 0, count: 100)
    values.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let values = buffer.baseAddress!
      for round in 1...300 {
        if round % 100 == 0 { Host.pause(microseconds: 20_000) }
        team.run(elements: 100, piece: 9) { _, range in for index in range { values[index] += round } }
        team.run(pieces: 10) { _, piece in
          for index in piece * 10..<piece * 10 + 10 { #expect(values[index] == round * (round + 1) / 2) }
        }
      }
    }
    team.close()
    for thread in threads { thread.join() }
  }

  @Test("Teams do every item once, on one leader each", arguments: [(1, 1), (1, 4), (3, 1), (2, 3)], [0, 1, 2, 9])
  func teams(_ shape: (count: Int, size: Int), items: Int) {
    let teams = Teams(count: shape.count, size: shape.size, workers: Workers(count: shape.count * shape.size))
    for _ in 0..<3 {
      let done = Monitor([Int](repeating: 0, count: items))
      let pieces = Monitor(0)
      teams.run(items: items) { index, item in
        teams.teams[index].run(pieces: 5) { _, _ in pieces.update { $0 += 1 } }
        done.update { $0[item] += 1 }
      }
      #expect(done.read { $0 } == [Int](repeating: 1, count: items))
      #expect(pieces.read { $0 } == 5 * items)
    }
  }
}
