import Foundation

extension ImageCache {
  /// Reads and decodes a range of images before training: the digest of each, or what is wrong with it.
  ///
  /// The cache keeps the images, as far as its limit allows.
  ///
  /// - Parameters:
  ///   - threads: at least 1; they change nothing but the time.
  ///   - progress: called on the calling thread from time to time with the number of images done.
  /// - Returns: for each index in order, the SHA-256 of the file's bytes (32 bytes).
  public func scan(
    _ indices: Range<Int>, threads: Int, progress: (_ done: Int) -> Void = { _ in }
  ) -> [Result<[UInt8], RadiographError>] {
    precondition(threads >= 1, "a scan by \(threads) threads: there must be at least 1")
    let scan = Monitor(Scan(indices: indices))
    for number in 0..<min(threads, indices.count) {
      let thread = Thread { [self] in
        while let index = scan.update({ $0.remaining.popFirst() }) {
          let result = scanned(index)
          scan.update {
            $0.results[index - indices.lowerBound] = result
            $0.done += 1
          }
        }
      }
      thread.name = "scan \(number)"
      thread.start()
    }
    var done = 0
    while done < indices.count {
      done = scan.wait { $0.done > done ? $0.done : nil }
      progress(done)
    }
    return scan.read { $0.results.compactMap { $0 } }
  }

  private func scanned(_ index: Int) -> Result<[UInt8], RadiographError> {
    do {
      return .success(try imageAndDigest(index).1)
    } catch let error as RadiographError {
      return .failure(error)
    } catch {
      return .failure(RadiographError(path: paths[index], "\(paths[index]): cannot read the image (\(error))."))
    }
  }
}

/// What the scan's threads share.
private struct Scan {
  var remaining: Range<Int>
  var done = 0
  var results: [Result<[UInt8], RadiographError>?]

  init(indices: Range<Int>) {
    remaining = indices
    results = .init(repeating: nil, count: indices.count)
  }
}
