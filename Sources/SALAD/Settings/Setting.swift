import Autoencoder
import Foundation
import Radiographs

/// One setting of a training: all that is known of it, declared once.
///
/// The command line's option and its help, a configuration file's key, an environment variable, the comparison of a
/// resume, the origins in `config.json` and the table in docs/configuration.md are made of it.
public struct Setting: Sendable {
  /// What a setting is about: the sections of help and documentation.
  public enum Group: String, Sendable, CaseIterable {
    case network = "Network"
    case images = "Images"
    case augmentation = "Augmentation"
    case training = "Training"
    case bank = "Memory bank"
    case scoring = "Scoring"
    case calibration = "Calibration"
  }

  /// What text gives it.
  public enum Kind: Sendable, Equatable {
    /// On or off.
    case flag
    /// One of these words.
    case choice([String])
    /// Text as these words describe it.
    case text(String)
  }

  typealias Path<Value> = any WritableKeyPath<Configuration, Value> & Sendable

  /// As `config.json` has it: `batch_size`.
  public let key: String
  public let kind: Kind
  public fileprivate(set) var group = Group.network
  /// Whether `salad help train` leaves it to `salad help train --all`.
  public private(set) var isRare = false
  /// What it does, as a sentence.
  public let help: String
  /// Whether it stands for several others, which a configuration then holds in its place.
  public private(set) var isShorthand = false
  /// In words, where it is no fixed value.
  private var defaultInWords: String?
  let range: NumberRange<Configuration>?
  private let read: @Sendable (String, inout Configuration) -> Bool
  private let write: @Sendable (Configuration) -> String

  private init(
    _ key: String, _ kind: Kind, _ help: String, range: NumberRange<Configuration>? = nil,
    read: @escaping @Sendable (String, inout Configuration) -> Bool,
    write: @escaping @Sendable (Configuration) -> String
  ) {
    (self.key, self.kind, self.help) = (key, kind, help)
    (self.range, self.read, self.write) = (range, read, write)
  }

  /// As the command line and a configuration file have it: `batch-size`.
  public var name: String { key.replacingOccurrences(of: "_", with: "-") }
  /// `--batch-size`.
  public var flag: String { "--" + name }

  /// What a configuration without it has, for people.
  public var defaultText: String { defaultInWords ?? text(of: Configuration()) }

  /// What may be given, for people: `pad or stretch`.
  public var words: String {
    switch kind {
    case .flag: "true or false"
    case .choice(let words): words.dropLast().joined(separator: ", ") + " or " + words[words.count - 1]
    case .text(let words): words
    }
  }

  /// Its value as text.
  public func text(of configuration: Configuration) -> String { write(configuration) }

  /// Gives it the value that a text says.
  ///
  /// - Returns: false where the text is none of its values; ranges are `Configuration.validate`'s.
  public func set(_ text: String, in configuration: inout Configuration) -> Bool { read(text, &configuration) }

  // MARK: Changed

  /// Left to `salad help train --all`.
  var rare: Setting { changed { $0.isRare = true } }

  /// - Parameter words: such as `what the images need`.
  func byDefault(_ words: String) -> Setting { changed { $0.defaultInWords = words } }

  private func changed(_ change: (inout Setting) -> Void) -> Setting {
    var setting = self
    change(&setting)
    return setting
  }
}

// MARK: - Kinds of settings

extension Setting {
  /// One of the words of an enumeration.
  static func choice<T: RawRepresentable<String> & CaseIterable & Sendable>(
    _ key: String, _ path: Path<T>, _ help: String,
    also: @escaping @Sendable (T, inout Configuration) -> Void = { _, _ in }
  ) -> Setting {
    Setting(key, .choice(T.allCases.map(\.rawValue)), help) { text, configuration in
      guard let value = T(rawValue: text) else { return false }
      also(value, &configuration)
      configuration[keyPath: path] = value
      return true
    } write: {
      $0[keyPath: path].rawValue
    }
  }

  /// On or off.
  static func onOrOff(_ key: String, _ path: Path<Bool>, _ help: String) -> Setting {
    Setting(key, .flag, help) { text, configuration in
      guard let value = Bool(text) else { return false }
      configuration[keyPath: path] = value
      return true
    } write: {
      "\($0[keyPath: path])"
    }
  }

  /// One of some whole numbers.
  static func oneOf(_ key: String, _ path: Path<Int>, _ choices: [Int], _ help: String) -> Setting {
    number(key, path, .choice(flag(key), path, choices), help)
  }

  /// A whole number.
  static func whole(_ key: String, _ path: Path<Int>, _ range: ClosedRange<Int>, _ help: String) -> Setting {
    number(key, path, .whole(flag(key), path, range), help)
  }

  /// A whole number that a configuration may be without.
  ///
  /// - Parameter absent: what it then is.
  static func whole(
    _ key: String, _ path: Path<Int?>, absent: Int, _ range: ClosedRange<Int>, _ help: String
  ) -> Setting {
    number(key, path, absent: { _ in absent }, .whole(flag(key), path, range), help)
  }

  /// A number.
  static func number(
    _ key: String, _ path: Path<Double>, in range: some RangeExpression<Double> & Sendable, _ words: String,
    _ help: String
  ) -> Setting {
    number(key, path, .number(flag(key), path, in: range, words), help)
  }

  /// A number that a configuration may be without.
  static func number(
    _ key: String, _ path: Path<Double?>, absent: Double, in range: some RangeExpression<Double> & Sendable,
    _ words: String, _ help: String
  ) -> Setting {
    number(key, path, absent: { _ in absent }, .number(flag(key), path, in: range, words), help)
  }

  /// What determines random draws.
  static func seed(_ key: String, _ path: Path<UInt64>, _ help: String) -> Setting {
    number(key, path, .any(flag(key), Ranges.seed), help)
  }

  /// The same of what may be left to another one.
  static func seed(
    _ key: String, _ path: Path<UInt64?>, absent: @escaping @Sendable (Configuration) -> UInt64, _ help: String
  ) -> Setting {
    number(key, path, absent: absent, .any(flag(key), Ranges.seed), help)
  }

  /// Augmentation by name, which sets all of its strengths.
  static func augmentation(_ key: String, _ help: String) -> Setting {
    let presets = [("none", Augmentation.none), ("flip", .flip), ("standard", .standard)]
    var setting = Setting(key, .choice(presets.map(\.0)), help) { text, configuration in
      guard let preset = presets.first(where: { $0.0 == text }) else { return false }
      configuration.augmentation = preset.1
      return true
    } write: { configuration in
      presets.first { $0.1 == configuration.augmentation }?.0 ?? "by its strengths"
    }
    setting.isShorthand = true
    return setting
  }

  /// Stages of the encoder.
  static func levels(_ key: String, _ path: Path<Levels>, _ words: String, _ help: String) -> Setting {
    Setting(key, .text(words), help) { text, configuration in
      configuration[keyPath: path] = Levels(text)
      return true
    } write: {
      "\($0[keyPath: path])"
    }
  }

  private static func number<T: LosslessStringConvertible & Sendable>(
    _ key: String, _ path: Path<T>, _ range: NumberRange<Configuration>, _ help: String
  ) -> Setting {
    Setting(key, .text(range.words), help, range: range) { text, configuration in
      guard let value = T(text) else { return false }
      configuration[keyPath: path] = value
      return true
    } write: {
      "\($0[keyPath: path])"
    }
  }

  private static func number<T: LosslessStringConvertible & Sendable>(
    _ key: String, _ path: Path<T?>, absent: @escaping @Sendable (Configuration) -> T,
    _ range: NumberRange<Configuration>, _ help: String
  ) -> Setting {
    Setting(key, .text(range.words), help, range: range) { text, configuration in
      guard let value = T(text) else { return false }
      configuration[keyPath: path] = value
      return true
    } write: {
      "\($0[keyPath: path] ?? absent($0))"
    }
  }

  private static func flag(_ key: String) -> String { "--" + key.replacingOccurrences(of: "_", with: "-") }
}

// MARK: - All of them

extension Setting {
  /// Every setting of a training, by groups.
  public static let all: [Setting] = table.flatMap { group, settings in
    settings.map { setting in setting.changed { $0.group = group } }
  }

  /// Those of a group.
  public static func all(of group: Group) -> [Setting] { all.filter { $0.group == group } }
}
