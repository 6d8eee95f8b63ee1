import MPI
import Platform
import Radiographs
import Synchronization

/// What a learned method must beat: the distance to the nearest training image in raw 32 x 32 pixels.
public enum RawPixelEvaluation {
  /// All ranks; rank 0 computes. Area under the receiver operating characteristic of that distance, in 0...1.
  ///
  /// - Parameters:
  ///   - path: the data set's.
  ///   - selection: its layout, and what is wanted of it.
  ///   - images: its test images.
  ///   - source: the model beside which the number stands: its border is masked, its range of grays is white here, too.
  ///   - workers: threads of rank 0.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  /// - Throws: `SaladError` 65 when there are no training images, one cannot be read, or a class is missing.
  public static func areaUnderROC(
    of path: String, _ selection: DataSelection, images: [LabelledImage], beside source: ModelSource, workers: Int,
    communicator: Communicator, watchdog: Watchdog
  ) throws -> Double {
    watchdog.enter("comparing raw pixels", step: nil)
    let training = try ListedImages.training(  // all ranks
      of: path, selection, communicator: communicator, log: nil)
    let (root, paths) = (training.root, training.paths)
    let area = try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return 0.0 }
      var neighbours = RawPixelNeighbour()
      var preparation = source.scoring.preparation
      (preparation.side, preparation.fit) = (neighbours.side, .stretch)
      for image in try read(paths.map { "\(root)/\($0)" }, preparation, workers: workers) {
        neighbours.remember(image)
      }
      let tests = try read(images.map { "\(root)/\($0.path)" }, preparation, workers: workers)
      return try OperatingCurve(
        scores: tests.map(neighbours.distance), anomalous: images.map(\.isAnomalous)
      ).areaUnderROC
    }
    return try communicator.allReduce(area, .max)  // all ranks
  }

  /// Local. The prepared images, in order.
  private static func read(_ paths: [String], _ preparation: Preparation, workers: Int) throws -> [Radiograph] {
    let images = Mutex([Radiograph?](repeating: nil, count: paths.count))
    try forEachConcurrently(paths.count, workers: workers) { index in
      try Signals.throwIfReceived()
      let image = preparation(try Radiograph(contentsOf: paths[index]))
      images.withLock { $0[index] = image }
    }
    return images.withLock { $0.compactMap { $0 } }
  }
}
