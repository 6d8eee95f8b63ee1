import Platform
import Synchronization

/// What DICOM files say of themselves, where a data set says nothing better.
enum TaggedImages {
  /// The images with the facts that their files' tags hold: patient, study, view, sex and age, and the maker of the
  /// machine under the name "manufacturer".
  ///
  /// Only files are opened whose names may be of DICOM, and of those only what stands before the pixels is read. A file
  /// that cannot be read keeps what is known: whoever reads its pixels says what is wrong.
  ///
  /// - Parameters:
  ///   - images: of one split.
  ///   - root: the folder that their paths are relative to.
  ///   - hasTable: whether a table told the patients: it comes before tags, which come before names.
  ///   - note: is given a sentence where letters are burnt into images.
  ///   - progress: is told from time to time how many files of how many were opened.
  static func adding(
    to images: [LabelledImage], root: String, hasTable: Bool, note: (String) -> Void,
    progress: (_ done: Int, _ total: Int) -> Void
  ) throws -> [LabelledImage] {
    let places = images.indices.filter { DICOM.mayBe(images[$0].path) }
    guard !places.isEmpty else { return images }
    let tags = Mutex([ImageTags?](repeating: nil, count: places.count))
    for first in stride(from: 0, to: places.count, by: filesBetweenReports) {
      let count = min(filesBetweenReports, places.count - first)
      try forEachConcurrently(count, workers: Host.activeHardwareThreads) { index in
        do {
          try Signals.throwIfReceived()
        } catch {
          throw RadiographError(kind: .stopped, path: root, "\(error) while the tags of \(root) were read.")
        }
        let found = try? ImageTags(ofFile: FileTree.join(root, images[places[first + index]].path))
        tags.withLock { $0[first + index] = found }
      }
      progress(first + count, places.count)
    }
    var result = images
    var burned: [String] = []
    for (place, tags) in zip(places, tags.withLock { $0 }) {
      guard let tags else { continue }
      result[place].facts.add(tags, path: images[place].path, hasTable: hasTable)
      if tags.hasBurnedInAnnotation == true { burned.append(images[place].path) }
    }
    if let first = burned.first {
      note(
        "\(FileTree.join(root, first)): its tags say that letters are burnt into the pixels (Burned In Annotation), as "
          + "those of \(burned.count) of \(images.count) images do: they may name the patient, and be learnt")
    }
    return result
  }

  private static let filesBetweenReports = 1024
}

extension ImageFacts {
  fileprivate mutating func add(_ tags: ImageTags, path: String, hasTable: Bool) {
    let isNamed = patient == nil || patient == Patient.identifier(ofPath: path)
    if let number = tags.patient, isNamed || !hasTable { patient = ImageTags.pseudonym(number) }
    study = study ?? tags.study.map(ImageTags.pseudonym)
    view = view ?? tags.view
    sex = sex ?? tags.sex
    age = age ?? tags.age
    if others["manufacturer"] == nil { others["manufacturer"] = tags.manufacturer }
  }
}
