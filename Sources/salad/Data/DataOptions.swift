import ArgumentParser
import Radiographs
import SALAD

extension DataLayout: ExpressibleByArgument {}

/// Words between commas: `PA,AP`.
struct WordList: ExpressibleByArgument {
  var words: [String]

  init?(argument: String) {
    // Findings have spaces within, as in `Pleural Thickening`; none are wanted around a comma.
    words = argument.split(separator: ",", omittingEmptySubsequences: false).map {
      String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
    if words.contains("") { return nil }
  }
}

/// How a data set is laid out, and which of its images are wanted. A run remembers what it was begun with.
struct DataOptions: ParsableArguments {
  @Option(
    help: """
      How the data set is laid out: folder (train/good, test/...), nih (ChestX-ray14 as downloaded), mura (MURA-v1.1 as \
      downloaded) or csv (a table with columns path, split and label). (default: found by looking)
      """)
  var layout: DataLayout?

  @Option(help: ArgumentHelp("Only these parts of the body, such as wrist,hand of MURA.", valueName: "parts"))
  var bodyPart: WordList?

  @Option(help: ArgumentHelp("Only these views, such as PA,AP of NIH ChestX-ray14.", valueName: "views"))
  var view: WordList?

  @Option(help: ArgumentHelp("Of the anomalous test images only those that show one of these.", valueName: "kinds"))
  var labels: WordList?

  @Option(help: "At most so many training and so many test images, spread evenly over those sorted by path.")
  var limit: Int?

  private static let ranges: [NumberRange<Self>] = [.whole("--limit", \.limit, 1 ... .max)]
  static let numbers = NumberDescription.all(ranges)

  func validate() throws {
    for range in Self.ranges { try asUsage { try range.validate(self) } }
  }

  /// The data set at `path` as the command line wants it.
  func request(_ path: String?) -> DataRequest {
    let (layout, limit) = (layout, limit)
    let (bodyParts, views, labels) = (bodyPart?.words, view?.words, labels?.words)
    return DataRequest(path) { selection in
      if let layout { selection.layout = layout }
      if let bodyParts { selection.bodyParts = bodyParts }
      if let views { selection.views = views }
      if let labels { selection.labels = labels }
      if let limit { selection.limit = limit }
    }
  }
}
