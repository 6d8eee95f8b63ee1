import Safetensors

extension NetworkConfiguration {
  /// The network whose weights the file holds, by the names and shapes of a few tensors; `Replica.loadModel` checks the
  /// rest.
  ///
  /// - Parameter size: S. A `unet`'s weights tell it, a `resnet18`'s do not and want it given.
  /// - Throws: `AutoencoderError`, naming the file, when it is no such network or one of another size.
  public init(recognising file: SafetensorsFile, size: Int?) throws {
    func shape(_ name: String, sides: Int) -> [Int]? {
      file.tensors.first { $0.name == name && $0.shape.count == sides }?.shape
    }
    let centre: Centre = shape(Centring.name + ".running_mean", sides: 1) == nil ? .none : .batch
    if let feat = shape("feat.weight", sides: 4), let first = shape("input.conv.0.weight", sides: 4) {
      let found = 64 * min(feat[2], 1 << 20)
      guard size == nil || size == found else {
        throw AutoencoderError(
          .badData, "\(file.path): expected a unet for images of \(size!) pixels, found one for \(found).")
      }
      self.init(
        architecture: .unet, size: found, channels: first[1], maximumWidth: feat[1], embeddingDimension: feat[0],
        centre: centre)
    } else if let fc = shape("encoder.fc.weight", sides: 2), let first = shape("encoder.conv1.weight", sides: 4) {
      guard let size else {
        throw AutoencoderError(
          .refused,
          "\(file.path): a resnet18's weights do not tell the side of the images it was trained on: give --size.")
      }
      self.init(
        architecture: .resnet18, size: size, channels: first[1], maximumWidth: fc[1], embeddingDimension: fc[0],
        centre: centre)
    } else {
      let names = file.tensors.prefix(3).map(\.name).joined(separator: ", ")
      throw AutoencoderError(
        .badData,
        "\(file.path): expected a unet's (feat.weight, ...) or a resnet18's (encoder.conv1.weight, ...) weights, found "
          + "\(file.tensors.count) tensors (\(names) ...).")
    }
    guard [64, 128, 256, 512].contains(self.size), [1, 3].contains(channels), (1...1024).contains(maximumWidth),
      (2...4096).contains(embeddingDimension)
    else {
      throw AutoencoderError(
        .badData,
        "\(file.path): expected a network of sizes that can be, found one for \(self.size) x \(self.size) pixels, "
          + "\(channels) channels, at most \(maximumWidth) wide, \(embeddingDimension) dimensions.")
    }
  }
}
