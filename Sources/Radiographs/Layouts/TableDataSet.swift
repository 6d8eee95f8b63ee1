import Foundation
import Platform

/// A data set that a table describes: `salad.csv` in its folder, or a file of any name.
///
///     path,split,label,patient,study,view,sex,age,body_part,mask
///     images/a.png,train,normal,7,,PA
///     images/b.png,test,effusion|nodule,8,,AP
///
/// The first line names the columns, in any order; `path`, `split` and `label` must be there. Paths are relative to the
/// table's folder and stay in it. Columns of other names are kept as they are.
struct TableDataSet: DataSetReader {
  let root: String
  /// The table's own path.
  private let path: String
  private let images: [(image: LabelledImage, split: Split)]

  private enum Split { case train, validation, test }

  private static let name = "salad.csv"
  private static let splits: [String: Split] = [
    "train": .train, "training": .train, "val": .validation, "valid": .validation, "validation": .validation,
    "test": .test, "testing": .test,
  ]
  private static let normal = ["normal", "good", "0", "no finding"]
  private static let known = [
    "path", "split", "label", "patient", "study", "view", "sex", "age", "body_part", "mask",
  ]

  /// The table of a folder; nil where it has none.
  static func table(in tree: FileTree) -> String? { Files.exists(tree.path(name)) ? name : nil }

  /// - Parameter path: of a table, or of a folder with `salad.csv`.
  init(_ path: String) throws {
    let table = Files.isFolder(path) ? FileTree.join(path, Self.name) : path
    guard Files.exists(table) else {
      throw RadiographError(
        path: path, "\(path): expected a table, or a folder with \(Self.name), found no file \(table).")
    }
    let folder = Files.isFolder(path) ? path : Files.folder(of: path)
    root = try FileTree(root: folder).root
    self.path = table
    images = try TableRows(Table(contentsOf: table), root: root).images()
  }

  func training(note: (String) -> Void) throws -> [LabelledImage] {
    let all = images.filter { $0.split == .train }.map(\.image)
    let normal = all.filter { !$0.isAnomalous }
    guard !normal.isEmpty else {
      throw RadiographError(
        path: path,
        "\(path): expected normal images to train with, found \(all.count) anomalous ones in the split train.")
    }
    if all.count > normal.count {
      note(
        "\(path): \(all.count - normal.count) of the \(all.count) images of the split train are anomalous and do not train"
      )
    }
    let others = images.count { $0.split == .validation }
    if others > 0 { note("\(path): used neither to train nor to test, being of the split val: \(others)") }
    return normal
  }

  func test(note: (String) -> Void) throws -> [LabelledImage] {
    let test = images.filter { $0.split == .test }.map(\.image)
    guard !test.isEmpty else {
      throw RadiographError(path: path, "\(path): expected images of the split test, found none.")
    }
    return test
  }

  // MARK: - Rows

  private struct TableRows {
    let table: Table
    let root: String
    private let columns: [(name: String, place: Int)]
    private let head: Table.Row

    init(_ table: Table, root: String) throws {
      guard let head = table.rows.first else {
        throw RadiographError(
          path: table.path,
          "\(table.path): expected a first line that names path, split and label, found an empty table.")
      }
      let names = head.fields.map { name in
        let bytes = name.utf8.drop { $0 == 0x20 }
        return String(Substring(bytes)).lowercased().replacing(#/ +$/#, with: "")
      }
      if names.count == 1, names[0].utf8.contains(UInt8(ascii: ";")) || names[0].utf8.contains(9) {
        throw table.error(head, "expected commas between values, found semicolons or tabs: save the table with commas")
      }
      for (place, name) in names.enumerated() where names[..<place].contains(name) {
        throw table.error(head, "expected each column once, found \(name.debugDescription) again")
      }
      for name in TableDataSet.known.prefix(3) where !names.contains(name) {
        throw table.error(
          head, "expected columns path, split and label, found no \(name) among \(names.joined(separator: ", "))")
      }
      self.table = table
      self.root = root
      self.head = head
      columns = names.enumerated().map { ($1, $0) }
    }

    func images() throws -> [(image: LabelledImage, split: Split)] {
      var images: [(image: LabelledImage, split: Split)] = []
      var lines: [[UInt8]: Int] = [:]
      for row in table.rows.dropFirst() {
        try Signals.throwIfReceived()
        guard row.fields.count == head.fields.count else {
          throw table.error(
            row, "expected \(head.fields.count) values as the first line has, found \(row.fields.count)")
        }
        let (image, split) = try image(row)
        if let other = lines.updateValue(row.line, forKey: Array(image.path.utf8)) {
          throw table.error(row, "expected each image once, found \(image.path) again, which line \(other) has")
        }
        images.append((image, split))
      }
      images.sort { FileTree.precedes($0.image.path, $1.image.path) }
      // Where the table says nothing of patients, names may.
      if !columns.contains(where: { $0.name == "patient" }) {
        for split in [Split.train, .test] {
          let places = images.indices.filter { images[$0].split == split }
          for (place, patient) in zip(places, Patient.identifiers(ofPaths: places.map { images[$0].image.path })) {
            images[place].image.facts.patient = patient
          }
        }
      }
      return images
    }

    private func image(_ row: Table.Row) throws -> (LabelledImage, Split) {
      var facts = ImageFacts()
      var (path, split, labels) = ("", Split?.none, [String]())
      for (name, place) in columns {
        let value = row.fields[place]
        // An empty value says nothing.
        let known = value.isEmpty ? nil : value
        switch name {
        case "path": path = try location(value, row)
        case "split": split = try Self.split(value, row, table)
        case "label": labels = try Self.labels(value, row, table)
        case "patient": facts.patient = known
        case "study": facts.study = known
        case "view": facts.view = known
        case "sex": facts.sex = known
        case "age": facts.age = NIHDataSet.age(value)
        case "body_part": facts.bodyPart = known?.uppercased()
        case "mask": facts.mask = try known.map { try location($0, row) }
        default: facts.others[name] = known
        }
      }
      guard let split else { preconditionFailure("a table without a split") }
      let isNormal = TableDataSet.normal.contains(labels[0].lowercased())
      return (LabelledImage(path: path, kinds: labels, isAnomalous: !isNormal, facts: facts), split)
    }

    private static func split(_ text: String, _ row: Table.Row, _ table: Table) throws -> Split {
      guard let split = TableDataSet.splits[text.lowercased()] else {
        throw table.error(row, "expected train, val or test as the split, found \(text.debugDescription)")
      }
      return split
    }

    private static func labels(_ text: String, _ row: Table.Row, _ table: Table) throws -> [String] {
      let words = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      let isMixed = words.count > 1 && words.contains { TableDataSet.normal.contains($0.lowercased()) }
      guard words.allSatisfy({ !$0.isEmpty }), !isMixed else {
        throw table.error(
          row,
          "expected normal, good, 0 or No Finding as the label, or kinds of anomaly between |, found \(text.debugDescription)"
        )
      }
      return words
    }

    /// A file's path relative to the root.
    private func location(_ text: String, _ row: Table.Row) throws -> String {
      var parts: [Substring.UTF8View] = []
      var relative = Substring(text).utf8
      if relative.first == UInt8(ascii: "/") {
        let folder = Array(URL(fileURLWithPath: root).standardizedFileURL.path.utf8) + [UInt8(ascii: "/")]
        guard relative.starts(with: folder) else { throw outside(text, row) }
        relative = relative.dropFirst(folder.count)
      }
      for part in relative.split(separator: UInt8(ascii: "/")) {
        switch Substring(part) {
        case ".": break
        case "..": if parts.popLast() == nil { throw outside(text, row) }
        default: parts.append(part)
        }
      }
      let path = parts.map { String(Substring($0)) }.joined(separator: "/")
      let status = try? FileStatus(FileTree.join(root, path))
      guard !path.isEmpty, status?.kind == .file else {
        let cure = text.utf8.contains(UInt8(ascii: "\\")) ? ": write / between folders, not \\" : ""
        let found = status == nil || path.isEmpty ? "no such file" : "a folder"
        throw table.error(row, "expected the image \(text.debugDescription) in \(root), found \(found)\(cure)")
      }
      return path
    }

    private func outside(_ text: String, _ row: Table.Row) -> RadiographError {
      table.error(
        row,
        "expected a path in the table's folder, found \(text.debugDescription) outside of it: put the table into a folder "
          + "above all images")
    }
  }
}
