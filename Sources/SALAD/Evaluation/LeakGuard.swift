import MPI
import Platform
import Radiographs

/// Keeps a model from being judged on what it learnt from: no patient and no picture may be on both sides of a split.
///
/// Duplicates within one side are no leak. Where no rank is mentioned, all may compute alike.
public struct LeakGuard: Sendable {
  /// Relative paths of the images that the model learns from; before training also of those kept back for calibration.
  let training: [String]
  /// Whose they are, one each; nil where that is unknown.
  let trainingPatients: [String?]
  /// What they show, one each; nil where a model is older than this knowledge.
  let trainingPictures: [PictureHash]?
  /// Makes of a test image's patient what stands in the place of the training images' patients; nil: that is their names.
  let hashing: HashedIDs?
  let allowsLeaks: Bool
  let log: Log

  /// A guard of what a model learnt from.
  ///
  /// - Parameters:
  ///   - source: the model.
  ///   - salt: the one its names were hashed with; nil where that is unknown, or they were not.
  ///   - allowsLeaks: whether leaks are only noted.
  ///   - log: is told what cannot be seen.
  /// - Throws: `SaladError` 64 when there is a salt and the model's names are no hashes.
  public init(_ source: ModelSource, salt: String? = nil, allowsLeaks: Bool, log: Log) throws {
    guard salt == nil || source.hasHashedIDs else {
      throw SaladError(
        .usage, "\(source.path) was merged without --hash-ids: its images have their names, leave --hash-salt away")
    }
    let pictures = source.pictures
    self.init(
      training: source.imageIDs, trainingPatients: source.patients, trainingPictures: pictures,
      hashing: salt.map { HashedIDs(salt: $0) }, allowsLeaks: allowsLeaks, log: log)
    if source.hasHashedIDs {
      log.note(
        salt == nil
          ? "\(source.path) keeps hashes instead of names: whether it learnt from patients or pictures of these images "
            + "cannot be seen here; with the salt, --hash-salt, patients can"
          : "\(source.path) keeps no picture hashes: test images are compared by patient alone, under the salt")
    } else if pictures == nil {
      log.warn("\(source.path) does not remember what its images show: test images are compared by patient alone")
    }
  }

  init(
    training: [String], trainingPatients: [String?], trainingPictures: [PictureHash]?, hashing: HashedIDs? = nil,
    allowsLeaks: Bool, log: Log
  ) {
    self.training = training
    self.trainingPatients = trainingPatients
    self.trainingPictures = trainingPictures
    self.hashing = hashing
    self.allowsLeaks = allowsLeaks
    self.log = log
  }

  // MARK: Checking

  /// All ranks. Both checks below.
  ///
  /// - Parameters:
  ///   - test: the test images.
  ///   - side: the model's, in pixels.
  ///   - workers: threads of this rank.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  public func check(
    _ test: ListedImages, side: Int, workers: Int, communicator: Communicator, watchdog: Watchdog
  ) throws {
    try checkPatients(of: test)
    try checkPictures(  // all ranks
      of: test, side: side, workers: workers, communicator: communicator, watchdog: watchdog)
  }

  /// Local, by what is known of patients alone.
  ///
  /// - Parameter test: the test images.
  /// - Throws: `SaladError` 65 where a test image is of a patient who trained; with `allowsLeaks` that is a note.
  public func checkPatients(of test: ListedImages) throws {
    let patients = test.images.map(\.facts.patient).map { name in
      name.map { hashing?.patient($0) ?? $0 }
    }
    let leaks = Self.samePatient(training: trainingPatients, test: patients)
    try refuse(leaks, "is of the same patient as", of: test)
  }

  /// All ranks. Reads the test images, the ranks sharing them, and compares what they show.
  ///
  /// A test image that cannot be read is left to whoever scores it.
  ///
  /// - Parameters:
  ///   - test: the test images.
  ///   - side: the model's, in pixels.
  ///   - workers: threads of this rank.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  /// - Throws: `SaladError` 65 on all ranks where a test image shows a picture that trained; with `allowsLeaks` that is
  ///   a note. Near-duplicates are a note in any case.
  public func checkPictures(
    of test: ListedImages, side: Int, workers: Int, communicator: Communicator, watchdog: Watchdog
  ) throws {
    guard let trainingPictures, !test.images.isEmpty else { return }
    let cache = ImageCache(root: test.root, paths: test.paths, side: side, fit: .stretch, limit: 0)
    let findings = try SharedScan.run(  // all ranks
      cache, title: "checking the test split", workers: workers, communicator: communicator, watchdog: watchdog)
    let pictures = findings.map { $0.image?.picture }
    try checkSame(pictures, of: test)

    watchdog.enter("comparing pictures", step: nil)
    let near = try agree(communicator) {  // all ranks
      try Self.nearPicture(training: trainingPictures, test: pictures)
    }
    if !near.isEmpty { log.warn(warning(near, of: test)) }
  }

  /// Local. Throws `SaladError` 65 where a test image shows a picture that trained; with `allowsLeaks` that is a note.
  func checkSame(_ pictures: [PictureHash?], of test: ListedImages) throws {
    guard let trainingPictures else { return }
    let same = Self.samePicture(training: trainingPictures, test: pictures)
    try refuse(same, "is the same picture as", of: test)
  }

  private func refuse(_ leaks: [Leak], _ relation: String, of test: ListedImages) throws {
    guard let first = leaks.first else { return }
    let others = leaks.count > 1 ? " (and \(leaks.count - 1) more test images like it)" : ""
    let sentence = "\(Self.path(first, test)) \(relation) the training image \(training[first.training])\(others)"
    guard allowsLeaks else {
      throw SaladError(
        .badData,
        "\(sentence): a model must not be judged on what it learnt: take one away, or give --allow-leaks to go on")
    }
    log.warn("\(sentence): --allow-leaks was given, expect results that are too good")
  }

  private static func path(_ leak: Leak, _ test: ListedImages) -> String {
    "\(test.root)/\(test.images[leak.test].path)"
  }

  private func warning(_ leaks: [Leak], of test: ListedImages) -> String {
    let named = leaks.prefix(3).map { leak in
      "\(Self.path(leak, test)) like \(training[leak.training]) (\(leak.distance) of \(PictureHash.gradientBits) bits "
        + "differ)"
    }
    let others = leaks.count > named.count ? ", and \(leaks.count - named.count) more" : ""
    return "test images look like training images, and may be copies: \(named.joined(separator: ", "))\(others)"
  }
}

// MARK: - Finding

extension LeakGuard {
  /// A test image and the training image that it repeats: their places. At most one a test image, in its order.
  struct Leak: Equatable {
    var test: Int
    var training: Int
    /// Different bits of near-duplicates.
    var distance = 0
  }

  /// Test images of patients who have a training image, the first one named.
  static func samePatient(training: [String?], test: [String?]) -> [Leak] { repeated(training, test) }

  /// Test images that are a training image pixel by pixel, the first one named.
  static func samePicture(training: [PictureHash], test: [PictureHash?]) -> [Leak] {
    repeated(training.map(\.content), test.map { $0?.content })
  }

  /// Test images of which every pixel may differ from the nearest training image's, but which look like it.
  ///
  /// Every pair is compared: two billion, as in all of ChestX-ray14, take about a minute.
  ///
  /// - Throws: `StopRequest` when a signal comes.
  static func nearPicture(training: [PictureHash], test: [PictureHash?]) throws -> [Leak] {
    let contents = Set(training.map(\.content))
    return try test.indices.compactMap { index in
      try Signals.throwIfReceived()
      guard let picture = test[index], !contents.contains(picture.content) else { return nil }
      var nearest = Leak(test: index, training: 0, distance: PictureHash.nearDistance + 1)
      for (place, other) in training.enumerated() {
        let distance = picture.distance(to: other)
        if distance < nearest.distance { nearest = Leak(test: index, training: place, distance: distance) }
      }
      return nearest.distance <= PictureHash.nearDistance ? nearest : nil
    }
  }

  private static func repeated<Key: Hashable>(_ training: [Key?], _ test: [Key?]) -> [Leak] {
    var first: [Key: Int] = [:]
    for (index, key) in training.enumerated() {
      if let key, first[key] == nil { first[key] = index }
    }
    return test.enumerated().compactMap { index, key in
      key.flatMap { first[$0] }.map { Leak(test: index, training: $0) }
    }
  }
}
