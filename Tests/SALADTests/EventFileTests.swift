import Foundation
import Testing

@testable import SALAD

@Suite("TensorBoard's event files")
struct EventFileTests {
  @Test("Checksums are those of RFC 3720, appendix B.4")
  func checksums() {
    #expect(CRC32C.of(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.of(0..<32) == 0x46DD_794E)
    #expect(CRC32C.of([UInt8]()) == 0)
  }

  /// By tensorboard 2.21: `Event`s of these numbers through `tensorboard.summary.writer.record_writer.RecordWriter`.
  private static let theirs =
    "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9"
    + "36000000000000004f578cef0900006040fc54d94110ac022a280a100a09737465702f6c6f7373150000a03f0a140a0d65706f63682f616e63"
    + "686f727315000020423772bfcc"

  private static let ours = [
    EventRecord(time: 1_700_000_000.25, version: EventRecord.brainVersion),
    EventRecord(
      time: 1_700_000_001.5, step: 300,
      scalars: [
        EventRecord.Scalar(tag: "step/loss", value: 1.25), EventRecord.Scalar(tag: "epoch/anchors", value: 40),
      ]),
  ]

  @Test("Entries have the bytes that TensorBoard's own writer gives them")
  func bytes() {
    #expect(FileSystem.hexadecimal(Self.ours.flatMap(\.bytes)) == Self.theirs)
  }

  @Test("An entry's end and step are read, and of a torn or damaged one nothing")
  func reading() throws {
    let (first, second) = (Self.ours[0].bytes, Self.ours[1].bytes)
    let both = first + second
    let read = try #require(EventRecord.step(at: both[...]))
    #expect(read.end == first.count && read.step == 0)
    let next = try #require(EventRecord.step(at: both[first.count...]))
    #expect(next.end == both.count && next.step == 300)
    for length in 0..<second.count { #expect(EventRecord.step(at: second[..<length]) == nil) }
    for place in second.indices {
      var damaged = second
      damaged[place] ^= 0x10
      #expect(EventRecord.step(at: damaged[...]) == nil, "\(place)")
    }
  }

  @Test("A file is cut back to a step, and to whole entries")
  func cutBack() async throws {
    try await withTemporaryFolder { folder in
      let file = EventFile(run: folder)
      try file.cutBack(toStep: 3)
      #expect(!FileSystem.exists(file.path))
      var sizes: [Int] = []
      for step in 1...4 {
        try file.append(step: step, [EventRecord.Scalar(tag: "step/loss", value: Float(step))], time: Double(step))
        sizes.append(FileSystem.size(file.path) ?? 0)
      }
      let whole = try FileSystem.read(file.path)
      try FileSystem.append(Array(Self.ours[1].bytes.dropLast(3)), to: file.path)
      try file.cutBack(toStep: 400)
      #expect(try FileSystem.read(file.path) == whole)
      try file.cutBack(toStep: 2)
      #expect(FileSystem.size(file.path) == sizes[1])
      try file.cutBack(toStep: 0)
      let head = try FileSystem.read(file.path)
      #expect(EventRecord.step(at: head[...])?.end == head.count)
      // What is no event file is begun anew.
      try FileSystem.write(Array("something else".utf8), to: file.path)
      try file.cutBack(toStep: 9)
      try file.append(step: 1, [EventRecord.Scalar(tag: "step/loss", value: 1)], time: 1)
      #expect(FileSystem.size(file.path) == sizes[0])
    }
  }
}
