// CONTRACT STUB: signatures are agreed, bodies are not.

/// A deterministic synthetic chest X-ray data set in the folder layout.
public struct PhantomDataSet: Sendable {
  public var train: Int, testNormal: Int, testAnomalous: Int, size: Int, seed: UInt64, masks: Bool
  public init(train: Int, testNormal: Int, testAnomalous: Int, size: Int, seed: UInt64, masks: Bool) {
    self.train = train; self.testNormal = testNormal; self.testAnomalous = testAnomalous; self.size = size; self.seed = seed; self.masks = masks
  }
  /// Writes train/good, test/good, test/{opacity,nodule,effusion,device} and, with masks, ground_truth. Refuses a folder that is not empty.
  public func write(to folder: String, progress: (Int, Int) -> Void) throws { fatalError("stub") }
}
