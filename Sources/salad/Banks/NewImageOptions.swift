import ArgumentParser
import SALAD

extension KnownImages: ExpressibleByArgument {}

/// Images that are to become rows or features.
struct NewImageOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("Images, folders of them, and - for paths on standard input.", valueName: "images"))
  var images: [String] = []

  @Option(help: ArgumentHelp("A data set whose normal training images are taken.", valueName: "dir"))
  var data: String?

  @OptionGroup(title: "Which images") var selection: DataOptions

  @Option(
    help: ArgumentHelp(
      "Whose the images are, all of them. (default: as their names or the data set tell)", valueName: "patient"))
  var patient: String?

  @Option(help: "What to do about an image that is there already: end, or leave it out and name it.")
  var known = KnownImages.fail

  @Option(help: "What to do about an image that cannot be read: end, or leave it out and name it.")
  var badImages = BadImages.fail

  func validate() throws {
    guard images.isEmpty != (data == nil) else {
      throw ValidationError("give either images or --data, a data set of them")
    }
    guard patient == nil || data == nil else {
      throw ValidationError("--patient goes with images: of a data set, leave it away")
    }
  }

  var source: NewImageSource {
    data.map { .data(selection.request($0)) } ?? .files(images, patient: patient)
  }
}
