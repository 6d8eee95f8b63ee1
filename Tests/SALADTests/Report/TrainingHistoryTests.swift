import Testing

@testable import SALAD

@Suite("Training history")
struct TrainingHistoryTests {
  private func line(_ step: Int, round: Int = 0, loss: Double = 2) -> String {
    """
    {"embedding_loss":\(loss),"epoch":0,"images":8,"instance_loss":1,"kind":"step","loss":3,"reconstruction_loss":0.5,\
    "round":\(round),"step":\(step),"timing":{"images_per_second":4,"seconds":2}}
    """
  }

  private let epoch = """
    {"anchors":3,"embedding_loss":2.5,"epoch":0,"kind":"epoch","loss":3,"reconstruction_loss":0.25,"round":0,"step":4,\
    "timing":{"images_per_second":4,"seconds":2}}
    """

  @Test("Steps, epochs, rounds and time are as the lines say; what is no line of it is counted")
  func reading() {
    let lines = [line(1), line(2), epoch, line(3, round: 1), "{\"kind\":\"step\",\"st", "no JSON", "{}"]
    let history = TrainingHistory(Array(lines.joined(separator: "\n").utf8))
    #expect(history.steps.map(\.step) == [1, 2, 3] && history.unreadable == 3)
    #expect(history.epochs == [.init(step: 4, round: 0, anchors: 3, reconstructionLoss: 0.25, embeddingLoss: 2.5)])
    #expect(history.seconds == 6 && history.images == 24)
    #expect(history.roundStarts.count == 1 && history.roundStarts[0] == (1, 3))
    #expect(TrainingHistory([]).steps.isEmpty)
  }

  @Test("A curve of many steps is of means over stretches")
  func curve() {
    let history = TrainingHistory(Array((1...1000).map { line($0, loss: Double($0)) }.joined(separator: "\n").utf8))
    let curve = history.curve(most: 100, \.embeddingLoss)
    #expect(curve.count == 100)
    #expect(curve[0] == (5.5, 5.5) && curve[99] == (995.5, 995.5))
    #expect(history.curve(most: 5000, \.embeddingLoss).count == 1000)
  }
}
