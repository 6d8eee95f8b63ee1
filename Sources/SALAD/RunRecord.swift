import Foundation

/// What `config.json` says of a run: every setting, resolved, and the data it was given.
public struct RunRecord: Codable, Sendable, Equatable {
  /// The version of salad that began the run.
  public var version: String
  public var configuration: Configuration
  public var execution: Execution
  public var data: DataRecord

  /// The training images of a run.
  public struct DataRecord: Codable, Sendable, Equatable {
    /// The data set's folder as seen from RUN: moving both together keeps it true. `--data` replaces it.
    public var path: String
    /// SHA-256 over the images' relative paths and contents.
    public var fingerprint: String
    public var imageCount: Int
    /// Images that `--bad-images skip` left out.
    public var skipped: [SkippedImage]

    enum CodingKeys: String, CodingKey {
      case path, fingerprint, skipped
      case imageCount = "images"
    }
  }

  public init(configuration: Configuration, execution: Execution, data: DataRecord) {
    version = saladVersion
    self.configuration = configuration
    self.execution = execution
    self.data = data
  }
}

// MARK: - Resuming

extension RunRecord {
  /// Checks that a resume asks for what this run is; only more rounds are another thing it may ask for.
  ///
  /// - Throws: `SaladError` 64 naming the settings that differ.
  public func validateResume(as configuration: Configuration, run: String) throws {
    guard version == saladVersion else {
      throw SaladError(
        .usage, "\(run) was begun by salad \(version) and this is \(saladVersion): resume it with salad \(version)")
    }
    var comparable = configuration
    if configuration.rounds > self.configuration.rounds { comparable.rounds = self.configuration.rounds }
    let differences = comparable.differences(from: self.configuration)
    guard differences.isEmpty else {
      let list = differences.map { "\($0.flag) \($0.theirs), not \($0.ours)" }.joined(separator: ", ")
      throw SaladError(.usage, "\(run) was begun with \(list): leave the flag away, or give another --run")
    }
  }

  /// The data set's folder of a resume that names none.
  public func dataPath(run: String) -> String {
    RelativePath.resolve(data.path, from: run)
  }
}

/// Paths that hold no absolute one, so that folders can move together.
enum RelativePath {
  /// `target` as seen from the folder `base`, links resolved: `../phantoms`.
  static func of(_ target: String, from base: String) -> String {
    let target = components(target)
    let base = components(base)
    let common = zip(target, base).prefix { $0 == $1 }.count
    let path = Array(repeating: "..", count: base.count - common) + target[common...]
    return path.isEmpty ? "." : path.joined(separator: "/")
  }

  static func resolve(_ path: String, from base: String) -> String {
    "/" + normalised(components(base) + path.split(separator: "/").map(String.init)).joined(separator: "/")
  }

  private static func components(_ path: String) -> [String] {
    URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
      .split(separator: "/").map(String.init)
  }

  private static func normalised(_ components: [String]) -> [String] {
    var result: [String] = []
    for component in components {
      switch component {
      case ".": continue
      case "..": _ = result.popLast()
      default: result.append(component)
      }
    }
    return result
  }
}
