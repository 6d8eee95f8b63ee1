import Platform

/// What an image file says of itself beside its pixels; nil where it does not.
///
///     try ImageTags(ofFile: "a.dcm")?.patient     // "P0042"
///
/// DICOM alone has such. They name people: nothing of them belongs into what leaves the machine.
public struct ImageTags: Sendable, Equatable {
  /// Whose image it is: the patient's number, or the name where there is none.
  public var patient: String?
  /// The study's UID: equal for images that were taken together.
  public var study: String?
  /// How the person stood: "PA", "AP".
  public var view: String?
  /// "L", "R".
  public var laterality: String?
  public var manufacturer: String?
  public var model: String?
  /// "DX", "CR".
  public var modality: String?
  public var sex: String?
  /// In whole years.
  public var age: Int?
  /// Whether letters are drawn into the pixels that may name the patient.
  public var hasBurnedInAnnotation: Bool?

  /// Nothing is known.
  public init() {}
}

extension ImageTags {
  /// The tags of a file, without its pixels: of a large file only the beginning is read.
  ///
  /// - Parameter path: of a picture in any format.
  /// - Returns: nil where its format has no tags.
  /// - Throws: `RadiographError` when the file cannot be read, or is damaged before its pixels.
  public init?(ofFile path: String) throws {
    var (bytes, size) = try FileBytes.beginning(of: path, count: Self.firstRead)
    guard !DICOM.formats.isEmpty, DICOM.begins(bytes) else { return nil }
    while true {
      do throws(DICOMFault) {
        self.init(try DICOMDataSet(bytes, isWhole: bytes.count == size))
        return
      } catch .endsEarly(let needs) where bytes.count < size {
        (bytes, size) = try FileBytes.beginning(of: path, count: max(needs, 4 * bytes.count))
      } catch .endsEarly {
        throw RadiographError(
          path: path, "\(path): expected a whole DICOM image, found one cut short after \(bytes.count) bytes.")
      } catch .damaged(let found) {
        throw RadiographError(path: path, "\(path): expected a sound DICOM image, found \(found).")
      } catch .refused(let sentence) {
        throw RadiographError(path: path, "\(path): \(sentence).")
      }
    }
  }

  /// What most headers take.
  private static let firstRead = 1 << 16

  init(_ data: DICOMDataSet) {
    patient = Self.known(data.text(.patientID)) ?? Self.known(data.text(.patientName))
    study = data.text(.study)
    view = data.text(.viewPosition)
    laterality = data.text(.imageLaterality) ?? data.text(.laterality)
    manufacturer = data.text(.manufacturer)
    model = data.text(.model)
    modality = data.text(.modality)
    sex = data.text(.sex)
    age = data.text(.age).flatMap(Self.years)
    hasBurnedInAnnotation = data.text(.burnedInAnnotation).flatMap { ["YES": true, "NO": false][$0] }
  }

  /// 16 hexadecimal digits instead of a patient's number or name: equal for equal ones, so that images can be compared
  /// by whose they are, and no name stands in a file or on a screen. No secret is in it: who has the number can find it
  /// again, and few numbers can all be tried.
  static func pseudonym(_ identifier: String) -> String {
    Array("salad DICOM \(identifier)".utf8).withUnsafeBytes(SHA256.hash).prefix(8).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }

  /// nil of what de-identification leaves in the place of every patient: it would make one of them all.
  private static func known(_ patient: String?) -> String? {
    let nobody: Set<String> = [
      "ANON", "ANONYM", "ANONYMOUS", "ANONYMIZED", "ANONYMISED", "DEIDENTIFIED", "NONE", "NULL", "REMOVED", "UNKNOWN",
    ]
    guard let patient else { return nil }
    let letters = patient.uppercased().filter { $0.isLetter || $0.isNumber }
    return letters.isEmpty || letters.allSatisfy { $0 == "0" } || nobody.contains(letters) ? nil : patient
  }

  /// 45 of "045Y", 0 of "011M".
  private static func years(_ age: String) -> Int? {
    guard age.utf8.count == 4, let number = Int(age.dropLast()), number >= 0 else { return nil }
    return switch age.last {
    case "Y": number
    case "M": number / 12
    case "W": number / 52
    case "D": number / 365
    default: nil
    }
  }
}
