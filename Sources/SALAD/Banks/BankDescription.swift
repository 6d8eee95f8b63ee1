import MPI
import MemoryBank

// N = bank rows

/// What a bank is, for people and programs: of a deployment or of a site's bank.
public struct BankDescription: Encodable, Sendable {
  public var path: String
  public var isSiteBank: Bool
  public var models: Int
  public var encoders: [String]
  public var rows: Int
  /// F.
  public var features: Int
  public var levels: String
  public var bank: BankKind
  /// Patients that are known, and rows of none.
  public var patients: Int
  public var rowsOfUnknown: Int
  public var hasHashedIDs: Bool
  /// What in it tells of persons, in words; nil: nothing.
  public var identifying: String?
  public var scoreRule: String
  public var topK: Int
  /// Where p-values come from.
  public var origin: Calibration.Origin
  /// Each model's D, and its scale of the weights D0^2, the squared distance to a row's 10th nearest other.
  public var medians: [Double]
  public var squaredScales: [Double]
  public var falseAlarmRate: Double
  /// nil where no image can be flagged.
  public var threshold: Double?
  public var sites: [Site]
  public var changes: [AuditEntry]

  /// A hospital that gave rows, judged by them alone.
  public struct Site: Codable, Sendable, Equatable {
    public var name: String
    public var rows: Int
    public var median: Double
    public var threshold: Double?
  }

  enum CodingKeys: String, CodingKey {
    case path, models, rows, features, levels, bank, patients, identifying, origin, medians, threshold, sites, changes
    case isSiteBank = "site_bank"
    case encoders = "encoder_sha256"
    case rowsOfUnknown = "rows_of_unknown_patients"
    case hasHashedIDs = "hashed_ids"
    case scoreRule = "score_rule"
    case topK = "top_k"
    case squaredScales = "squared_scales"
    case falseAlarmRate = "false_alarm_rate"
  }

  /// A row, as a table has it.
  public struct Row: Codable, Sendable, Equatable {
    public var row: Int
    public var id: String
    /// Empty where nobody knows.
    public var patient: String
    public var site: String
    /// What it scores with itself and its patient left out, in 0...1.
    public var leftOut: Double
  }

  private let manifest: DeploymentManifest

  /// All ranks. Reads and verifies the folder.
  ///
  /// - Parameters:
  ///   - path: of a deployment or a site's bank.
  ///   - workers: threads of this rank.
  ///   - communicator: of the ranks that take part.
  /// - Throws: `SaladError` 65 on all ranks when it is neither, or is damaged; 64 when it is a run.
  public init(_ path: String, workers: Int, communicator: Communicator) throws {
    try agree(communicator) {  // all ranks
      if RunDirectory.hasRun(path) {
        throw SaladError(.usage, "\(path): expected a deployment, found a run: merge it first")
      }
    }
    let deployment = try Deployment.open(  // all ranks
      path, as: DeploymentManifest.Form.allCases, workers: workers, communicator: communicator)
    let changes = try agree(communicator) { try AuditLog.read(folder: path) }  // all ranks
    self.init(path, deployment.manifest, changes)
  }

  init(_ path: String, _ manifest: DeploymentManifest, _ changes: [AuditEntry]) {
    let rule = manifest.scoring.scoreRule
    let patients = manifest.patients.compactMap { $0 }
    self.manifest = manifest
    self.path = path
    self.changes = changes
    isSiteBank = manifest.form == .siteBank
    models = manifest.calibrations.count
    encoders = manifest.encoderHashes
    rows = manifest.rows
    features = manifest.dimension
    levels = manifest.bank == .refreshed ? "\(manifest.scoring.levels)" : "z"
    bank = manifest.bank
    self.patients = Set(patients).count
    rowsOfUnknown = manifest.rows - patients.count
    hasHashedIDs = manifest.hasHashedIDs
    identifying = manifest.identifyingWords
    scoreRule = rule.rawValue
    topK = min(manifest.scoring.topK, manifest.rows)
    origin = manifest.calibration.origin
    medians = manifest.calibrations.compactMap { $0.medians[rule.rawValue] }
    squaredScales = manifest.calibrations.map(\.squaredScale)
    falseAlarmRate = manifest.calibration.falseAlarmRate
    threshold = ScoreScale(manifest.calibrations, rule: rule)?.threshold().value
    sites = (manifest.sites ?? []).map { site in
      Site(
        name: site.name, rows: site.rows, median: site.calibrations[0].medians[rule.rawValue] ?? 0,
        threshold: ScoreScale(site.calibrations, rule: rule)?.threshold().value)
    }
  }

  /// One JSON object on one line.
  public func line() throws -> String { String(decoding: try JSONText.line(self), as: UTF8.self) }

  /// N rows in their order, or those of a site.
  ///
  /// - Parameter site: nil: all.
  /// - Throws: `SaladError` 64 where there is no such site.
  public func table(site: String? = nil) throws -> [Row] {
    let chosen = try site.map { try manifest.rows(ofSite: $0, path: path) } ?? 0..<rows
    let (patients, leftOut) = (manifest.patients, manifest.leftOutScores)
    var names: [String] = []
    for (site, rows) in zip(sites, manifest.siteRows) { names += rows.map { _ in site.name } }
    return chosen.map { row in
      Row(
        row: row, id: manifest.imageIDs[row], patient: patients[row] ?? "", site: names.isEmpty ? "" : names[row],
        leftOut: leftOut[row])
    }
  }
}

extension DeploymentManifest {
  /// N scores of the bank's own rows under the remembered rule.
  fileprivate var leftOutScores: [Double] {
    ScoreScale(calibrations, rule: scoring.scoreRule)?.leftOut ?? imageIDs.map { _ in 0 }
  }
}
