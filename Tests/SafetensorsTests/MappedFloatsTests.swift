import Foundation
import Testing

@testable import Safetensors

@Suite("Mapped floats") struct MappedFloatsTests {
  @Test("They are those of a copy, in whole and in part, and stay when the file is let go")
  func parts() throws {
    try withTemporaryFolder { folder in
      let values = (0..<1000).map { Float($0) / 7 }
      let mapped = try map(values, "\(folder)/x.safetensors")
      #expect(mapped.count == 1000)
      #expect(mapped.withUnsafeBufferPointer(Array.init) == values)
      for places in [0..<1000, 0..<1, 999..<1000, 3..<700, 1000..<1000, 0..<0] {
        let part = mapped[places]
        #expect(part.count == places.count)
        #expect(part.withUnsafeBufferPointer(Array.init) == Array(values[places]))
        #expect(part.withUnsafeBufferPointer { $0.baseAddress != nil })
        // A part of a part counts from its own start.
        #expect(
          part[0..<part.count / 2].withUnsafeBufferPointer(Array.init) == Array(values[places].prefix(part.count / 2)))
      }
    }
  }

  @Test("Floats that start askew are not mapped, and can be copied", arguments: 0..<8)
  func alignment(padding: Int) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.safetensors"
      var json = #"{"bank":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
      while json.utf8.count % 8 != 0 { json += " " }
      json += String(repeating: " ", count: padding)
      let length = withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Data($0) }
      let values: [Float] = [1.5, -2]
      try (length + Data(json.utf8) + values.withUnsafeBytes { Data($0) }).write(to: URL(filePath: path))

      let file = try SafetensorsFile(path: path)
      let mapped = try file.mappedFloats("bank", shape: [2])
      #expect((mapped != nil) == (padding % 4 == 0))
      if let mapped { #expect(mapped.withUnsafeBufferPointer(Array.init) == values) }
      #expect(try file.floats("bank") == values)
    }
  }

  @Test("A tensor of another name, type or shape is refused as a copy of it is")
  func wrongTensor() throws {
    let path = try referencePath()
    let file = try SafetensorsFile(path: path)
    expectRefusal("\(path): expected the tensor bank (F32, shape [2, 3]), found none of that name") {
      try file.mappedFloats("bank", shape: [2, 3])
    }
    expectRefusal("\(path): expected the tensor steps (F32), found one of I64, shape []") {
      try file.mappedFloats("steps")
    }
    expectRefusal("\(path): expected the tensor weight (F32, shape [3, 2]), found one of F32, shape [2, 3]") {
      try file.mappedFloats("weight", shape: [3, 2])
    }
  }

  @Test("A file whose path is given to another, or to none, is mapped on unchanged")
  func replacedByName() throws {
    try withTemporaryFolder { folder in
      let (path, other) = ("\(folder)/x.safetensors", "\(folder)/y.safetensors")
      let mapped = try map([1, 2, 3], path)
      _ = try map([4, 5], other)
      #expect(rename(other, path) == 0)
      try mapped.checkUnchanged()
      #expect(unlink(path) == 0)
      try mapped.checkUnchanged()
      #expect(mapped.withUnsafeBufferPointer(Array.init) == [1, 2, 3])
    }
  }

  @Test("A file that was written into is told by its sizes, of the same length too")
  func writtenInto() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.safetensors"
      for (change, difference) in [
        ({ try $0.write(contentsOf: [0]) }, 0),
        (
          {
            try $0.seekToEnd(); try $0.write(contentsOf: [0])
          }, 1
        ),
        ({ try $0.truncate(atOffset: $0.seekToEnd() - 1) }, -1),
      ] as [((FileHandle) throws -> Void, Int)] {
        let mapped = try map([1, 2, 3], path, written: Date(timeIntervalSince1970: 1e9))
        try mapped.checkUnchanged()
        let size = try Data(contentsOf: URL(filePath: path)).count
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        try change(handle)
        try handle.close()
        expectRefusal(
          "\(path): expected the \(size) bytes that were opened, found \(size + difference) that were written since: "
            + "replace a file in use by renaming another to its path, not by writing into it"
        ) { try mapped.checkUnchanged() }
      }
    }
  }

  /// A file with these floats, mapped.
  ///
  /// - Parameter written: when its clock says it was; nil: now, and a change within the clock's tick might go unseen.
  private func map(_ values: [Float], _ path: String, written: Date? = nil) throws -> MappedFloats {
    let shape = [values.count]
    var writer = try SafetensorsWriter(
      path: path, tensors: [TensorDescription(name: "bank", type: .float32, shape: shape)])
    try writer.write(values)
    try writer.finish()
    if let written { try FileManager.default.setAttributes([.modificationDate: written], ofItemAtPath: path) }
    return try #require(try SafetensorsFile(path: path).mappedFloats("bank", shape: shape))
  }
}
