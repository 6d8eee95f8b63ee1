// The lines of metrics.jsonl. What the seed determines stands at the top level; what the clock says under `timing`.

/// Seconds, and images per second over all ranks.
struct Timing: Encodable {
  var seconds: Double
  var imagesPerSecond: Double

  init(images: Int, seconds: Double) {
    self.seconds = seconds.rounded(toPlaces: 4)
    imagesPerSecond = (seconds > 0 ? Double(images) / seconds : 0).rounded(toPlaces: 2)
  }

  enum CodingKeys: String, CodingKey {
    case seconds
    case imagesPerSecond = "images_per_second"
  }
}

struct StepMetrics: Encodable {
  let kind = "step"
  /// Steps taken, this one included.
  var step: Int
  /// Both from 0.
  var epoch: Int
  var round: Int
  var images: Int
  var loss: Double
  var reconstructionLoss: Double
  var embeddingLoss: Double
  /// Absent when all images of the batch are anchors.
  var instanceLoss: Double?
  /// Absent when none is.
  var aggregationLoss: Double?
  var timing: Timing

  init(step: Int, epoch: Int, round: Int, losses: StepLosses, seconds: Double) {
    self.step = step
    self.epoch = epoch
    self.round = round
    images = losses.images
    loss = losses.total
    reconstructionLoss = losses.reconstruction
    embeddingLoss = losses.embedding
    instanceLoss = losses.instance
    aggregationLoss = losses.aggregation
    timing = Timing(images: losses.images, seconds: seconds)
  }

  enum CodingKeys: String, CodingKey {
    case kind, step, epoch, round, images, loss, timing
    case reconstructionLoss = "reconstruction_loss"
    case embeddingLoss = "embedding_loss"
    case instanceLoss = "instance_loss"
    case aggregationLoss = "aggregation_loss"
  }
}

struct EpochMetrics: Encodable {
  let kind = "epoch"
  /// Steps taken.
  var step: Int
  var epoch: Int
  var round: Int
  /// How many images were anchors.
  var anchors: Int
  /// Means over the epoch's images.
  var loss: Double
  var reconstructionLoss: Double
  var embeddingLoss: Double
  /// Of the part of the epoch that this job computed.
  var timing: Timing

  init(step: Int, epoch: Int, round: Int, anchors: Int, losses: EpochLosses) {
    self.step = step
    self.epoch = epoch
    self.round = round
    self.anchors = anchors
    let images = Double(max(1, losses.images))
    loss = losses.total / images
    reconstructionLoss = losses.reconstruction / images
    embeddingLoss = losses.embedding / images
    timing = Timing(images: losses.imagesTimed, seconds: losses.seconds)
  }

  enum CodingKeys: String, CodingKey {
    case kind, step, epoch, round, anchors, loss, timing
    case reconstructionLoss = "reconstruction_loss"
    case embeddingLoss = "embedding_loss"
  }
}

/// Losses of an epoch so far, summed over its images in the order of its steps.
struct EpochLosses: Equatable {
  var images = 0
  var total = 0.0
  var reconstruction = 0.0
  var embedding = 0.0
  // By this job's clock; a checkpoint does not hold them.
  var imagesTimed = 0
  var seconds = 0.0

  init() {}

  mutating func add(_ losses: StepLosses, seconds: Double) {
    images += losses.images
    total += Double(losses.images) * losses.total
    reconstruction += Double(losses.images) * losses.reconstruction
    embedding += Double(losses.images) * losses.embedding
    imagesTimed += losses.images
    self.seconds += seconds
  }

  /// - Parameter bits: what `bits` gave.
  init(bits: [Int64]) {
    precondition(bits.count == 4, "\(bits.count) numbers, expected 4")
    images = Int(bits[0])
    total = Double(bitPattern: UInt64(bitPattern: bits[1]))
    reconstruction = Double(bitPattern: UInt64(bitPattern: bits[2]))
    embedding = Double(bitPattern: UInt64(bitPattern: bits[3]))
  }

  /// Four numbers that hold the sums to the bit.
  var bits: [Int64] {
    [Int64(images)] + [total, reconstruction, embedding].map { Int64(bitPattern: $0.bitPattern) }
  }
}
