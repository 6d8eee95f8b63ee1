// m = images in a micro-batch, F = features of an image

/// Which of an encoder's maps describe an image to the bank that scores.
///
///     e3,e4,e5   the means over positions of three stages' outputs, one after another (a unet's default)
///     z          the bottleneck: the unit vector that training's losses and momentum bank use
///
/// Level features are neither normalised nor whitened: lengths carry what is abnormal.
public struct Levels: Sendable, Equatable, CustomStringConvertible {
  /// As the network calls its stages, from the image to the bottleneck.
  public let names: [String]

  /// The bottleneck alone.
  public static let bottleneck = Levels(["z"])

  public init(_ names: [String]) { self.names = names }

  /// From names between commas.
  public init(_ text: String) {
    names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }

  /// For help: "e3,e4,e5, of a resnet18 layer2,layer3,layer4".
  public static var defaults: String {
    "\(Architecture.unet.defaultLevels), of a resnet18 \(Architecture.resnet18.defaultLevels)"
  }

  public var description: String { names.joined(separator: ",") }
  public var isBottleneck: Bool { self == .bottleneck }
}

extension Levels: Codable {
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// On what scale the means of levels are compared.
public enum FeatureScale: String, Codable, Sendable, CaseIterable {
  /// As they are.
  case linear
  /// sign(x) sqrt(|x|): channels of large means count for less, those of small means for more.
  ///
  /// Power normalisation, as Perronnin et al., "Improving the Fisher kernel" (ECCV 2010), do it.
  case root

  /// A square root is correctly rounded (IEEE 754): the same bits on every machine.
  public func apply(to features: inout [Float]) {
    switch self {
    case .linear: break
    case .root:
      for index in features.indices {
        let value = features[index]
        features[index] = value < 0 ? -(-value).squareRoot() : value.squareRoot()
      }
    }
  }
}

extension Architecture {
  /// The stages whose maps can be averaged, from the image to the bottleneck.
  public var stages: [String] {
    switch self {
    case .unet: (1...6).map { "e\($0)" }
    case .resnet18: (1...4).map { "layer\($0)" }
    }
  }

  /// What scores unless another choice is made: docs/ablation.md has the trials.
  public var defaultLevels: Levels {
    switch self {
    case .unet: Levels(["e3", "e4", "e5"])
    case .resnet18: Levels(["layer2", "layer3", "layer4"])
    }
  }

  /// Whether the network has these levels, in their order and each once.
  public func has(_ levels: Levels) -> Bool {
    if levels.isBottleneck { return true }
    let places = levels.names.compactMap { stages.firstIndex(of: $0) }
    return !places.isEmpty && places.count == levels.names.count && zip(places, places.dropFirst()).allSatisfy(<)
  }
}

extension NetworkConfiguration {
  /// F: the numbers that describe an image, D for the bottleneck.
  ///
  /// - Parameter levels: that the network has.
  public func featureCount(_ levels: Levels) -> Int {
    StageMeans(levels, of: self)?.count ?? embeddingDimension
  }

  /// Channels of `Architecture.stages`.
  var stageWidths: [Int] {
    switch architecture {
    case .unet: Array(widths.dropFirst())
    case .resnet18: ResNet18.widths(self)
    }
  }
}

/// Where the means of a network's stages stand in a row of features.
struct StageMeans: Sendable {
  /// By stage; nil where its means are not asked for.
  private let places: [Range<Int>?]
  /// F.
  let count: Int
  /// The deepest stage asked for: evaluation goes no further.
  let last: Int

  /// nil for the bottleneck.
  init?(_ levels: Levels, of configuration: NetworkConfiguration) {
    guard !levels.isBottleneck else { return nil }
    precondition(configuration.architecture.has(levels), "a network without the levels \(levels)")
    let (stages, widths) = (configuration.architecture.stages, configuration.stageWidths)
    var places = [Range<Int>?](repeating: nil, count: stages.count)
    var count = 0
    for stage in stages.indices where levels.names.contains(stages[stage]) {
      places[stage] = count..<count + widths[stage]
      count += widths[stage]
    }
    self.places = places
    self.count = count
    last = places.lastIndex { $0 != nil }!
  }

  func isAskedFor(_ stage: Int) -> Bool { places[stage] != nil }

  /// Copies a stage's means, (images, channels padded to blocks), to their place in rows of F.
  func copy(_ means: UnsafePointer<Float>, of stage: Int, images: Int, into rows: UnsafeMutablePointer<Float>) {
    guard let place = places[stage] else { preconditionFailure("stage \(stage) is not asked for") }
    for image in 0..<images {
      (rows + image * count + place.lowerBound).update(from: means + image * padded(place.count), count: place.count)
    }
  }
}
