import Radiographs

/// The same scores looked at in other units than single images: study by study, and for some images alone.
public struct Subgroups: Sendable, Equatable {
  /// Studies instead of images: each scored by the mean of its images, anomalous where one of them is.
  public var studies: Group?
  /// The images of a view, sex, age band or part of the body, by what is common to them; only what the data set tells.
  public var views: [Group] = []
  public var sexes: [Group] = []
  public var ages: [Group] = []
  public var bodyParts: [Group] = []
  /// What else a table's columns, or DICOM's tags, part the images by: "manufacturer", "hospital".
  public var columns: [Column] = []

  /// All but studies, with what is common to their images.
  public var named: [(title: String, groups: [Group])] {
    [("view", views), ("sex", sexes), ("age", ages), ("body part", bodyParts)] + columns.map { ($0.name, $0.groups) }
  }

  /// The images by what one column of a table says of them.
  public struct Column: Encodable, Sendable, Equatable {
    public var name: String
    public var groups: [Group]
  }

  /// Some images, or studies, and how well the anomalous are told from the normal ones among them.
  public struct Group: Encodable, Sendable, Equatable {
    /// "PA", "40-59"; of studies "studies".
    public var name: String
    public var countNormal: Int
    public var countAnomalous: Int
    /// nil where one of the classes is missing.
    public var auroc: Double?
    public var averagePrecision: Double?
    /// Over patients redrawn; of studies alone.
    public var aurocInterval: ClosedRange<Double>?
    /// As `aurocInterval`, of the average precision.
    public var averagePrecisionInterval: ClosedRange<Double>?

    enum CodingKeys: String, CodingKey {
      case name, auroc
      case countNormal = "count_normal"
      case countAnomalous = "count_anomalous"
      case averagePrecision = "average_precision"
      case aurocInterval = "auroc_interval"
      case averagePrecisionInterval = "average_precision_interval"
    }
  }

  public var isEmpty: Bool {
    studies == nil && named.allSatisfy(\.groups.isEmpty)
  }

  /// - Parameters:
  ///   - images: what was scored.
  ///   - scores: one an image.
  ///   - bootstrap: nil: no interval.
  ///   - workers: threads of the bootstrap.
  init(images: [LabelledImage], scores: [Double], bootstrap: Bootstrap?, workers: Int) throws {
    studies = try Self.studies(images, scores, bootstrap, workers)
    func groups(_ fact: (LabelledImage) -> String?) -> [Group] {
      let known = Dictionary(grouping: images.indices.filter { fact(images[$0]) != nil }) { fact(images[$0])! }
      return known.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { name in
        let places = known[name]!
        return Group(
          name, scores: places.map { scores[$0] }, anomalous: places.map { images[$0].isAnomalous })
      }
    }
    views = groups { $0.facts.view }
    sexes = groups { $0.facts.sex }
    ages = groups { $0.facts.age.map(Self.band) }
    bodyParts = groups { $0.facts.bodyPart }
    columns = Set(images.flatMap(\.facts.others.keys)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      .map { name in Column(name: name, groups: groups { $0.facts.others[name] }) }
      .filter { (2...Self.mostOfColumn).contains($0.groups.count) }
  }

  /// A column with more values than so many numbers images, or measures them, rather than to part them.
  static let mostOfColumn = 12

  /// Bands of twenty years: 00-19, 20-39, 40-59, 60-79, 80+.
  static func band(ofAge age: Int) -> String {
    switch age {
    case ..<20: "00-19"
    case ..<40: "20-39"
    case ..<60: "40-59"
    case ..<80: "60-79"
    default: "80+"
    }
  }

  private static func studies(
    _ images: [LabelledImage], _ scores: [Double], _ bootstrap: Bootstrap?, _ workers: Int
  ) throws -> Group? {
    // One image a study is no other way of looking.
    let names = images.map(\.facts.study)
    guard !names.contains(nil), Set(names).count < images.count else { return nil }
    var places: [String: Int] = [:]
    var (sums, counts, anomalous, patients) = ([Double](), [Int](), [Bool](), [String?]())
    for (image, score) in zip(images, scores) {
      // Two patients' studies may have one number.
      let name = "\(image.facts.patient ?? "")\u{0}\(image.facts.study!)"
      let place = places[name] ?? sums.count
      if place == sums.count {
        places[name] = place
        sums.append(0)
        counts.append(0)
        anomalous.append(false)
        patients.append(image.facts.patient)
      }
      sums[place] += score
      counts[place] += 1
      if image.isAnomalous { anomalous[place] = true }
    }
    let means = zip(sums, counts).map { $0 / Double($1) }
    var group = Group("studies", scores: means, anomalous: anomalous)
    if let bootstrap, group.auroc != nil {
      let curve = try OperatingCurve(scores: means, anomalous: anomalous)
      let intervals = try bootstrap.intervals(
        of: curve, units: ResamplingUnits(patients: patients), workers: workers
      ) { [$0.areaUnderROC, $0.averagePrecision] }
      (group.aurocInterval, group.averagePrecisionInterval) = (intervals[0], intervals[1])
    }
    return group
  }
}

extension Subgroups.Group {
  fileprivate init(_ name: String, scores: [Double], anomalous: [Bool]) {
    self.name = name
    countAnomalous = anomalous.count { $0 }
    countNormal = anomalous.count - countAnomalous
    let curve = countNormal > 0 && countAnomalous > 0 ? try? OperatingCurve(scores: scores, anomalous: anomalous) : nil
    auroc = curve?.areaUnderROC
    averagePrecision = curve?.averagePrecision
  }
}

extension Subgroups: Encodable {
  enum CodingKeys: String, CodingKey {
    case studies = "by_study"
    case views = "by_view"
    case sexes = "by_sex"
    case ages = "by_age"
    case bodyParts = "by_body_part"
    case columns = "by_column"
  }

  /// What is known, and nothing else.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(studies, forKey: .studies)
    for (groups, key) in [
      (views, CodingKeys.views), (sexes, .sexes), (ages, .ages), (bodyParts, .bodyParts),
    ]
    where !groups.isEmpty {
      try container.encode(groups, forKey: key)
    }
    if !columns.isEmpty { try container.encode(columns, forKey: .columns) }
  }
}
