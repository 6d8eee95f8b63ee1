import Foundation
import Platform
import Testing

@testable import Radiographs

@Suite("Image cache")
struct ImageCacheTests {
  @Test("With any limit, an image is the file's, resized", arguments: [0, 64 * 64, 3 * 64 * 64, 1 << 30])
  func pixels(limit: Int) throws {
    try withImages(count: 6) { root, paths in
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: limit)
      for index in [0, 1, 2, 3, 4, 5, 0, 5, 3] {
        let expected = try Radiograph(contentsOf: "\(root)/\(paths[index])").resized(to: 64, fit: .pad)
        #expect(try cache.image(index) == expected)
      }
      #expect(cache.bytesInUse == min(6, limit / (64 * 64)) * 64 * 64)
    }
  }

  @Test("What is kept is not read again, what is not kept is")
  func kept() throws {
    try withImages(count: 3) { root, paths in
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .stretch, limit: 2 * 64 * 64)
      let first = try (0..<3).map { try cache.image($0) }
      for path in paths { try FileManager.default.removeItem(atPath: "\(root)/\(path)") }
      #expect(try cache.image(0) == first[0])
      #expect(try cache.image(1) == first[1])
      #expect(radiographError { _ = try cache.image(2) }?.path == "\(root)/\(paths[2])")
    }
  }

  @Test("A scan's digest is the file's SHA-256, whether or not the image was in memory")
  func digest() throws {
    try withImages(count: 2) { root, paths in
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: 64 * 64)
      for index in [0, 1, 0, 1] {
        let scanned = try cache.scanned(index)
        let bytes = try Data(contentsOf: URL(filePath: "\(root)/\(paths[index])"))
        #expect(scanned.digest == bytes.withUnsafeBytes(SHA256.hash))
        #expect(try scanned.picture == PictureHash(Radiograph(bytes: Array(bytes), path: "")))
      }
      #expect(cache.bytesInUse == 64 * 64)
    }
  }

  @Test("A selection has its images under their new indices, and what was in memory is not read again")
  func selection() throws {
    try withImages(count: 4) { root, paths in
      let whole = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: 3 * 64 * 64)
      let images = try (0..<4).map { try whole.image($0) }
      let cache = ImageCache(whole, selecting: [3, 1])
      #expect(cache.paths == [paths[3], paths[1]])
      #expect(cache.bytesInUse == 64 * 64)
      try FileManager.default.removeItem(atPath: "\(root)/\(paths[1])")
      #expect(try cache.image(0) == images[3])
      #expect(try cache.image(1) == images[1])
      #expect(cache.bytesInUse == 2 * 64 * 64)
    }
  }

  @Test("Many threads see the same images, and each is counted once")
  func threads() throws {
    try withImages(count: 20) { root, paths in
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: 10 * 64 * 64)
      let expected = try paths.map { try Radiograph(contentsOf: "\(root)/\($0)").resized(to: 64, fit: .pad) }
      DispatchQueue.concurrentPerform(iterations: 400) { iteration in
        #expect((try? cache.image(iteration % 20)) == expected[iteration % 20])
      }
      #expect(cache.bytesInUse == 10 * 64 * 64)
    }
  }

  @Test("A scan gives what each file is or its error in order, with any number of threads", arguments: [1, 2, 7])
  func scan(threads: Int) throws {
    try withImages(count: 9) { root, paths in
      try Data("no image".utf8).write(to: URL(filePath: "\(root)/\(paths[4])"))
      try FileManager.default.removeItem(atPath: "\(root)/\(paths[6])")
      let cache = ImageCache(root: root, paths: paths, side: 64, fit: .pad, limit: 1 << 30)
      var done = 0
      let results = cache.scan(2..<9, threads: threads) {
        #expect($0 > done)
        done = $0
      }
      #expect(done == 7)
      for (index, result) in zip(2..<9, results) {
        switch result {
        case .success(let scanned): #expect(try scanned == cache.scanned(index))
        case .failure(let error): #expect(error.path == "\(root)/\(paths[index])" && [4, 6].contains(index))
        }
      }
      #expect(results.count == 7)
      #expect(cache.scan(3..<3, threads: threads).isEmpty)
    }
  }
}

/// A temporary folder with small noisy images of different sizes.
func withImages(count: Int, _ body: (_ root: String, _ paths: [String]) throws -> Void) throws {
  try withTemporaryFolder { folder in
    let paths = (0..<count).map { "image\($0).png" }
    for (index, path) in paths.enumerated() {
      let (width, height) = (5 + index % 7, 4 + index % 5)
      let random = CounterRandom(seed: 1, name: path)
      let pixels = (0..<width * height).map { UInt8(truncatingIfNeeded: random.bits(UInt64($0))) }
      try Radiograph(width: width, height: height, pixels: .eightBit(pixels)).writePNG(to: "\(folder.path)/\(path)")
    }
    try body(folder.path, paths)
  }
}
