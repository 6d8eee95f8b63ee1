import Autoencoder
import Foundation
import Radiographs
import Testing

@testable import SALAD

@Suite("Settings")
struct SettingTests {
  @Test("Every key of a configuration is a setting's, once")
  func keys() {
    let keys = Setting.all.map(\.key)
    #expect(Set(keys).count == keys.count)
    let strengths = ["flip", "rotation", "scale", "shift", "contrast", "brightness", "gamma", "noise"]
    #expect(Set(keys) == Set(Configuration.CodingKeys.allCases.map(\.rawValue) + strengths))
    for setting in Setting.all {
      #expect(setting.flag == "--" + setting.key.replacingOccurrences(of: "_", with: "-"))
      #expect(setting.help.hasSuffix(".") && !setting.words.isEmpty, "\(setting.key)")
    }
  }

  @Test("What a setting says, it takes", arguments: Recipe.allCases)
  func roundTrip(recipe: Recipe) {
    let original = recipe.configuration
    var copy = Configuration()
    for setting in Setting.all where !setting.isShorthand {
      #expect(setting.set(setting.text(of: original), in: &copy), "\(setting.key)")
    }
    #expect(copy.settings == original.settings)
    #expect(copy.augmentation == original.augmentation)
  }

  @Test("A run is known again by the texts that earlier versions wrote")
  func texts() {
    #expect(
      Configuration().settings == [
        "aggregation_weight": "1.0", "anchor_rate": "0.1", "architecture": "unet", "bad_images": "fail",
        "bank_start": "pass", "batch_size": "32", "border_mask": "0.0", "brightness": "0.17", "centre": "batch",
        "channels": "1", "contrast": "0.25", "embedding_dimension": "200", "epochs_per_round": "4",
        "exposure_damping": "0.5", "false_alarm_rate": "0.05", "feature_scale": "root", "fit": "pad", "flip": "true",
        "gamma": "0.0", "grey_range": "65535", "learning_rate": "0.0001", "learning_rate_decay": "none",
        "levels": "e3,e4,e5", "max_width": "1024", "micro_batch": "8", "momentum": "0.5", "neighbours": "10",
        "noise": "0.0", "precision": "float32", "reconstruction_loss": "l1", "reconstruction_weight": "1.0",
        "reduction": "exact", "rotation": "8.0", "rounds": "3", "scale": "0.1", "score_rule": "weighted-distance",
        "score_temperature": "1.0", "seed": "0", "shift": "0.035", "size": "128", "temperature": "0.1",
        "threads_per_micro_batch": "1", "top_k": "30",
        "validation_fraction": "0.0", "validation_seed": "0", "weight_decay": "1e-06",
      ])
  }

  @Test("A network brings its levels, unless it has those that are wanted")
  func architecture() throws {
    let setting = try #require(Setting.all.first { $0.key == "architecture" })
    var configuration = Configuration()
    #expect(setting.set("resnet18", in: &configuration))
    #expect(configuration.levels == Architecture.resnet18.defaultLevels)
    #expect(!setting.set("resnet", in: &configuration))
  }

  @Test("Where settings come from is told by key, and a resume changes what it changes")
  func origins() {
    let given = ["size": "command line", "augmentation": "file chest.toml", "rotation": "environment SALAD_ROTATION"]
    var origins = Origins(given: given, recipe: .published)
    #expect(origins.words["size"] == "command line" && origins.words["rounds"] == "recipe published")
    #expect(origins.words["shift"] == "file chest.toml" && origins.words["rotation"] == "environment SALAD_ROTATION")
    #expect(origins.words["augmentation"] == nil && origins.words["keep"] == "default")
    let old = Recipe.published.configuration
    var new = old
    new.rounds = 20
    origins.update(given: ["rounds": "command line", "size": "other", "keep": "command line"], from: old, to: new)
    #expect(origins.words["rounds"] == "command line" && origins.words["size"] == "command line")
    #expect(origins.words["keep"] == "command line")
    var plain = Origins(given: [:], recipe: nil)
    plain.measured("grey_range")
    #expect(plain.words["grey_range"] == "measured on the images" && plain.words["size"] == "default")
  }
}
