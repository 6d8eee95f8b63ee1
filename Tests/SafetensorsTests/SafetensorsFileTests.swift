import Foundation
import Testing

@testable import Safetensors

@Suite("Reading safetensors") struct SafetensorsFileTests {
  @Test("A file of the reference implementation reads as it was written")
  func reference() throws {
    let file = try SafetensorsFile(path: try referencePath())
    #expect(file.metadata == ["format": "pt"])
    #expect(
      file.tensors == [
        TensorDescription(name: "steps", type: .int64, shape: []),
        TensorDescription(name: "doubles", type: .float64, shape: [2]),
        TensorDescription(name: "empty", type: .float32, shape: [0, 4]),
        TensorDescription(name: "größe \"1\"\n", type: .float32, shape: [2]),
        TensorDescription(name: "weight", type: .float32, shape: [2, 3]),
        TensorDescription(name: "halves", type: .float16, shape: [1]),
        TensorDescription(name: "bytes", type: .uint8, shape: [3]),
      ])
    #expect(try file.int64s("steps", shape: []) == [-7])
    #expect(try file.floats("weight", shape: [2, 3]) == [0, 0.25, 0.5, 0.75, 1, 1.25])
    #expect(try file.floats("größe \"1\"\n").map(\.bitPattern) == [Float(-0.0).bitPattern, Float.infinity.bitPattern])
    #expect(try file.floats("empty").isEmpty)
    #expect(try file.withBytes(of: "bytes", type: .uint8, shape: [3]) { Array($0) } == [0, 127, 255])
    let doubles = try file.withBytes(of: "doubles", type: .float64, shape: nil) { bytes in
      [0, 8].map { bytes.loadUnaligned(fromByteOffset: $0, as: Double.self) }
    }
    #expect(doubles == [0.1, -2.5e300])
  }

  @Test("A tensor with a side of 0 is empty, however large the others are")
  func emptyTensors() {
    for shape in [[0], [0, .max], [1 << 62, 4, 0], [.max, .max, 0, .max]] {
      let tensor = TensorDescription(name: "empty", type: .float32, shape: shape)
      #expect(tensor.elementCount == 0 && tensor.byteCount == 0)
    }
    #expect(TensorDescription(name: "large", type: .float32, shape: [1 << 62, 4]).byteCount == nil)
  }

  @Test("A tensor of another name, type or shape is refused by path and name")
  func wrongTensor() throws {
    let path = try referencePath()
    let file = try SafetensorsFile(path: path)
    expectRefusal("\(path): expected the tensor bank (F32, shape [2, 3]), found none of that name") {
      try file.floats("bank", shape: [2, 3])
    }
    expectRefusal("\(path): expected the tensor steps (F32), found one of I64, shape []") { try file.floats("steps") }
    expectRefusal("\(path): expected the tensor weight (F32, shape [3, 2]), found one of F32, shape [2, 3]") {
      try file.floats("weight", shape: [3, 2])
    }
  }

  @Test(
    "Every damage of a header is refused in one sentence that names it",
    arguments: [
      (#"{"#, 0, "expected \" at byte 1 of the header, found its end"),
      (#" {}"#, 0, "expected { at byte 0"),
      (#"{} x"#, 0, "expected the header's end at byte 3"),
      (#"[]"#, 0, "expected { at byte 0"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}"#, 4, "expected \" at byte"),
      (#"{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}"#, 4, "found F33"),
      (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "expected a whole number of 0 or more"),
      (#"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, 4, "expected ] at byte"),
      (#"{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#, 4, "expected a whole number of 0 or more"),
      (
        #"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, 4,
        "expected a number below 2^63 in the header, found 99999999999999999999"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#, 4,
        "expected a size that memory can hold for tensor a"
      ),
      (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "expected 8 bytes for tensor a"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "expected ascending data_offsets for tensor a"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "found not all of them"),
      (#"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#, 4, "found not all of them"),
      (#"{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}"#, 4, "found shape as well"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}"#, 4, "found x as well"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "expected tensor a to start at byte 0"),
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        8, "expected tensor b to start at byte 8 of the data, without gap or overlap, found 4"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        8, "the header names a twice"
      ),
      (#"{"__metadata__":{"a":"1","a":"2"}}"#, 0, "the header's metadata name a twice"),
      (#"{"__metadata__":{"a":1}}"#, 0, "expected \" at byte"),
      (#"{"__metadata__":{"a":"\q"}}"#, 0, "expected an escape that JSON knows"),
      (#"{"__metadata__":{"a":"\ud83e"}}"#, 0, "expected a whole surrogate pair"),
      ("{\"__metadata__\":{\"a\":\"\n\"}}", 0, "expected a string without control characters"),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3,
        "expected 4 bytes of tensors behind the header, found 3: the file is truncated"
      ),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5, "found 5: something was appended"),
    ])
  func damagedHeader(json: String, dataBytes: Int, sentence: String) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.safetensors"
      try write(length: UInt64(json.utf8.count), Array(json.utf8), dataBytes: dataBytes, to: path)
      expectRefusal(containing: sentence, path: path) { try SafetensorsFile(path: path) }
    }
  }

  @Test("A header's length beyond the file or beyond 100 MB is refused before anything is read")
  func headerLength() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.safetensors"
      for length in [3, 1 << 40, UInt64.max] {
        try write(length: length, Array("{}".utf8), dataBytes: 0, to: path)
        expectRefusal("\(path): expected a header of at most 2 bytes, found a length of \(length)") {
          try SafetensorsFile(path: path)
        }
      }
      // Sparse: takes no room.
      try write(length: 100_000_001, [], dataBytes: 0, to: path)
      truncate(path, 200_000_000)
      expectRefusal(containing: "at most 100000000 bytes", path: path) { try SafetensorsFile(path: path) }
      try Data([1, 0, 0]).write(to: URL(filePath: path))
      expectRefusal(containing: "at least 8 bytes, found 3", path: path) { try SafetensorsFile(path: path) }
    }
  }

  @Test("Bytes that are not UTF-8, an absent file and a folder are refused")
  func notAFile() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.safetensors"
      try write(length: 4, [0x7B, 0xFF, 0xFE, 0x7D], dataBytes: 0, to: path)
      expectRefusal(containing: "expected a header in UTF-8", path: path) { try SafetensorsFile(path: path) }
      let absent = "\(folder)/absent"
      expectRefusal(containing: "cannot be opened: No such file or directory", path: absent, kind: .inputOutput) {
        try SafetensorsFile(path: absent)
      }
      expectRefusal(containing: "expected a file, found a folder", path: folder) { try SafetensorsFile(path: folder) }
    }
  }

  @Test("Any cut or flipped byte of a valid file is read or refused, never a crash")
  func fuzz() throws {
    let whole = try Data(contentsOf: URL(filePath: try referencePath()))
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.safetensors"
      for count in 0..<whole.count {
        try whole.prefix(count).write(to: URL(filePath: path))
        #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }
      }
      for index in whole.indices {
        var damaged = whole
        damaged[index] ^= 1 << (index % 8)
        try damaged.write(to: URL(filePath: path))
        do {
          let file = try SafetensorsFile(path: path)
          for tensor in file.tensors {
            _ = try file.withBytes(of: tensor.name, type: tensor.type, shape: tensor.shape) { $0.reduce(0, &+) }
          }
        } catch is SafetensorsError {}
      }
    }
  }

  @Test("White space, escapes and any order of members are read as JSON has them")
  func otherSpelling() throws {
    let json = """
      { "b" : {"data_offsets":[ 4 , 8 ],"shape":[ 1 ],\t"dtype":"F32"},
      "\\u0061\\ud83e\\udd57": {"dtype":"F32","shape":[],"data_offsets":[0,4]}, "__metadata__":{} } \n
      """
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.safetensors"
      try write(length: UInt64(json.utf8.count), Array(json.utf8), dataBytes: 8, to: path)
      #expect(try SafetensorsFile(path: path).tensors.map(\.name) == ["a\u{1F957}", "b"])
    }
  }
}

/// A file of a header's length, a header, and zeros.
private func write(length: UInt64, _ header: [UInt8], dataBytes: Int, to path: String) throws {
  var bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + header
  bytes += [UInt8](repeating: 0, count: dataBytes)
  try Data(bytes).write(to: URL(filePath: path))
}
