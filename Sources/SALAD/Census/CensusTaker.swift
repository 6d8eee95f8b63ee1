import MPI
import Platform
import Radiographs

/// Takes the census of a data set.
public struct CensusTaker {
  private let workers: Int
  private let communicator: Communicator
  private let watchdog: Watchdog

  /// - Parameters:
  ///   - workers: threads of this rank.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  public init(workers: Int, communicator: Communicator, watchdog: Watchdog) {
    self.workers = workers
    self.communicator = communicator
    self.watchdog = watchdog
  }

  /// An image and where it stands.
  struct Listed {
    var image: LabelledImage
    /// "train", "test normal", "test anomalous"; "no split".
    var place: String
    var trains: Bool
    var tests: Bool
  }

  /// All ranks. The census, equal on all.
  ///
  /// - Parameter request: the data set, with a path.
  /// - Throws: `SaladError` on all ranks: 65 when nothing can be said of the data set at all.
  public func census(_ request: DataRequest) throws -> Census {
    guard let path = request.path else { preconditionFailure("a census of nothing") }
    watchdog.enter("listing \(path)", step: nil)
    let (root, listed, listing) = try list(path, request.selection())  // all ranks
    var census = listing
    let scan = CensusScan(workers: workers, communicator: communicator, watchdog: watchdog)
    let found = try scan.images(listed.map { "\(root)/\($0.image.path)" })  // all ranks
    census.count(listed, found)
    census.measure(listed, found)
    let pictures = found.map(\.picture)
    census.equalFiles = copies(listed, found.map { $0.reason == nil ? $0.digest : nil })
    census.equalPictures = copies(listed, pictures.map { $0.map(\.content) })
    let pairs = try scan.pairs(pictures)  // all ranks
    census.lookalikes.count = pairs.count
    census.lookalikes.acrossSplits = pairs.count { listed[$0.first].trains != listed[$0.second].trains }
    // Those across the split first: they are what makes results too good.
    let across = pairs.filter { listed[$0.first].trains != listed[$0.second].trains }
    let within = pairs.filter { listed[$0.first].trains == listed[$0.second].trains }
    census.lookalikes.first = (across + within).prefix(Census.named).map { pair in
      [listed[pair.first].image.path, listed[pair.second].image.path]
    }
    census.patients = Self.patients(listed)
    refuse(&census, listed, found, root: root)
    return census
  }

  // MARK: - Listing

  /// All ranks.
  private func list(
    _ path: String, _ selection: DataSelection
  ) throws -> (root: String, listed: [Listed], census: Census) {
    let texts = try agree(communicator) { () -> [String] in  // all ranks
      guard communicator.isRoot else { return [] }
      let data = try DataSet(path, selection: selection, progress: TagProgress().show)
      var notes = data.reason.map { [$0] } ?? []
      func images(_ body: ((String) -> Void) throws -> [LabelledImage]) throws -> Result<
        [LabelledImage], RadiographError
      > {
        do {
          return .success(try body { if !notes.contains($0) { notes.append($0) } })
        } catch let error as RadiographError where error.kind == .badData { return .failure(error) }
      }
      let training = try images(data.trainingImages)
      let test = try images(data.testImages)
      var (all, refusals) = ([Listed](), [String]())
      switch training {
      case .success(let images): all += images.map { Listed(image: $0, place: "train", trains: true, tests: false) }
      case .failure(let error): refusals.append(SaladError(error).description)
      }
      switch test {
      case .success(let images):
        all += images.map { image in
          Listed(
            image: image, place: image.isAnomalous ? "test anomalous" : "test normal", trains: false, tests: true)
        }
      case .failure(let error): notes.append("an evaluation would be refused: \(SaladError(error).description)")
      }
      if data.layout == .folder, !all.isEmpty { notes += try Self.unused(path, beside: all.map(\.image.path)) }
      if all.isEmpty, data.layout == .folder { all = try Self.unsplit(path) }
      if all.isEmpty { _ = try training.get() }
      let head = [data.root, data.layout.rawValue, "\(notes.count)", "\(refusals.count)"]
      return head + notes + refusals
        + all.flatMap { [$0.place, $0.trains ? "1" : "0", $0.tests ? "1" : "0"] + $0.image.fields }
    }
    var received = try communicator.broadcast(texts: texts)[...]  // all ranks
    var census = Census(path: path, layout: received[1], root: received[0])
    let (notes, refusals) = (Int(received[2]) ?? 0, Int(received[3]) ?? 0)
    received = received.dropFirst(4)
    census.notes = Array(received.prefix(notes))
    census.refusals = Array(received.dropFirst(notes).prefix(refusals))
    received = received.dropFirst(notes + refusals)
    let width = 3 + LabelledImage.fieldCount
    let listed = stride(from: received.startIndex, to: received.endIndex, by: width).map { place in
      Listed(
        image: LabelledImage(fields: received[place + 3..<place + width]), place: received[place],
        trains: received[place + 1] == "1", tests: received[place + 2] == "1")
    }
    return (census.root, listed, census)
  }

  /// Sentences about folders whose pictures neither train nor test: `train/PNEUMONIA`, `valid/good`.
  private static func unused(_ path: String, beside used: [String]) throws -> [String] {
    let used = Set(used.map { Array($0.utf8) })
    let others = try ImageFolder.images(under: path).images.filter { !used.contains(Array($0.utf8)) }
    let folders = others.map { image in
      let parts = image.utf8.split(separator: UInt8(ascii: "/")).dropLast().prefix(2)
      return parts.isEmpty ? "no folder" : parts.map { String(Substring($0)) }.joined(separator: "/")
    }
    return Census.counts(folders).prefix(8).map {
      "\(path): \($0.name) is used neither to train nor to test: images \($0.count)"
    }
  }

  /// All pictures below a folder without a split, the folder right below it their kind.
  private static func unsplit(_ path: String) throws -> [Listed] {
    let paths = try ImageFolder.images(under: path).images
    return zip(paths, Patient.identifiers(ofPaths: paths)).map { path, patient in
      let parts = path.utf8.split(separator: UInt8(ascii: "/"))
      let kind = parts.count > 1 ? String(Substring(parts[0])) : "no label"
      var image = LabelledImage(path: path, kind: kind, isAnomalous: false)
      image.facts.patient = patient
      return Listed(image: image, place: "no split", trains: false, tests: false)
    }
  }

  // MARK: - Comparing

  /// Images that share a key.
  private func copies<Key: Hashable>(_ listed: [Listed], _ keys: [Key?]) -> Census.Copies {
    let groups = Dictionary(grouping: keys.indices.filter { keys[$0] != nil }) { keys[$0]! }
      .values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
    var copies = Census.Copies()
    func isAcross(_ group: [Int]) -> Bool { Set(group.map { listed[$0].trains }).count > 1 }
    copies.count = groups.count
    copies.acrossSplits = groups.count(where: isAcross)
    copies.first = (groups.filter(isAcross) + groups.filter { !isAcross($0) }).prefix(Census.named).map { group in
      group.prefix(Census.named).map { listed[$0].image.path }
    }
    return copies
  }

  private static func patients(_ listed: [Listed]) -> Census.Patients {
    let training = Set(listed.filter(\.trains).compactMap(\.image.facts.patient))
    let test = Set(listed.filter { !$0.trains }.compactMap(\.image.facts.patient))
    let both = training.intersection(test).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return Census.Patients(
      training: training.count, test: test.count,
      imagesOfUnknown: listed.count { $0.image.facts.patient == nil }, both: Array(both.prefix(Census.named)),
      bothCount: both.count)
  }

  // MARK: - Judging

  /// Adds the sentences by which a training would be refused.
  private func refuse(_ census: inout Census, _ listed: [Listed], _ found: [CensusImage], root: String) {
    let training = listed.indices.filter { listed[$0].trains }
    let test = listed.indices.filter { listed[$0].tests }
    let bad = training.filter { found[$0].reason != nil }
    if let first = bad.first {
      let others = bad.count > 1 ? " (and \(bad.count - 1) more like it)" : ""
      census.refusals.append(
        "\(found[first].reason ?? "")\(others): mend or remove it, or give --bad-images skip")
    }
    let sound = training.filter { found[$0].picture != nil }
    let guarded = ListedImages(root: root, images: test.map { listed[$0].image })
    let leakGuard = LeakGuard(
      training: sound.map { listed[$0].image.path }, trainingPatients: sound.map { listed[$0].image.facts.patient },
      trainingPictures: sound.compactMap { found[$0].picture }, allowsLeaks: false, log: Log(isShown: false))
    for check in [
      { try leakGuard.checkPatients(of: guarded) },
      { try leakGuard.checkSame(test.map { found[$0].picture }, of: guarded) },
    ] {
      do {
        try check()
      } catch {
        census.refusals.append(SaladError(error).description)
      }
    }
  }
}
