import MemoryBank
import Radiographs

// N = bank rows

/// Which rows a changed bank has, in their order, and what its manifest says of them.
struct BankPlan {
  var manifest: DeploymentManifest
  /// N rows: those kept by their old places, new ones as -1, -2 and so on.
  fileprivate var order: [Int]

  /// Rows that follow each other, together.
  func pieces(of deployment: Deployment) -> [BankAssembly.Piece] {
    var pieces: [BankAssembly.Piece] = []
    var rest = order[...]
    while let first = rest.first {
      let isNew = first < 0
      let run = rest.prefix { ($0 < 0) == isNew }
      pieces += run.map { isNew ? -1 - $0 : $0 }.consecutive.map { isNew ? .new($0) : .kept(deployment, $0) }
      rest = rest.dropFirst(run.count)
    }
    return pieces
  }
}

extension DeploymentManifest {
  /// The same of these rows alone, in their order; what is measured stays as it was.
  func selecting(_ kept: [Int]) -> DeploymentManifest {
    var changed = self
    changed.setRows(
      imageIDs: kept.map { imageIDs[$0] }, patients: kept.map { patients[$0] },
      pictures: imageHashes.map { hashes in kept.map { hashes[$0] } })
    if let sites {
      changed.sites = zip(sites, siteRows).compactMap { site, rows in
        var site = site
        site.rows = kept.count { rows.contains($0) }
        return site.rows == 0 ? nil : site
      }
    }
    return changed
  }

  /// The same with new rows at their places.
  ///
  /// - Parameters:
  ///   - ids: sorted by their bytes.
  ///   - patients: whose they are.
  ///   - pictures: what they show; nil where the bank does not remember.
  ///   - site: whose they are, in a bank of sites.
  func adding(ids: [String], patients: [String?], pictures: [PictureHash]?, site: String?) -> BankPlan {
    var segment = 0..<rows
    var changedSites = sites
    if let site, let sites {
      if let place = sites.firstIndex(where: { $0.name == site }) {
        segment = siteRows[place]
        changedSites![place].rows += ids.count
      } else {
        let place = sites.firstIndex { site.utf8.lexicographicallyPrecedes($0.name.utf8) } ?? sites.count
        let start = place < sites.count ? siteRows[place].lowerBound : rows
        segment = start..<start
        // Its numbers are measured; its rules, rate and axis are those of all.
        changedSites!.insert(Site(name: site, rows: ids.count, calibrations: calibrations), at: place)
      }
    }
    let order =
      Array(0..<segment.lowerBound) + merged(segment, with: ids) + Array(segment.upperBound..<rows)
    func arranged<T>(_ old: [T], _ new: [T]) -> [T] { order.map { $0 < 0 ? new[-1 - $0] : old[$0] } }
    var changed = self
    changed.setRows(
      imageIDs: arranged(imageIDs, ids), patients: arranged(self.patients, patients),
      pictures: imageHashes.flatMap { old in pictures.map { arranged(old, $0.map(\.hexadecimal)) } })
    changed.sites = changedSites
    return BankPlan(manifest: changed, order: order)
  }

  /// Rows of a segment and new ones: by their ids where the segment's are in that order, else the new ones behind.
  private func merged(_ segment: Range<Int>, with ids: [String]) -> [Int] {
    let new = ids.indices.map { -1 - $0 }
    func precedes(_ one: String, _ other: String) -> Bool { one.utf8.lexicographicallyPrecedes(other.utf8) }
    let isSorted = segment.dropFirst().allSatisfy { precedes(imageIDs[$0 - 1], imageIDs[$0]) }
    guard isSorted else { return Array(segment) + new }
    var (order, next) = ([Int](), 0)
    for row in segment {
      while next < ids.count, precedes(ids[next], imageIDs[row]) {
        order.append(new[next])
        next += 1
      }
      order.append(row)
    }
    return order + new[next...]
  }

  private mutating func setRows(imageIDs: [String], patients: [String?], pictures: [String]?) {
    let hasHashes = hasHashedIDs
    rows = imageIDs.count
    self.imageIDs = imageIDs
    imagePatients =
      hasHashes ? patients.map { $0 ?? "" } : ImagePatients.text(of: patients, imageIDs: imageIDs)
    imageHashes = pictures
    // No longer those of one data set.
    dataFingerprint = ""
    saladVersion = SALAD.saladVersion
    if !hasHashes { identifying = found }
  }

  /// Names of the sites that these rows are of.
  func sites(of rows: Set<Int>) -> Set<String> {
    Set(zip(sites ?? [], siteRows).filter { $0.1.contains(where: rows.contains) }.map(\.0.name))
  }
}

/// What a site may be called: it stands in tables, on command lines and in manifests.
public enum SiteName {
  /// - Throws: `SaladError` 64 unless it is 1 to 64 letters, digits, dots, dashes and underscores of ASCII.
  public static func validate(_ name: String) throws {
    let isPlain = name.utf8.allSatisfy { byte in
      let character = Unicode.Scalar(byte)
      return ("a"..."z").contains(character) || ("A"..."Z").contains(character) || ("0"..."9").contains(character)
        || "._-".unicodeScalars.contains(character)
    }
    guard isPlain, (1...64).contains(name.utf8.count) else {
      throw SaladError(
        .usage, "--site is \(name.debugDescription): give 1 to 64 letters, digits, dots, dashes and underscores")
    }
  }
}
