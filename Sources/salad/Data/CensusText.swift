import Foundation
import SALAD

/// A census for people.
enum CensusText {
  static func text(of census: Census) -> String {
    var lines = ["\(census.path): \(number(census.images)) images in the layout \(census.layout)"]
    lines += census.notes.map { "  \($0)" } + [""]
    for (title, counts) in [
      ("split", census.splits), ("label", census.labels), ("view", census.views), ("sex", census.sexes),
      ("body part", census.bodyParts), ("format", census.formats), ("size", census.sizes), ("bits", census.bits),
    ] where !counts.isEmpty {
      lines.append(row(title, list(counts)))
    }
    let patients = census.patients
    if patients.training + patients.test > 0 {
      let unknown = patients.imagesOfUnknown
      let rest = unknown > 0 ? ", \(number(unknown)) images of unknown ones" : ""
      lines.append(
        row(
          "patients",
          "\(number(patients.training)) train, \(number(patients.test)) others, "
            + "\(number(patients.bothCount)) on both sides\(rest)"))
    } else {
      lines.append(row("patients", "unknown"))
    }
    if !patients.both.isEmpty { lines.append(row("", patients.both.joined(separator: ", "))) }
    lines.append(row("unreadable", number(census.unreadableCount)))
    lines += census.unreadable.map { row("", $0.reason) }
    lines += copies("equal files", "groups", census.equalFiles)
    lines += copies("equal pictures", "groups", census.equalPictures)
    lines += copies("look alike", "pairs", census.lookalikes)
    lines += odd("darkest", nil, census.darkest, "mean gray")
    lines += odd("brightest", nil, census.brightest, "mean gray")
    lines += odd("narrow range", census.narrowCount, census.narrow, "of the gray scale")
    lines += odd("like a negative", census.invertedCount, census.inverted, "correlation")
    lines += odd("elongated", census.elongatedCount, census.elongated, "times")
    lines.append("")
    if census.refusals.isEmpty {
      lines.append("a training would begin")
    } else {
      lines += census.refusals.map { "a training would be refused: \($0)" }
    }
    return lines.map { line in String(line.reversed().drop { $0 == " " }.reversed()) + "\n" }.joined()
  }

  /// What the contact sheet shows.
  static func sections(_ census: Census) -> [ContactSheet.Section] {
    func images(_ odd: [Census.Odd]) -> [(caption: String, path: String)] {
      odd.prefix(6).map { (String(format: "%.2f", $0.value), $0.path) }
    }
    func pairs(_ copies: Census.Copies) -> [(caption: String, path: String)] {
      copies.first.prefix(6).enumerated().flatMap { number, paths in
        paths.prefix(2).map { ("NO. \(number + 1)", $0) }
      }
    }
    return [
      ContactSheet.Section(title: "DARKEST: MEAN GRAY", images: images(census.darkest)),
      ContactSheet.Section(title: "BRIGHTEST: MEAN GRAY", images: images(census.brightest)),
      ContactSheet.Section(title: "LIKE A NEGATIVE: CORRELATION WITH THE OTHERS", images: images(census.inverted)),
      ContactSheet.Section(title: "NARROW RANGE OF GRAY", images: images(census.narrow)),
      ContactSheet.Section(title: "ELONGATED: LONG SIDE / SHORT SIDE", images: images(census.elongated)),
      ContactSheet.Section(title: "EQUAL PICTURES", images: pairs(census.equalPictures)),
      ContactSheet.Section(title: "LOOK ALIKE", images: pairs(census.lookalikes)),
    ]
  }

  private static let mostCounts = 12

  private static func list(_ counts: [Census.Count]) -> String {
    var parts = counts.prefix(mostCounts).map { "\($0.name) \(number($0.count))" }
    if counts.count > mostCounts {
      let rest = counts.dropFirst(mostCounts)
      parts.append("\(rest.count) others \(number(rest.reduce(0) { $0 + $1.count }))")
    }
    return parts.joined(separator: ", ")
  }

  private static func copies(_ title: String, _ unit: String, _ copies: Census.Copies) -> [String] {
    let across = copies.acrossSplits > 0 ? ", \(number(copies.acrossSplits)) of them on both sides of the split" : ""
    let count =
      copies.count == 0
      ? "none" : "\(number(copies.count)) \(copies.count == 1 ? String(unit.dropLast()) : unit)\(across)"
    let shown = 5
    var lines = [row(title, count)] + copies.first.prefix(shown).map { row("", $0.joined(separator: " = ")) }
    if copies.count > shown { lines.append(row("", "and \(number(copies.count - shown)) more")) }
    return lines
  }

  private static func odd(_ title: String, _ count: Int?, _ images: [Census.Odd], _ unit: String) -> [String] {
    guard !images.isEmpty else { return [row(title, "none")] }
    let shown = 3
    let first = images.prefix(shown).map { "\($0.path) (\(String(format: "%.3f", $0.value)))" }.joined(separator: ", ")
    return [row(title, (count.map { "\(number($0)), by \(unit): " } ?? "\(unit): ") + first)]
  }

  private static func row(_ title: String, _ text: String) -> String {
    title + String(repeating: " ", count: max(0, 17 - title.count)) + text
  }

  /// 86,524
  private static func number(_ value: Int) -> String {
    var (digits, parts) = (String(value), [String]())
    while digits.count > 3 {
      parts.append(String(digits.suffix(3)))
      digits.removeLast(3)
    }
    return ([digits] + parts.reversed()).joined(separator: ",")
  }
}
