/// One image of a data set, and what the data set says of it.
public struct LabelledImage: Sendable, Equatable {
  /// Relative to the data set's root: "test/good/a.png".
  public var path: String
  /// What an anomalous image shows, one or more: "pneumonia"; of a normal image what the data set calls normal: "good".
  public var kinds: [String]
  public var isAnomalous: Bool
  public var facts: ImageFacts

  /// An image and all that is known of it.
  ///
  /// - Parameters:
  ///   - path: relative to the data set's root.
  ///   - kinds: at least one.
  ///   - isAnomalous: whether they are findings.
  ///   - facts: what else is known.
  public init(path: String, kinds: [String], isAnomalous: Bool, facts: ImageFacts = ImageFacts()) {
    self.path = path
    self.kinds = kinds
    self.isAnomalous = isAnomalous
    self.facts = facts
  }

  /// An image of one kind.
  ///
  /// - Parameters:
  ///   - path: relative to the data set's root.
  ///   - kind: "good", "pneumonia".
  ///   - isAnomalous: whether that is a finding.
  public init(path: String, kind: String, isAnomalous: Bool) {
    self.init(path: path, kinds: [kind], isAnomalous: isAnomalous)
  }
}

/// What a data set may know of an image beside its label; nil, or empty, where it does not.
public struct ImageFacts: Sendable, Equatable {
  /// Whose image it is: equal for images of one person.
  public var patient: String?
  /// The visit at which it was taken: equal for images that were judged together.
  public var study: String?
  /// How the person stood: "PA", "AP".
  public var view: String?
  public var sex: String?
  /// In whole years.
  public var age: Int?
  /// In capitals: "WRIST".
  public var bodyPart: String?
  /// Path of an image that is white where the anomaly is, relative to the data set's root.
  public var mask: String?
  /// What a table says under headings that mean nothing here.
  public var others: [String: String] = [:]

  /// Nothing is known.
  public init() {}
}

// MARK: - Text

extension LabelledImage {
  /// How many `fields` there are.
  public static let fieldCount = 11

  /// All of it as so many texts, none of which holds a zero byte: for sending it to other ranks.
  public var fields: [String] {
    [
      path, Self.join(kinds), isAnomalous ? "anomalous" : "normal", facts.patient ?? "", facts.study ?? "",
      facts.view ?? "", facts.sex ?? "", facts.age.map { "\($0)" } ?? "", facts.bodyPart ?? "", facts.mask ?? "",
      Self.join(facts.others.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }),
    ]
  }

  /// What `fields` gave.
  ///
  /// - Parameter fields: `fieldCount` of them.
  public init(fields: ArraySlice<String>) {
    precondition(fields.count == Self.fieldCount, "\(fields.count) fields of an image")
    let fields = Array(fields)
    func text(_ place: Int) -> String? { fields[place].isEmpty ? nil : fields[place] }
    var facts = ImageFacts()
    facts.patient = text(3)
    facts.study = text(4)
    facts.view = text(5)
    facts.sex = text(6)
    facts.age = Int(fields[7])
    facts.bodyPart = text(8)
    facts.mask = text(9)
    let others = text(10).map(Self.split) ?? []
    for place in stride(from: 0, to: others.count - 1, by: 2) { facts.others[others[place]] = others[place + 1] }
    self.init(path: fields[0], kinds: Self.split(fields[1]), isAnomalous: fields[2] == "anomalous", facts: facts)
  }

  /// The unit separator: no table with control characters is read, and no folder's name is a list.
  private static let separator = UInt8(0x1F)

  private static func join(_ texts: [String]) -> String {
    String(decoding: Array(texts.map { Array($0.utf8) }.joined(separator: [separator])), as: UTF8.self)
  }

  private static func split(_ text: String) -> [String] {
    text.utf8.split(separator: separator, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
  }
}
