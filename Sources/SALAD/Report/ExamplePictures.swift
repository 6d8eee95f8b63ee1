import Pages
import Radiographs

/// Pictures as the network sees them, only larger. Local.
struct ExamplePictures {
  /// Pixels a side.
  private static let side = 192

  private let preparation: Preparation
  private let trainingRoot: String?
  private let ids: [String]
  private let shows: [PictureHash]?

  /// - Parameters:
  ///   - preparation: the network's.
  ///   - trainingRoot: the folder of the training images' names; nil: they cannot be shown.
  ///   - ids: N names of the training images.
  ///   - shows: what they showed when they were trained with; nil where that is not known.
  init(preparation: Preparation, trainingRoot: String?, ids: [String], shows: [PictureHash]?) {
    var larger = preparation
    larger.side = Self.side
    self.preparation = larger
    self.trainingRoot = trainingRoot
    self.ids = ids
    self.shows = shows
  }

  /// A test image; nil where the file cannot be read: a page without one of its pictures is a page still.
  func test(_ path: String, caption: String) -> Pages.Picture? {
    (try? Radiograph(contentsOf: path)).flatMap {
      picture(preparation($0), description: "test image as the network sees it", caption: caption)
    }
  }

  /// A training image; nil where it cannot be shown, or the file of its name shows another picture by now.
  func training(_ row: Int, caption: String) -> Pages.Picture? {
    guard let trainingRoot, let image = try? Radiograph(contentsOf: "\(trainingRoot)/\(ids[row])") else { return nil }
    if let shows, PictureHash(image).content != shows[row].content { return nil }
    return picture(preparation(image), description: "training image as the network sees it", caption: caption)
  }

  /// The image under its heat map; nil where there is none.
  func heatMap(_ explanation: Explanation) -> Pages.Picture? {
    guard let overlay = explanation.overlay(enlarged: explanation.image.map { max(1, Self.side / $0.width) } ?? 1),
      let method = explanation.heatMap?.method, let png = try? overlay.png(name: "heat map")
    else { return nil }
    let caption =
      method == .local
      ? "heat map: coloured where it differs from normal images" : "heat map: coloured where the score comes from"
    return Pages.Picture(
      png: png, width: overlay.width, height: overlay.height, description: "the test image under its heat map",
      caption: caption)
  }

  private func picture(_ image: Radiograph, description: String, caption: String) -> Pages.Picture? {
    guard let png = try? image.png(path: caption) else { return nil }
    return Pages.Picture(
      png: png, width: image.width, height: image.height, description: description, caption: caption)
  }
}
