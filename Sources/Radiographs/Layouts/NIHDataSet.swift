import Platform

/// NIH ChestX-ray14 as it is downloaded: which images train and test, whose they are, what they show.
///
///     Data_Entry_2017_v2020.csv or Data_Entry_2017.csv     a row an image: findings, patient, age, sex, view
///     train_val_list.txt, test_list.txt                    the official split, a file name a line
///     images_001/images/*.png ... images_012/images/*.png  or all in images/
///
/// The normal images of the first list train, all images of the second test. A part of the download works: what is missing
/// is counted and said.
struct NIHDataSet: DataSetReader {
  let root: String
  private let tree: FileTree

  private static let tables = ["Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv"]
  private static let (trainingList, testList) = ("train_val_list.txt", "test_list.txt")

  init(_ path: String) throws {
    tree = try FileTree(root: path)
    root = tree.root
  }

  /// What shows that a folder has this layout; nil where nothing does.
  static func sign(in tree: FileTree) throws -> String? {
    tables.first { Files.exists(tree.path($0)) }
  }

  func training(note: (String) -> Void) throws -> [LabelledImage] {
    let listed = try images(of: Self.trainingList, note: note)
    let normal = listed.filter { !$0.isAnomalous }
    guard !normal.isEmpty else {
      throw error(
        "expected images without a finding among those of \(Self.trainingList), found \(listed.count) with one")
    }
    note(
      "\(root): \(listed.count - normal.count) of the \(listed.count) images here of \(Self.trainingList) have findings and do not train"
    )
    return normal
  }

  func test(note: (String) -> Void) throws -> [LabelledImage] { try images(of: Self.testList, note: note) }

  // MARK: - A list

  /// The images of one list that are here, sorted.
  private func images(of list: String, note: (String) -> Void) throws -> [LabelledImage] {
    let rows = try rows()
    let files = try files(note: note)
    guard Files.exists(tree.path(list)) else {
      throw error("expected \(list), the official split, found none: it comes with the download")
    }
    var (names, images) = (Set<[UInt8]>(), [LabelledImage]())
    var (absent, unknown) = ([String](), [String]())
    for (_, name) in try Table.lines(of: tree.path(list)) where names.insert(Array(name.utf8)).inserted {
      guard let path = files[Array(name.utf8)] else {
        absent.append(name)
        continue
      }
      guard let row = rows[Array(name.utf8)] else {
        unknown.append(name)
        continue
      }
      images.append(row.image(path))
    }
    guard !images.isEmpty else {
      throw error(
        "expected the images of \(list) in images or in images_001/images and so on, found none of its \(names.count)")
    }
    if !absent.isEmpty {
      note(
        "\(root): of the \(names.count) images of \(list) \(images.count) are here, \(absent.count) "
          + "missing (\(absent[0])\(absent.count > 1 ? " and others" : ""))")
    }
    if !unknown.isEmpty {
      note("\(root): not used, since the table has no row for them: \(unknown.count) of \(list) (\(unknown[0]))")
    }
    try noteUnlisted(files, beside: list, names, note: note)
    return images.sorted { FileTree.precedes($0.path, $1.path) }
  }

  /// Says how many images are in neither list.
  private func noteUnlisted(
    _ files: [[UInt8]: String], beside list: String, _ names: Set<[UInt8]>, note: (String) -> Void
  ) throws {
    let other = tree.path(list == Self.testList ? Self.trainingList : Self.testList)
    guard Files.exists(other) else { return }
    let others = Set(try Table.lines(of: other).map { Array($0.name.utf8) })
    let unlisted = files.keys.filter { !names.contains($0) && !others.contains($0) }
    guard let first = unlisted.min(by: { $0.lexicographicallyPrecedes($1) }) else { return }
    note(
      "\(root): not used, since in neither list: \(unlisted.count) (\(String(decoding: first, as: UTF8.self)))"
    )
  }

  /// Relative path of every image here, by its file's name.
  private func files(note: (String) -> Void) throws -> [[UInt8]: String] {
    let folders = try tree.folders().filter { name in
      name.lowercased() == "images" || name.lowercased().hasPrefix("images_")
    }
    let (paths, unread) = try tree.listing(under: folders)
    if !unread.isEmpty { note("\(root): \(unread.sentence)") }
    var files: [[UInt8]: String] = [:]
    for path in paths {
      if let other = files.updateValue(path, forKey: Array(Files.name(of: path).utf8)) {
        throw error("expected each image once, found \(other) and \(path): remove one of them")
      }
    }
    return files
  }

  // MARK: - The table

  private struct Row {
    let findings: [String]
    let facts: ImageFacts

    func image(_ path: String) -> LabelledImage {
      let isNormal = findings == [NIHDataSet.normal]
      return LabelledImage(path: path, kinds: findings, isAnomalous: !isNormal, facts: facts)
    }
  }

  private static let normal = "No Finding"

  /// Every row by its image's name.
  private func rows() throws -> [[UInt8]: Row] {
    guard let name = Self.tables.first(where: { Files.exists(tree.path($0)) }) else {
      throw error("expected NIH's table \(Self.tables.joined(separator: " or ")), found none")
    }
    let table = try Table(contentsOf: tree.path(name))
    // The heading has commas within its names, `OriginalImage[Width,Height]`: values are known by their places.
    guard let head = table.rows.first, head.fields.prefix(2) == ["Image Index", "Finding Labels"] else {
      throw RadiographError(
        path: table.path,
        "\(table.path): expected a first line that begins with Image Index,Finding Labels, found "
          + "\(table.rows.first?.fields.prefix(2).joined(separator: ",") ?? "nothing").")
    }
    var rows: [[UInt8]: Row] = [:]
    for row in table.rows.dropFirst() {
      let fields = row.fields
      guard fields.count == 11 || fields.count == 12 else {
        throw table.error(row, "expected 11 values, or 12 of which the last is empty, found \(fields.count)")
      }
      let entry = Row(findings: try findings(fields[1], row, table), facts: Self.facts(fields))
      guard rows.updateValue(entry, forKey: Array(fields[0].utf8)) == nil else {
        throw table.error(row, "expected each image once, found \(fields[0]) again")
      }
    }
    return rows
  }

  private func findings(_ text: String, _ row: Table.Row, _ table: Table) throws -> [String] {
    let words = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    guard words.allSatisfy({ !$0.isEmpty }), words == [Self.normal] || !words.contains(Self.normal) else {
      throw table.error(row, "expected findings between |, or \(Self.normal) alone, found \(text.debugDescription)")
    }
    return words
  }

  private static func facts(_ fields: [String]) -> ImageFacts {
    var facts = ImageFacts()
    // As file names have it, so that a copy in another layout is known again.
    let zeros = String(repeating: "0", count: max(0, 8 - fields[3].utf8.count))
    facts.patient = fields[3].isEmpty ? nil : zeros + fields[3]
    facts.study = facts.patient.map { "\($0)_\(fields[2])" }
    facts.age = age(fields[4])
    facts.sex = fields[5].isEmpty ? nil : fields[5]
    facts.view = fields[6].isEmpty ? nil : fields[6]
    return facts
  }

  /// In whole years: `58`, `058Y`, `011M`, `003D`.
  static func age(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), digits.utf8.count <= 4 else { return nil }
    switch text.dropFirst(digits.count) {
    case "", "Y": return number
    case "M": return number / 12
    case "W": return number * 7 / 365
    case "D": return number / 365
    default: return nil
    }
  }

  private func error(_ sentence: String) -> RadiographError { RadiographError(path: root, "\(root): \(sentence).") }
}
