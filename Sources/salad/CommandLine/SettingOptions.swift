import ArgumentParser
import SALAD

/// The settings that one of the sections of help shows.
protocol SettingSection {
  static var group: Setting.Group { get }
}

enum NetworkSection: SettingSection { static let group = Setting.Group.network }
enum ImagesSection: SettingSection { static let group = Setting.Group.images }
enum AugmentationSection: SettingSection { static let group = Setting.Group.augmentation }
enum TrainingSection: SettingSection { static let group = Setting.Group.training }
enum BankSection: SettingSection { static let group = Setting.Group.bank }
enum ScoringSection: SettingSection { static let group = Setting.Group.scoring }
enum CalibrationSection: SettingSection { static let group = Setting.Group.calibration }

/// An option for each setting of a section, made of `Setting`'s table.
///
/// The parser finds out about options by looking at an empty value's mirror, and gives each its value by the name that it
/// has there: a mirror of a table and a decoder that asks for the table's names are to it what properties would be.
struct SettingOptions<Section: SettingSection>: ParsableArguments, CustomReflectable {
  /// Texts that were given, by the setting's key.
  private(set) var given: [String: String] = [:]

  private static var settings: [Setting] { Setting.all(of: Section.group) }

  init() {}

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    for setting in Self.settings {
      let name = Name(stringValue: setting.key)
      given[setting.key] =
        setting.kind == .flag
        ? try container.decode(Flag<Bool?>.self, forKey: name).wrappedValue.map { "\($0)" }
        : try container.decode(Option<String?>.self, forKey: name).wrappedValue
    }
  }

  var customMirror: Mirror {
    Mirror(self, children: Self.settings.map { (label: $0.key, value: Self.option($0)) })
  }

  private static func option(_ setting: Setting) -> Any {
    let name = NameSpecification.customLong(setting.name)
    let help = ArgumentHelp(
      "\(setting.help) (\(choices(setting))default: \(setting.defaultText))",
      visibility: setting.isRare ? .hidden : .default)
    guard setting.kind != .flag else { return Flag<Bool?>(name: name, inversion: .prefixedNo, help: help) }
    return Option<String?>(name: name, help: help, completion: completion(setting)) { text in
      var configuration = Configuration()
      guard setting.set(text, in: &configuration) else { throw ValidationError("give \(setting.words)") }
      return text
    }
  }

  private static func choices(_ setting: Setting) -> String {
    guard case .choice(let words) = setting.kind else { return "" }
    return "values: \(words.joined(separator: ", ")); "
  }

  private static func completion(_ setting: Setting) -> CompletionKind? {
    guard case .choice(let words) = setting.kind else { return nil }
    return .list(words)
  }

  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

struct RecipeOptions: ParsableArguments {
  @Option(help: "Where the settings start from: what worked best in our trials, or the published code's.")
  var recipe: Recipe?
}

/// What a training computes. All are optional: those given override the recipe, or a resumed run's settings.
struct ConfigurationOptions: ParsableArguments {
  @OptionGroup(title: "Recipe") var start: RecipeOptions
  @OptionGroup(title: "Network") var network: SettingOptions<NetworkSection>
  @OptionGroup(title: "Images") var images: SettingOptions<ImagesSection>
  @OptionGroup(title: "Augmentation") var augmentation: SettingOptions<AugmentationSection>
  @OptionGroup(title: "Training") var training: SettingOptions<TrainingSection>
  @OptionGroup(title: "Memory bank") var bank: SettingOptions<BankSection>
  @OptionGroup(title: "Scoring") var scoring: SettingOptions<ScoringSection>
  @OptionGroup(title: "Calibration") var calibration: SettingOptions<CalibrationSection>

  var recipe: Recipe? { start.recipe }

  static let numbers = Setting.all.filter { $0.kind != .flag }.map { NumberDescription($0.flag, $0.words) }

  /// Texts that were given, by the setting's key.
  var given: [String: String] {
    let sections = [
      network.given, images.given, augmentation.given, training.given, bank.given, scoring.given, calibration.given,
    ]
    return sections.reduce(into: [:]) { all, section in all.merge(section) { _, new in new } }
  }

  /// Overrides what the command line names, and nothing else.
  func apply(to configuration: inout Configuration) {
    if let recipe {
      // What was measured on a run's images is no recipe's.
      let greyRange = configuration.greyRange
      configuration = recipe.configuration
      configuration.greyRange = greyRange
    }
    let given = given
    for setting in Setting.all {
      // The parser has refused text that is no value.
      if let text = given[setting.key] { _ = setting.set(text, in: &configuration) }
    }
  }
}
