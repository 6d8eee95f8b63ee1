import MPI
import Platform
import Radiographs

/// What is in a data set, found out before a night is spent on it.
public struct Census: Encodable, Sendable {
  /// A thing and how many images have it; most frequent first.
  public struct Count: Encodable, Sendable, Equatable {
    public var name: String
    public var count: Int
  }

  /// An image with what is odd about it.
  public struct Odd: Encodable, Sendable, Equatable {
    public var path: String
    public var value: Double
  }

  /// Images that are one picture, or look alike.
  public struct Copies: Encodable, Sendable, Equatable {
    /// Groups, or pairs.
    public var count = 0
    /// Of them those on both sides of the split.
    public var acrossSplits = 0
    /// The first of them, and their images.
    public var first: [[String]] = []

    enum CodingKeys: String, CodingKey {
      case count, first
      case acrossSplits = "across_splits"
    }
  }

  public struct Patients: Encodable, Sendable, Equatable {
    public var training = 0
    public var test = 0
    /// Images whose patient nobody knows.
    public var imagesOfUnknown = 0
    /// The first of those who are on both sides, and how many they are.
    public var both: [String] = []
    public var bothCount = 0

    enum CodingKeys: String, CodingKey {
      case training, test, both
      case imagesOfUnknown = "images_of_unknown"
      case bothCount = "both_count"
    }
  }

  /// How many of a list are named.
  public static let named = 20

  public internal(set) var path: String
  public internal(set) var layout: String
  /// What the listing said: what is missing, not read or not used.
  public internal(set) var notes: [String] = []
  /// Why a training would be refused; empty where it would not.
  public internal(set) var refusals: [String] = []
  public internal(set) var images = 0
  public internal(set) var splits: [Count] = []
  /// An image with several kinds counts in each.
  public internal(set) var labels: [Count] = []
  public internal(set) var views: [Count] = []
  public internal(set) var sexes: [Count] = []
  public internal(set) var bodyParts: [Count] = []
  public internal(set) var formats: [Count] = []
  public internal(set) var sizes: [Count] = []
  public internal(set) var bits: [Count] = []
  public internal(set) var unreadable: [SkippedImage] = []
  public internal(set) var unreadableCount = 0
  public internal(set) var patients = Patients()
  public internal(set) var equalFiles = Copies()
  public internal(set) var equalPictures = Copies()
  public internal(set) var lookalikes = Copies()
  /// By mean gray, 0 black, 1 white.
  public internal(set) var darkest: [Odd] = []
  public internal(set) var brightest: [Odd] = []
  /// Images whose gray values span less than half of what there is, by that span.
  public internal(set) var narrow: [Odd] = []
  public internal(set) var narrowCount = 0
  /// Images that are like a negative of the others, by their correlation with the mean image of their kind.
  public internal(set) var inverted: [Odd] = []
  public internal(set) var invertedCount = 0
  /// Images more than twice as long as wide, or as wide as long, by that ratio.
  public internal(set) var elongated: [Odd] = []
  public internal(set) var elongatedCount = 0
  /// The folder that paths are relative to.
  public internal(set) var root: String

  /// What the command ends with: 65 where a training would be refused.
  public var status: ExitStatus { refusals.isEmpty ? .success : .badData }

  enum CodingKeys: String, CodingKey {
    case path, layout, notes, refusals, images, splits, labels, views, sexes, formats, sizes, bits, unreadable, patients
    case lookalikes, darkest, brightest, narrow, inverted, elongated
    case bodyParts = "body_parts"
    case unreadableCount = "unreadable_count"
    case equalFiles = "equal_files"
    case equalPictures = "equal_pictures"
    case narrowCount = "narrow_count"
    case invertedCount = "inverted_count"
    case elongatedCount = "elongated_count"
  }

  /// One JSON object on one line.
  public func line() throws -> String { String(decoding: try JSONText.line(self), as: UTF8.self) }
}

// MARK: - Counting

extension Census {
  /// Counts by what each image is.
  mutating func count(_ listed: [CensusTaker.Listed], _ found: [CensusImage]) {
    images = listed.count
    splits = Self.counts(listed.map(\.place))
    labels = Self.counts(listed.flatMap(\.image.kinds))
    views = Self.counts(listed.compactMap(\.image.facts.view))
    sexes = Self.counts(listed.compactMap(\.image.facts.sex))
    bodyParts = Self.counts(listed.compactMap(\.image.facts.bodyPart))
    let sound = found.filter { $0.reason == nil }
    formats = Self.counts(sound.map(\.format))
    sizes = Self.counts(sound.map { "\($0.width) x \($0.height)" })
    bits = Self.counts(sound.map { "\($0.bits)" })
    let bad = zip(listed, found).filter { $0.1.reason != nil }
    unreadableCount = bad.count
    unreadable = bad.prefix(Self.named).map { SkippedImage(path: $0.image.path, reason: $1.reason ?? "") }
  }

  static func counts(_ names: [String]) -> [Count] {
    var counts: [[UInt8]: Int] = [:]
    for name in names { counts[Array(name.utf8), default: 0] += 1 }
    return counts.map { Count(name: String(decoding: $0, as: UTF8.self), count: $1) }.sorted {
      $0.count != $1.count ? $0.count > $1.count : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
    }
  }

  /// Finds the odd ones.
  mutating func measure(_ listed: [CensusTaker.Listed], _ found: [CensusImage]) {
    let sound = found.indices.filter { found[$0].reason == nil }
    func odd(_ places: [Int], _ value: (Int) -> Double, ascending: Bool) -> [Odd] {
      places.map { Odd(path: listed[$0].image.path, value: value($0).rounded(toPlaces: 4)) }.sorted {
        $0.value != $1.value
          ? ascending == ($0.value < $1.value) : $0.path.utf8.lexicographicallyPrecedes($1.path.utf8)
      }
    }
    let byMean = odd(sound, { found[$0].mean }, ascending: true)
    darkest = Array(byMean.prefix(Self.shown))
    brightest = Array(byMean.suffix(Self.shown).reversed())
    let spans = sound.filter { found[$0].bits == 8 && found[$0].most - found[$0].least < 0.5 }
    let few = odd(spans, { found[$0].most - found[$0].least }, ascending: true)
    (narrow, narrowCount) = (Array(few.prefix(Self.named)), few.count)
    func ratio(_ index: Int) -> Double {
      let (width, height) = (Double(found[index].width), Double(found[index].height))
      return max(width, height) / min(width, height)
    }
    let long = odd(sound.filter { ratio($0) > 2 }, ratio, ascending: false)
    (elongated, elongatedCount) = (Array(long.prefix(Self.named)), long.count)

    // Of one part of the body and view, where they are known: a hand's mean is no shoulder's.
    let groups = Dictionary(grouping: sound) { index in
      "\(listed[index].image.facts.bodyPart ?? "")/\(listed[index].image.facts.view ?? "")"
    }
    var negative: [Int: Double] = [:]
    for places in groups.values where places.count >= 10 {
      var mean = [Double](repeating: 0, count: CensusImage.thumbnailSide * CensusImage.thumbnailSide)
      for place in places { for (cell, value) in found[place].thumbnail.enumerated() { mean[cell] += Double(value) } }
      for place in places {
        let own = found[place].thumbnail.map(Double.init)
        // Without itself, which would pull the mean of few images towards it.
        let others = zip(mean, own).map { ($0 - $1) / Double(places.count - 1) }
        if let correlation = CensusImage.correlation(own, others), correlation < -0.4 { negative[place] = correlation }
      }
    }
    let inverse = odd(negative.keys.sorted(), { negative[$0]! }, ascending: true)
    (inverted, invertedCount) = (Array(inverse.prefix(Self.named)), inverse.count)
  }

  /// Of the darkest and the brightest.
  static let shown = 8
}
