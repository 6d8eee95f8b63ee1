import Platform

/// What a scan learns of an image that is sound.
public struct ScannedImage: Sendable, Codable, Equatable {
  /// SHA-256 of the file's bytes, 32 bytes.
  public var digest: [UInt8]
  public var picture: PictureHash
  /// Of the 16 bits of its samples, how many are in use; nil where they have no 16.
  public var sampleBits: Int?
}

extension ImageCache {
  /// Reads and decodes a range of images before training: what each is, or what is wrong with it.
  ///
  /// The cache keeps the images, as far as its limit allows.
  ///
  /// - Parameters:
  ///   - threads: at least 1; they change nothing but the time.
  ///   - progress: called on the calling thread from time to time with the number of images done.
  /// - Returns: one result an index, in order.
  public func scan(
    _ indices: Range<Int>, threads: Int, progress: (_ done: Int) -> Void = { _ in }
  ) -> [Result<ScannedImage, RadiographError>] {
    precondition(threads >= 1, "a scan by \(threads) threads: there must be at least 1")
    let scan = Monitor(Scan(indices: indices))
    let work: @Sendable () -> Void = { [self] in
      while let index = scan.update({ $0.remaining.popFirst() }) {
        let result = outcome(index)
        scan.update {
          $0.results[index - indices.lowerBound] = result
          $0.done += 1
        }
      }
    }
    let started = (0..<min(threads, indices.count)).count { (try? WorkerThread("scan \($0)", work)) != nil }
    // Where the system allows no thread more.
    if started == 0 { work() }
    var done = 0
    while done < indices.count {
      done = scan.watch { $0.done > done ? $0.done : nil }
      progress(done)
    }
    return scan.read { $0.results.compactMap { $0 } }
  }

  private func outcome(_ index: Int) -> Result<ScannedImage, RadiographError> {
    do {
      return .success(try scanned(index))
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
  var results: [Result<ScannedImage, RadiographError>?]

  init(indices: Range<Int>) {
    remaining = indices
    results = .init(repeating: nil, count: indices.count)
  }
}
