/// Where each of a run's settings comes from, for whoever reads `config.json` later: nothing is computed of it.
///
///     "size": "file chest.toml", "rounds": "command line", "seed": "environment SALAD_SEED", "channels": "default"
public struct Origins: Codable, Sendable, Equatable {
  /// In words, by the setting's key.
  public private(set) var words: [String: String]

  /// What was said, and how.
  ///
  /// - Parameters:
  ///   - given: in words, by the key of what was given; `recipe` and shorthands among them.
  ///   - recipe: what the settings start from, if it was given.
  public init(given: [String: String], recipe: Recipe?) {
    let start = recipe.map { "recipe \($0.rawValue)" } ?? "default"
    words = [:]
    for setting in Setting.all where !setting.isShorthand {
      words[setting.key] = given[setting.key] ?? setting.leader.flatMap { given[$0] } ?? start
    }
    for key in Execution.CodingKeys.allCases { words[key.rawValue] = given[key.rawValue] ?? "default" }
  }

  /// Of a run that goes on: what now has another value was given now.
  mutating func update(given: [String: String], from old: Configuration, to new: Configuration) {
    for setting in Setting.all where setting.text(of: old) != setting.text(of: new) {
      if let origin = given[setting.key], words[setting.key] != nil { words[setting.key] = origin }
    }
    for key in Execution.CodingKeys.allCases {
      if let origin = given[key.rawValue] { words[key.rawValue] = origin }
    }
  }

  /// Says that a setting was read off the images.
  mutating func measured(_ key: String) { if words[key] == "default" { words[key] = "measured on the images" } }

  public init(from decoder: any Decoder) throws {
    words = try decoder.singleValueContainer().decode([String: String].self)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(words)
  }
}

extension Setting {
  /// The key of the setting that sets this one where it is not given itself.
  fileprivate var leader: String? { group == .augmentation && !isShorthand ? "augmentation" : nil }
}
