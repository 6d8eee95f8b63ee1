import Radiographs

/// Rows of a bank, as a command line chooses them.
public struct RowSelection: Sendable {
  /// Images by their ids: relative paths, or hashes where the deployment keeps those.
  public var ids: [String]
  /// All images of these patients.
  public var patients: [String]
  /// All images of these sites.
  public var sites: [String]
  /// Files that show what the rows' images show.
  public var images: [String]
  /// What turns names into the deployment's hashes; nil: they are given as the deployment has them.
  public var hashing: HashedIDs?

  /// - Parameters:
  ///   - ids: of images.
  ///   - patients: all of whose images are meant.
  ///   - sites: all of whose images are meant.
  ///   - images: files.
  ///   - hashing: what turns names into the deployment's hashes.
  public init(
    ids: [String] = [], patients: [String] = [], sites: [String] = [], images: [String] = [],
    hashing: HashedIDs? = nil
  ) {
    self.ids = ids
    self.patients = patients
    self.sites = sites
    self.images = images
    self.hashing = hashing
  }

  /// How many choices of each kind there are, for the audit log.
  var counts: [String: Int] {
    [("ids", ids), ("patients", patients), ("sites", sites), ("images", images)]
      .reduce(into: [:]) { counts, kind in if !kind.1.isEmpty { counts[kind.0] = kind.1.count } }
  }

  /// The rows that ids, patients and sites mean.
  ///
  /// - Throws: `SaladError` 64 naming what no row has, and the nearest that one has.
  func rows(in manifest: DeploymentManifest, path: String) throws -> Set<Int> {
    var rows: Set<Int> = []
    if !ids.isEmpty {
      let places = Dictionary(
        zip(manifest.imageIDs, manifest.imageIDs.indices), uniquingKeysWith: { first, _ in first })
      for id in ids {
        let named = hashing.map { $0.hash("image", id) }
        guard let row = places[id] ?? named.flatMap({ places[$0] }) else {
          throw unknown("the image", id, manifest.imageIDs, manifest, path)
        }
        rows.insert(row)
      }
    }
    if !patients.isEmpty {
      let owners = manifest.patients
      for patient in patients {
        let named = hashing.map { $0.patient(patient) }
        let found = owners.indices.filter { owners[$0] == patient || owners[$0] != nil && owners[$0] == named }
        guard !found.isEmpty else {
          throw unknown("an image of the patient", patient, owners.compactMap { $0 }, manifest, path)
        }
        rows.formUnion(found)
      }
    }
    for name in sites {
      rows.formUnion(try manifest.rows(ofSite: name, path: path))
    }
    return rows
  }

  private func unknown(
    _ what: String, _ name: String, _ known: [String], _ manifest: DeploymentManifest, _ path: String
  ) -> SaladError {
    let hint =
      manifest.hasHashedIDs && hashing == nil
      ? ": it keeps hashes, so give the hash, or --hash-salt, or --image FILE"
      : NearestNames.words(for: name, in: known) + ": salad bank list \(path) prints all"
    return SaladError(.usage, "\(path): expected \(what) \(name.debugDescription), found none\(hint)")
  }

  /// The rows whose images show what these pictures show.
  ///
  /// - Parameters:
  ///   - pictures: of `images`.
  ///   - known: of the bank's rows.
  /// - Throws: `SaladError` 64 naming a file that no row is of.
  func rows(showing pictures: [PictureHash], in known: [PictureHash], path: String) throws -> Set<Int> {
    let contents = Dictionary(grouping: known.indices) { known[$0].content }
    var rows: Set<Int> = []
    for (image, picture) in zip(images, pictures) {
      guard let found = contents[picture.content] else { throw noRow(of: image, path, "with the same pixels") }
      rows.formUnion(found)
    }
    return rows
  }

  /// The rows that are the features of `images`, bit for bit: what is left where a bank remembers no pictures.
  ///
  /// - Parameters:
  ///   - features: of `images`, (images, F).
  ///   - bank: (N, F).
  func rows(equalTo features: [Float], in bank: UnsafeRawBufferPointer, dimension: Int, path: String) throws -> Set<Int>
  {
    let places = RowBytes.places(in: bank, dimension: dimension)
    var rows: Set<Int> = []
    for (index, image) in images.enumerated() {
      let row = RowBytes(features[index * dimension..<(index + 1) * dimension])
      guard let found = places[row] else {
        throw noRow(
          of: image, path,
          "with the same features (this processor may compute other last bits than the bank's: then give --id)"
        )
      }
      rows.formUnion(found)
    }
    return rows
  }

  private func noRow(of image: String, _ path: String, _ how: String) -> SaladError {
    SaladError(.usage, "\(image): expected an image that \(path) has a row of, found none \(how)")
  }
}

/// A row's bytes, to be compared with others'.
struct RowBytes: Hashable {
  private let bytes: [UInt8]

  init(_ values: ArraySlice<Float>) { bytes = values.withUnsafeBytes(Array.init) }

  private init(_ bytes: Slice<UnsafeRawBufferPointer>) { self.bytes = Array(bytes) }

  /// Where each row is.
  static func places(in bank: UnsafeRawBufferPointer, dimension: Int) -> [RowBytes: [Int]] {
    let stride = dimension * MemoryLayout<Float>.stride
    return Dictionary(grouping: 0..<bank.count / stride) { RowBytes(bank[$0 * stride..<($0 + 1) * stride]) }
  }
}
