import Radiographs

/// Whose a bank's images are, as manifests have it.
enum ImagePatients {
  /// N texts, empty where nobody is known; nil where the images' names tell the same, as they do in folders.
  ///
  /// - Parameters:
  ///   - patients: nil: as the names tell.
  ///   - imageIDs: N relative paths.
  static func text(of patients: [String?]?, imageIDs: [String]) -> [String]? {
    guard let patients, patients != Patient.identifiers(ofPaths: imageIDs) else { return nil }
    return patients.map { $0 ?? "" }
  }

  /// N patients; nil where one is unknown.
  static func patients(_ text: [String]?, imageIDs: [String]) -> [String?] {
    guard let text else { return Patient.identifiers(ofPaths: imageIDs) }
    return text.map { $0.isEmpty ? nil : $0 }
  }
}
