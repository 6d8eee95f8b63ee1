/// Whose image it is, as far as a data set's file names tell.
///
/// Known are the names of three published data sets:
///
/// | data set | path | patient |
/// |---|---|---|
/// | MURA | `XR_WRIST/patient00123/study1_positive/image2.png` | `patient00123` |
/// | Kermany et al. | `IM-0115-0001.png`, `NORMAL2-IM-0115-0001-0002.png` | `IM-0115`, `NORMAL2-IM-0115` |
/// | | `person12_bacteria_47.png` | `person12` |
/// | | `NORMAL-1049278-0001.png`, `BACTERIA-1008087-0001.png`, `VIRUS-...` | `1049278`, `1008087` |
/// | NIH ChestX-ray14 | `images/00001362_004.png` | `00001362`, where all names of the set are such |
///
/// A table that names patients is asked first.
public enum Patient {
  /// Whose image each is; nil where its name tells nobody.
  ///
  /// A pure function of the paths: every rank finds the same.
  ///
  /// - Parameter paths: of the images that were found together: NIH's names are known by their company.
  public static func identifiers(ofPaths paths: [String]) -> [String?] {
    let visits = paths.map { NIHName(stem(ofFile: $0)) }
    if NIHName.areOfOneDataSet(visits) { return visits.map { $0?.patient } }
    return paths.map(identifier(ofPath:))
  }

  /// The patient of the image at `path`, where its name tells that without others; nil where not.
  public static func identifier(ofPath path: String) -> String? {
    let components = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    if let folder = components.dropLast().last(where: { isNumbered($0[...], after: "patient") }) { return folder }
    return kermany(stem(ofFile: path)[...])
  }

  /// Up to the first dot.
  private static func stem(ofFile path: String) -> String {
    let file = path.utf8.split(separator: UInt8(ascii: "/")).last ?? path.utf8[...]
    return String(Substring(file.prefix { $0 != UInt8(ascii: ".") }))
  }

  /// `IM-P-V`, `NORMAL2-IM-P-V`, `personP_kind_V` or `KIND-PPPPPPP-V`.
  private static func kermany(_ stem: Substring) -> String? {
    let prefix = stem.hasPrefix("NORMAL2-") ? "NORMAL2-" : ""
    let parts = stem.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
    if parts.count >= 3, parts[0] == "IM", parts.dropFirst().allSatisfy(isNumber) { return "\(prefix)IM-\(parts[1])" }
    if parts.count == 3, ["NORMAL", "BACTERIA", "VIRUS"].contains(parts[0]), parts[1].count == 7,
      parts.dropFirst().allSatisfy(isNumber)
    {
      return String(parts[1])
    }
    let words = stem.split(separator: "_", omittingEmptySubsequences: false)
    guard words.count >= 3, isNumbered(words[0], after: "person"), words.dropFirst(2).allSatisfy(isNumber),
      ["bacteria", "virus"].contains(words[1])
    else { return nil }
    return String(words[0])
  }

  private static func isNumbered(_ text: Substring, after word: String) -> Bool {
    text.hasPrefix(word) && isNumber(text.dropFirst(word.count))
  }

  private static func isNumber(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }
}

/// `PPPPPPPP_VVV`: eight digits of the patient, three of the visit.
///
/// Other files have such names, too: dates and counters. NIH's are told from them by four signs, all of which its data set
/// and nearly every part of it have: its patients are numbered from 1 to 30,805, which is no date; there are several of
/// them; their visits differ, as a second counter's zeros do not; and one has 3.6 images on average, where a folder's
/// number before a counter has hundreds.
private struct NIHName {
  let patient: String
  private let number: Int
  private let visit: Int

  private static let patients = 1...30_805
  private static let mostImagesAPatient = 20

  init?(_ stem: String) {
    let bytes = Array(stem.utf8)
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard bytes.count == 12, bytes[8] == UInt8(ascii: "_"), bytes[..<8].allSatisfy(digits.contains),
      bytes[9...].allSatisfy(digits.contains), let number = Int(String(decoding: bytes[..<8], as: UTF8.self)),
      let visit = Int(String(decoding: bytes[9...], as: UTF8.self)), Self.patients.contains(number)
    else { return nil }
    patient = String(decoding: bytes[..<8], as: UTF8.self)
    self.number = number
    self.visit = visit
  }

  /// Whether these are the names of a data set, all of them NIH's.
  static func areOfOneDataSet(_ names: [NIHName?]) -> Bool {
    let known = names.compactMap { $0 }
    guard known.count == names.count, Set(known.map(\.visit)).count > 1 else { return false }
    let patients = Set(known.map(\.number)).count
    return patients > 1 && known.count <= mostImagesAPatient * patients
  }
}
