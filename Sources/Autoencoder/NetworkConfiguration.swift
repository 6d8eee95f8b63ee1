/// Which autoencoder: the U-shaped one of the published code, or a ResNet-18 trunk.
public enum Architecture: String, Codable, Sendable, CaseIterable { case unet, resnet18 }

/// Mean absolute or mean squared error of the reconstruction.
public enum ReconstructionLoss: String, Codable, Sendable, CaseIterable { case l1, mse }

/// Whether embeddings are centred before they are made unit vectors: by batch normalisation without scale and shift over the D
/// numbers, or not at all.
///
/// Freshly started encoders send all images nearly the same way. Where that common direction enters the memory bank, rows
/// already visited attract every image and training hardly starts (docs/method.md).
public enum Centre: String, Codable, Sendable, CaseIterable { case batch, none }

/// What fixes a network's tensors and their shapes.
public struct NetworkConfiguration: Codable, Sendable, Equatable {
  public var architecture: Architecture
  /// S: the side of the image the network sees, 64, 128, 256 or 512 pixels.
  public var size: Int
  /// C: 1, or 3 with the gray channel repeated.
  public var channels: Int
  /// Caps every level's channels: 1024 is the full network.
  public var maximumWidth: Int
  /// D: elements of an embedding.
  public var embeddingDimension: Int
  public var centre: Centre

  public init(
    architecture: Architecture, size: Int, channels: Int, maximumWidth: Int, embeddingDimension: Int,
    centre: Centre = .none
  ) {
    self.architecture = architecture
    self.size = size
    self.channels = channels
    self.maximumWidth = maximumWidth
    self.embeddingDimension = embeddingDimension
    self.centre = centre
  }

  /// Channels of the levels at S, S/2 ... S/64: 16, 32 ... 1024, capped.
  var widths: [Int] { (0...6).map { min(16 << $0, maximumWidth) } }

  /// The side of the deepest feature map, S/64.
  var deepestSide: Int { size / 64 }
}

/// What the autoencoder cannot do, or what is wrong with a file of weights: one sentence.
public struct AutoencoderError: Error, CustomStringConvertible, Sendable {
  public enum Kind: Sendable {
    /// A file's tensors are not this network's.
    case badData
    /// This machine's libraries cannot compute the network.
    case unsupported
    /// This machine cannot do what was asked for, but could do otherwise.
    case refused
  }

  public let kind: Kind
  public let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
