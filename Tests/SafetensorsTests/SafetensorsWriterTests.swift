import Foundation
import Testing

@testable import Safetensors

@Suite("Writing safetensors") struct SafetensorsWriterTests {
  @Test("The reference implementation's bytes come out for its tensors and order")
  func reference() throws {
    let reference = try SafetensorsFile(path: try referencePath())
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.safetensors"
      var writer = try SafetensorsWriter(path: path, tensors: reference.tensors, metadata: reference.metadata)
      for tensor in reference.tensors {
        try reference.withBytes(of: tensor.name, type: tensor.type, shape: tensor.shape) { try writer.write($0) }
      }
      try writer.finish()
      #expect(try Data(contentsOf: URL(filePath: path)) == Data(contentsOf: URL(filePath: try referencePath())))
    }
  }

  @Test("Pieces of any size give the same bytes, read back as they went in")
  func pieces() throws {
    let values = (0..<1000).map { Float($0) / 7 }
    let tensors = [
      TensorDescription(name: "odd", type: .float32, shape: [7]),
      TensorDescription(name: "step", type: .int64, shape: []),
      TensorDescription(name: "bank", type: .float32, shape: [331, 3]),
    ]
    try withTemporaryFolder { folder in
      let (whole, cut) = ("\(folder)/whole", "\(folder)/cut")
      var writer = try SafetensorsWriter(path: whole, tensors: tensors)
      try writer.write(Array(values[..<7]))
      try writer.write([Int64(42)])
      try writer.write(Array(values[7...]))
      try writer.finish()

      let file = try SafetensorsFile(path: whole)
      #expect(file.tensors == tensors)
      #expect(try file.floats("odd") + file.floats("bank", shape: [331, 3]) == values)
      #expect(try file.int64s("step", shape: []) == [42])

      let bytes = try Data(contentsOf: URL(filePath: whole))
      let data = Array(bytes.suffix(1000 * 4 + 8))
      var pieces = try SafetensorsWriter(path: cut, tensors: tensors)
      for start in stride(from: 0, to: data.count, by: 13) {
        try Array(data[start..<min(start + 13, data.count)]).withUnsafeBytes { try pieces.write($0) }
      }
      try pieces.finish()
      #expect(try Data(contentsOf: URL(filePath: cut)) == bytes)
    }
  }

  @Test("Metadata of any text come first, sorted, and the tensors start at a multiple of 8")
  func metadata() throws {
    let metadata = ["z": "\u{1}\u{8}\u{C}\r\t\"\\/", "a": "ü\u{1F957}\u{2028}", "": ""]
    try withTemporaryFolder { folder in
      for name in ["a", "ab", "abc", "abcdefgh", "__metadata"] {
        let path = "\(folder)/x"
        let tensors = [TensorDescription(name: name, type: .uint8, shape: [1])]
        var writer = try SafetensorsWriter(path: path, tensors: tensors, metadata: metadata)
        try [UInt8(7)].withUnsafeBytes { try writer.write($0) }
        try writer.finish()
        #expect(try SafetensorsFile(path: path).metadata == metadata)
        let bytes = try Data(contentsOf: URL(filePath: path))
        #expect(bytes.count % 8 == 1)
        #expect(String(decoding: bytes[8...], as: UTF8.self).hasPrefix(#"{"__metadata__":{"":"","a":"#))
      }
    }
  }

  @Test("Fewer bytes than declared are refused, and so is a folder that does not exist")
  func refusals() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x"
      let tensors = [TensorDescription(name: "bank", type: .float32, shape: [2, 2])]
      expectRefusal("\(path): expected 16 bytes of tensors to write, found 12") {
        var writer = try SafetensorsWriter(path: path, tensors: tensors)
        try writer.write([Float](repeating: 0, count: 3))
        try writer.finish()
      }
      let lost = "\(folder)/absent/x"
      expectRefusal(containing: "cannot be created: No such file", path: lost, kind: .inputOutput) {
        let writer = try SafetensorsWriter(path: lost, tensors: [])
        try writer.finish()
      }
    }
  }

  @Test(
    "A full disk is an error with the path and the system's words",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func fullDisk() throws {
    expectRefusal("/dev/full: cannot be written: No space left on device") {
      let writer = try SafetensorsWriter(path: "/dev/full", tensors: [])
      try writer.finish()
    }
  }
}
