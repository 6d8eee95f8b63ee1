import Pages
import Radiographs

/// Pictures as the network sees them, only larger. Local.
struct ExamplePictures {
  /// Pixels a side.
  private static let side = 192

  private let preparation: Preparation
  /// The folder of the training images' names; nil: they cannot be shown.
  private let trainingRoot: String?

  /// - Parameters:
  ///   - preparation: the network's.
  ///   - trainingRoot: the folder of the training images' names; nil: they cannot be shown.
  init(preparation: Preparation, trainingRoot: String?) {
    var larger = preparation
    larger.side = Self.side
    self.preparation = larger
    self.trainingRoot = trainingRoot
  }

  /// nil where the file cannot be read: a page without one of its pictures is a page still.
  func test(_ path: String, caption: String) -> Pages.Picture? {
    picture(path, description: "test image as the network sees it", caption: caption)
  }

  /// The training image of that name; nil where it cannot be shown.
  func training(_ name: String, caption: String) -> Pages.Picture? {
    trainingRoot.flatMap {
      picture("\($0)/\(name)", description: "training image as the network sees it", caption: caption)
    }
  }

  private func picture(_ path: String, description: String, caption: String) -> Pages.Picture? {
    guard let image = try? preparation(Radiograph(contentsOf: path)), let png = try? image.png(path: path) else {
      return nil
    }
    return Pages.Picture(
      png: png, width: image.width, height: image.height, description: description, caption: caption)
  }
}
