/// Whose image it is, as far as a data set's file names tell.
///
/// Known are the names of three published data sets:
///
/// | data set | path | patient |
/// |---|---|---|
/// | NIH ChestX-ray14 | `images/00001362_004.png` | `00001362` |
/// | MURA | `XR_WRIST/patient00123/study1_positive/image2.png` | `patient00123` |
/// | Kermany et al. | `IM-0115-0001.png`, `NORMAL2-IM-0115-0001-0002.png` | `IM-0115`, `NORMAL2-IM-0115` |
/// | | `person12_bacteria_47.png` | `person12` |
public enum Patient {
  /// The patient of the image at `path`; nil where its name tells none.
  ///
  /// A pure function of the path: every rank finds the same.
  public static func identifier(ofPath path: String) -> String? {
    let components = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    guard let file = components.last else { return nil }
    if let folder = components.dropLast().last(where: { isNumbered($0[...], after: "patient") }) { return folder }
    let stem = file.prefix { $0 != "." }
    return nih(stem) ?? kermany(stem)
  }

  /// `PPPPPPPP_VVV`: eight digits of the patient, three of the visit.
  private static func nih(_ stem: Substring) -> String? {
    let parts = stem.split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].count == 8, parts[1].count == 3, parts.allSatisfy(isNumber) else { return nil }
    return String(parts[0])
  }

  /// `IM-P-V`, `NORMAL2-IM-P-V` or `personP_kind_V`.
  private static func kermany(_ stem: Substring) -> String? {
    let prefix = stem.hasPrefix("NORMAL2-") ? "NORMAL2-" : ""
    let parts = stem.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
    if parts.count >= 3, parts[0] == "IM", parts.dropFirst().allSatisfy(isNumber) { return "\(prefix)IM-\(parts[1])" }
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
