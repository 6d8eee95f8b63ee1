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

  /// White where the image is oddest, black where it is not odd at all; nil where there is no heat map.
  func heatMap(_ explanation: Explanation) -> Pages.Picture? {
    guard let heatMap = explanation.heatMap else { return nil }
    let most = max(heatMap.values.max() ?? 0, .leastNormalMagnitude)
    let image = Radiograph(
      width: heatMap.side, height: heatMap.side, pixels: .float(heatMap.values.map { max(0, $0) / most }))
    return picture(
      image.resized(to: min(heatMap.side, Self.side), fit: .stretch),
      description: "heat map: white where the test image is oddest", caption: "heat map: white is oddest")
  }

  private func picture(_ image: Radiograph, description: String, caption: String) -> Pages.Picture? {
    guard let png = try? image.png(path: caption) else { return nil }
    return Pages.Picture(
      png: png, width: image.width, height: image.height, description: description, caption: caption)
  }
}
