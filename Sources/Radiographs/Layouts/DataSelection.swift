/// Which layout a data set has, and which of its images are wanted.
public struct DataSelection: Codable, Sendable, Equatable {
  /// nil: found by looking.
  public var layout: DataLayout?
  /// Parts of the body; empty: all.
  public var bodyParts: [String] = []
  /// Views, "PA", "AP"; empty: all.
  public var views: [String] = []
  /// Kinds of anomaly to test with; empty: all.
  public var labels: [String] = []
  /// Most training and most test images; nil: all.
  public var limit: Int?

  /// Everything, in the layout that is found by looking.
  public init() {}

  enum CodingKeys: String, CodingKey {
    case layout, views, labels, limit
    case bodyParts = "body_parts"
  }
}

extension DataSelection {
  /// The same with all kinds of anomaly: what training must not have seen.
  public var allLabels: DataSelection {
    var all = self
    all.labels = []
    return all
  }

  /// The images that are wanted, in their order.
  ///
  /// Of more than `limit` those are taken that lie evenly over the list: image floor(i * count / limit) for each i.
  ///
  /// - Parameters:
  ///   - images: of one split.
  ///   - split: "training" or "test".
  ///   - data: the data set's path, for sentences.
  ///   - note: is given a sentence for each choice that left images out.
  /// - Throws: `RadiographError` where nothing is left, or what is asked for is unknown.
  func apply(
    to images: [LabelledImage], split: String, data: String, note: (String) -> Void
  ) throws(RadiographError) -> [LabelledImage] {
    var images = images
    func keep(_ flag: String, _ chosen: [LabelledImage]) {
      let left = images.count - chosen.count
      if left > 0 { note("\(data): \(flag) leaves out \(left) of \(images.count) \(split) images") }
      images = chosen
    }
    if !bodyParts.isEmpty {
      let flag = "--body-part \(bodyParts.joined(separator: ","))"
      keep(flag, try matching(bodyParts, flag, of: images, split, data, what: "body part") { $0.facts.bodyPart })
    }
    if !views.isEmpty {
      let flag = "--view \(views.joined(separator: ","))"
      keep(flag, try matching(views, flag, of: images, split, data, what: "view") { $0.facts.view })
    }
    if !labels.isEmpty, images.contains(where: \.isAnomalous) {
      keep("--labels \(labels.joined(separator: ","))", try withLabels(of: images, data))
    }
    if let limit, images.count > limit {
      keep("--limit \(limit)", (0..<limit).map { images[$0 * images.count / limit] })
    }
    return images
  }

  private func matching(
    _ wanted: [String], _ flag: String, of images: [LabelledImage], _ split: String, _ data: String, what: String,
    _ fact: (LabelledImage) -> String?
  ) throws(RadiographError) -> [LabelledImage] {
    let names = wanted.map { $0.lowercased() }
    let known = Set(images.compactMap(fact)).sorted(by: FileTree.precedes)
    for (name, word) in zip(names, wanted) where !known.contains(where: { $0.lowercased() == name }) {
      let found = known.isEmpty ? "none that tells its \(what)" : Self.list(known)
      throw RadiographError(
        kind: .refused, path: data, "\(data): \(flag) asks for \(split) images of the \(what) \(word), found \(found).")
    }
    return images.filter { fact($0).map { names.contains($0.lowercased()) } ?? false }
  }

  private func withLabels(of images: [LabelledImage], _ data: String) throws(RadiographError) -> [LabelledImage] {
    let names = labels.map { $0.lowercased() }
    let known = Set(images.filter(\.isAnomalous).flatMap(\.kinds)).sorted(by: FileTree.precedes)
    for (name, word) in zip(names, labels) where !known.contains(where: { $0.lowercased() == name }) {
      throw RadiographError(
        kind: .refused, path: data,
        "\(data): --labels asks for test images of the kind \(word), found \(Self.list(known)).")
    }
    return images.compactMap { image in
      guard image.isAnomalous else { return image }
      var image = image
      image.kinds.removeAll { !names.contains($0.lowercased()) }
      return image.kinds.isEmpty ? nil : image
    }
  }

  private static func list(_ words: [String]) -> String {
    words.count > 20
      ? "\(words.prefix(20).joined(separator: ", ")) and \(words.count - 20) more" : words.joined(separator: ", ")
  }
}
