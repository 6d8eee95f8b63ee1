import Foundation
import MPI
import Platform
import Radiographs

// S = side of the picture that the network sees

/// How well heat maps find what masks mark.
public struct Localisation: Codable, Sendable, Equatable {
  /// One kind of anomaly against all normal test images.
  public struct Kind: Codable, Sendable, Equatable {
    /// As the data set calls it; `all` for all of them together.
    public var kind: String
    /// Anomalous images with a mask, and connected regions in their masks.
    public var images: Int
    public var regions: Int
    /// Over pixels, in 0...1.
    public var pixelAUROC: Double?
    /// Per-region overlap up to a false positive rate of 0.3, in 0...1.
    public var aupro: Double?
    /// Images whose hottest pixel lies in their mask, in 0...1.
    public var hottestInMask: Double?

    enum CodingKeys: String, CodingKey {
      case kind, images, regions, aupro
      case pixelAUROC = "pixel_auroc"
      case hottestInMask = "hottest_in_mask"
    }
  }

  public var method: HeatMethod
  /// S: masks are compared at the network's size.
  public var side: Int
  public var normalImages: Int
  /// Each kind in the order of its name, then all together.
  public var kinds: [Kind]

  enum CodingKeys: String, CodingKey {
    case method, side, kinds
    case normalImages = "normal_images"
  }

  /// With its line break.
  public func line() throws -> String { String(decoding: try JSONText.line(self), as: UTF8.self) }

  /// For people: a table.
  public var text: String {
    func number(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "-" }
    let head = ["kind", "images", "regions", "pixel AUROC", "AUPRO", "hottest in mask"]
    let rows =
      [head]
      + kinds.map {
        [$0.kind, "\($0.images)", "\($0.regions)", number($0.pixelAUROC), number($0.aupro), number($0.hottestInMask)]
      }
    let widths = head.indices.map { column in rows.map { $0[column].count }.max()! }
    let lines = rows.map { row in
      row.enumerated().map { column, text in
        let space = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + space : space + text
      }.joined(separator: "  ")
    }
    return "\(method.rawValue), \(normalImages) normal images, \(side) x \(side) pixels\n"
      + lines.joined(separator: "\n") + "\n"
  }
}

extension Explainer {
  /// All ranks. How well heat maps find what the masks of a data set's test images mark; equal on all ranks.
  ///
  /// A mask is what the data set's table names, or `ground_truth/KIND/NAME_mask.png` for `test/KIND/NAME.png`. It is
  /// brought to the network's size as the image is, and marks what is white by half or more; where nothing is, its brightest
  /// pixels.
  ///
  /// - Parameters:
  ///   - test: the test images.
  ///   - method: of the heat maps.
  /// - Throws: `SaladError` on all ranks: 65 when there is no mask or no normal image, or one cannot be read.
  public func localisation(of test: ListedImages, method: HeatMethod) throws -> Localisation {
    let communicator = scorer.communicator
    let masks = try agree(communicator) { () -> [String] in  // all ranks
      // As rank 0 sees them, as images are.
      communicator.isRoot ? test.images.map { MaskFile.path(of: $0, root: test.root) ?? "" } : []
    }
    let named = try communicator.broadcast(texts: masks + [""]).dropLast()  // all ranks
    let chosen = test.images.indices.filter { !test.images[$0].isAnomalous || !named[$0].isEmpty }
    let anomalous = chosen.count { test.images[$0].isAnomalous }
    guard anomalous > 0, anomalous < chosen.count else {
      throw SaladError(
        .badData,
        "\(test.root): expected normal test images and anomalous ones with masks (\(MaskFile.example)), found "
          + "\(chosen.count - anomalous) normal and \(anomalous) with a mask")
    }

    let preparation = Preparation(
      side: scorer.preparation.side, fit: scorer.preparation.fit, borderMask: scorer.preparation.borderMask)
    var found: [(kinds: [String], heat: HeatMap, regions: Regions?)] = []
    try explain(  // all ranks
      chosen.map { .file("\(test.root)/\(test.images[$0].path)") }, nearest: 1, method: method, title: "explaining"
    ) { explanations in
      for explanation in explanations {
        let image = chosen[found.count]
        guard let heatMap = explanation.heatMap else { preconditionFailure("an image without a heat map") }
        let regions =
          try test.images[image].isAnomalous
          ? MaskFile.regions(in: "\(test.root)/\(named[image])", preparation) : nil
        found.append((test.images[image].kinds, heatMap, regions))
      }
    }

    scorer.watchdog.enter("comparing heat maps with masks", step: nil)
    let kinds = Set(found.filter { $0.regions != nil }.flatMap(\.kinds)).sorted()
    func measured(_ name: String, _ isOf: ([String]) -> Bool) -> Localisation.Kind {
      var (pixels, images, hits) = (PixelCurve.Pixels(), 0, 0)
      var regionCount = 0
      for (kinds, heat, regions) in found where regions == nil || isOf(kinds) {
        pixels.add(heat.values, regions)
        guard let regions else { continue }
        images += 1
        regionCount += regions.sizes.count
        let hottest = heat.hottest
        if regions.numbers[hottest.y * heat.side + hottest.x] >= 0 { hits += 1 }
      }
      let curve = PixelCurve(pixels)
      scorer.watchdog.progress()
      return Localisation.Kind(
        kind: name, images: images, regions: regionCount, pixelAUROC: curve.areaUnderROC, aupro: curve.areaUnderPRO,
        hottestInMask: images > 0 ? Double(hits) / Double(images) : nil)
    }
    var measures = kinds.map { kind in measured(kind) { $0.contains(kind) } }
    if kinds.count > 1 { measures.append(measured("all") { _ in true }) }
    return Localisation(
      method: method, side: preparation.side, normalImages: chosen.count - anomalous, kinds: measures)
  }
}

/// Where a test image's mask is, and what it marks.
enum MaskFile {
  static let example = "ground_truth/KIND/NAME_mask.png"

  /// Local. Relative to the data set's root; nil where there is none.
  static func path(of image: LabelledImage, root: String) -> String? {
    if let mask = image.facts.mask { return mask }
    let parts = image.path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    guard parts.count > 2, parts[0] == "test", image.isAnomalous else { return nil }
    let name = parts[parts.count - 1]
    let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    let folder = parts[1..<parts.count - 1].joined(separator: "/")
    let path = "ground_truth/\(folder)/\(stem)_mask.png"
    return FileSystem.exists("\(root)/\(path)") ? path : nil
  }

  /// Local. What a mask marks.
  ///
  /// - Throws: `SaladError` 65 where it marks nothing.
  static func regions(in path: String, _ preparation: Preparation) throws -> Regions {
    let picture = preparation(try Radiograph(contentsOf: path))
    var values = [Float](repeating: 0, count: picture.width * picture.height)
    values.withUnsafeMutableBufferPointer { picture.scaled(into: $0) }
    let brightest = values.max() ?? -1
    guard brightest > -1 else {
      throw SaladError(.badData, "\(path): expected a mask with something white in it, found all of it black")
    }
    return Regions(values.map { $0 >= min(brightest, 0) }, side: picture.width)
  }
}
