import Autoencoder

extension InitialWeights {
  /// One sentence for each list that is not empty, modules with the number of their tensors.
  var sentences: [String] {
    [("used", used), ("left in the file", left), ("missing, so they start at random", missing)].compactMap {
      what, names in
      guard !names.isEmpty else { return nil }
      // "encoder.layer1" of "encoder.layer1.0.conv1.weight", "layer1" of "layer1.0.conv1.weight".
      let modules = names.map { name in
        let parts = name.split(separator: ".")
        return parts.dropLast().prefix(["encoder", "decoder"].contains(parts[0]) ? 2 : 1).joined(separator: ".")
      }
      let counts = Dictionary(modules.map { ($0, 1) }, uniquingKeysWith: +).sorted { $0.key < $1.key }
      let list = counts.map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
      return "initial weights: \(names.count) tensors \(what): \(list)"
    }
  }
}
