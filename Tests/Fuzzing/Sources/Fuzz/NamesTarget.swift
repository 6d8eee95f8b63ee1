import Autoencoder
import Foundation
import Platform

@testable import Radiographs
@testable import SALAD

extension Target {
  /// Paths and file names, as any bytes: what is made of them must hold their bytes, and a folder gives back what is in it.
  static let names = Target(
    name: "names",
    seeds: {
      let names = [
        "train/good/a.png", "images/00001362_004.png", "XR_WRIST/patient00123/study1_positive/image2.png",
        "NORMAL2-IM-0115-0001-0002.png", "person12_bacteria_47.png", "a,\"b\"\r\n.PNG", "e\u{301}/\u{301}.png",
        "../..//./x/", "\u{1F957}.png", ".hidden.png", "-rf.png", "0000000042",
      ]
      let seeds = names.map { Array($0.utf8) } + [[0xFF, 0x2E, 0x70, 0x6E, 0x67]]
      return Dictionary(uniqueKeysWithValues: seeds.enumerated().map { ("\($0)", $1) })
    },
    run: { bytes, folder in
      table(bytes)
      // Nor has a path a zero byte.
      let bytes = bytes.filter { $0 != 0 }
      if let name = String(validating: bytes, as: UTF8.self) { take(name) }
      list(bytes, folder)
    })

  /// What is read as a table comes back when it is written again.
  private static func table(_ bytes: [UInt8]) {
    guard let table = try? Table(bytes: bytes, path: "t.csv") else { return }
    let text = table.rows.map { row in row.fields.map { "\"" + quoted($0) + "\"" }.joined(separator: ",") + "\n" }
      .joined()
    let again = try? Table(bytes: Array(text.utf8), path: "t.csv")
    precondition(
      again?.rows.map { $0.fields.map { Array($0.utf8) } } == table.rows.map { $0.fields.map { Array($0.utf8) } },
      "\(text.debugDescription)")
  }

  private static func quoted(_ field: String) -> String {
    let quote = UInt8(ascii: "\"")
    return String(decoding: field.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }, as: UTF8.self)
  }

  private static func take(_ path: String) {
    if let patient = Patient.identifiers(ofPaths: [path, "00000002_001.png"])[0] {
      precondition(!patient.isEmpty && path.utf8.count >= patient.utf8.count, "\(patient) of \(path.debugDescription)")
    }
    precondition(unquoted(CSV.field(path)) == Array(path.utf8), "a field of \(path.debugDescription)")
    let joined = FileTree.join(Files.folder(of: path), Files.name(of: path))
    precondition(!joined.isEmpty || path.isEmpty, "\(joined.debugDescription) of \(path.debugDescription)")
    precondition(Files.hidden(path, "-writing").utf8.count >= Files.name(of: path).utf8.count)
    _ = ImageFile.isPicture(path)
    _ = PictureHash(hexadecimal: path)
    _ = Levels(path).description
    // What is seen from one folder leads back to the same place.
    let target = "/nowhere/\(path)"
    let seen = RelativePath.of(target, from: "/nowhere/else/run")
    let found = RelativePath.resolve(seen, from: "/nowhere/else/run")
    precondition(
      Array(found.utf8) == Array(normalised(target).utf8), "\(found.debugDescription) of \(target.debugDescription)")
    guard let text = try? JSONText.line([path]), let again = try? JSONText.decode([String].self, from: text, path: "")
    else { fatalError("no JSON of \(path.debugDescription)") }
    precondition(again.count == 1 && Array(again[0].utf8) == Array(path.utf8), "\(again) of \(path.debugDescription)")
  }

  /// Without empty parts, `.` and `..`.
  private static func normalised(_ path: String) -> String {
    var parts: [String] = []
    for part in path.utf8.split(separator: UInt8(ascii: "/")).map({ String(decoding: $0, as: UTF8.self) }) {
      switch part {
      case ".": break
      case "..": _ = parts.popLast()
      default: parts.append(part)
      }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// What a reader of RFC 4180 makes of one field; nil where it is none.
  private static func unquoted(_ field: String) -> [UInt8]? {
    let bytes = Array(field.utf8)
    let quote = UInt8(ascii: "\"")
    guard bytes.first == quote else {
      return bytes.contains { [quote, UInt8(ascii: ","), 10, 13].contains($0) } ? nil : bytes
    }
    guard bytes.count >= 2, bytes.last == quote else { return nil }
    var result: [UInt8] = []
    var index = 1
    while index < bytes.count - 1 {
      if bytes[index] == quote {
        guard index + 1 < bytes.count - 1, bytes[index + 1] == quote else { return nil }
        index += 1
      }
      result.append(bytes[index])
      index += 1
    }
    return result
  }

  private static let suffixes = ImageFile.suffixes.split(separator: ", ").map { Array($0.utf8) }

  /// A data set with one empty file of this name.
  private static func list(_ bytes: [UInt8], _ folder: String) {
    let slash = UInt8(ascii: "/")
    guard let name = bytes.split(separator: slash).last.map(Array.init), name.count <= 200 else { return }
    guard name != [UInt8(ascii: ".")], name != Array("..".utf8) else { return }
    let good = Array((folder + "/set/train/good/").utf8)
    mkdir(folder + "/set", 0o700)
    mkdir(folder + "/set/train", 0o700)
    mkdir(folder + "/set/train/good", 0o700)
    let path = (good + name).map { CChar(bitPattern: $0) } + [0]
    let descriptor = open(path, O_CREAT | O_WRONLY, 0o600)
    guard descriptor >= 0 else { fatalError("no file of \(name)") }
    close(descriptor)
    defer { unlink(path) }
    let found = try? ImageFolder(root: folder + "/set").trainingImages()
    let isPicture =
      name.first != UInt8(ascii: ".")
      && suffixes.contains { suffix in
        name.suffix(suffix.count).map { $0 | ($0 >= 0x41 && $0 <= 0x5A ? 0x20 : 0) } == suffix
      }
    if isPicture, let text = String(validating: name, as: UTF8.self) {
      precondition(found?.map { Array($0.utf8) } == [Array("train/good/\(text)".utf8)], "\(name): \(found ?? [])")
    } else {
      // Not read: no picture, or not to be named.
      precondition(found == nil, "\(name): \(found ?? [])")
    }
  }
}
