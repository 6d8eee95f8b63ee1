import ArgumentParser
import Autoencoder
import MemoryBank
import Radiographs
import SALAD

struct Import: ParsableCommand, NumbersDescribed {
  static let configuration = CommandConfiguration(
    abstract: "Make a deployment of weights trained elsewhere, such as a published PyTorch checkpoint.",
    discussion: """
      MODEL must hold exactly the tensors of a unet or resnet18 of this project, under the published modules' names. \
      Examples/convert_pth.py turns a .pth file into such a .safetensors file. The memory bank is given, or made of the \
      normal training images in DIR.

        python3 Examples/convert_pth.py published.pth model.safetensors
        salad import model.safetensors --output deploy --data /data/chest
        salad import model.safetensors --output deploy --bank bank.safetensors --levels z --score-rule mean-angle
      """)

  @Argument(help: ArgumentHelp("The weights, as safetensors.", valueName: "model.safetensors"))
  var model: String

  @Option(help: ArgumentHelp("The folder to make; it must not exist.", valueName: "deploy"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "A bank: the tensor `bank`, (rows, features) float32, unit rows where z scores.", valueName: "file.safetensors"))
  var bank: String?

  @Option(help: ArgumentHelp("The data set whose normal training images become the bank.", valueName: "dir"))
  var data: String?

  @Option(help: "Side of the images. (default: what a unet's weights tell; 256 for a resnet18)")
  var size: Int?

  @Option(help: "Images that one worker embeds together: part of what fixes an embedding's last bits.")
  var microBatch = Configuration().microBatch

  @Option(help: "How images that are not square become so.")
  var fit = Configuration().fit

  @Option(help: "Cover such a part of each side with black, for letters burned in there. (default: 0)")
  var borderMask: Double?

  @Option(help: "White in 16-bit files. (default: with --data what the largest value needs, otherwise 65535)")
  var greyRange: Int?

  @Option(help: "How distances become a score.")
  var scoreRule = Configuration().scoreRule

  @Option(help: "Prototypes looked up when scoring.")
  var topK = Configuration().topK

  @Option(
    help: """
      What describes an image: stages of the encoder between commas, whose maps are averaged, or z, the bottleneck. \
      (default: \(Levels.defaults))
      """)
  var levels: Levels?

  @Option(
    help: """
      Whether levels' means are compared as they are (linear) or by their square roots (root); of a --bank, which of \
      them it holds. (default with --data: \(Configuration().featureScale.rawValue))
      """)
  var featureScale: FeatureScale?

  @Option(
    help: """
      How much of the direction in which brightness, contrast and gamma move levels' means is taken out of them: 0 \
      nothing, 1 all; a --bank comes without images that would tell it. (default with --data: \
      \(Configuration().exposureDamping ?? 0))
      """)
  var exposureDamping: Double?

  @Option(help: "How evenly the nearest prototypes count: as multiples of the bank's own squared distances.")
  var scoreTemperature = Configuration().scoreTemperature

  @Option(help: "What to do about an image that cannot be read: end, or leave it out and name it.")
  var badImages = Configuration().badImages

  @OptionGroup var work: WorkOptions

  private var settings: Configuration {
    var configuration = Configuration()
    if let size { configuration.size = size }
    configuration.microBatch = microBatch
    configuration.batchSize = microBatch
    configuration.fit = fit
    configuration.borderMask = borderMask
    configuration.greyRange = greyRange
    if let featureScale { configuration.featureScale = featureScale }
    configuration.exposureDamping = exposureDamping ?? (bank == nil ? configuration.exposureDamping : nil)
    configuration.scoreRule = scoreRule
    configuration.topK = topK
    configuration.scoreTemperature = scoreTemperature
    configuration.badImages = badImages
    return configuration
  }

  static let numbers =
    NumberDescription.all(Configuration.ranges).filter {
      [
        "--size", "--micro-batch", "--border-mask", "--grey-range", "--exposure-damping", "--top-k",
        "--score-temperature",
      ].contains($0.flag)
    } + NumberDescription.work

  func validate() throws {
    guard (bank == nil) != (data == nil) else {
      throw ValidationError("give either --bank, a bank's file, or --data, the data set to make one of")
    }
    guard bank == nil || featureScale != nil || levels == .bottleneck else {
      throw ValidationError(
        "--feature-scale is missing: give root or linear, whichever the bank's means of levels are on (a deployment's "
          + "manifest.json tells)")
    }
    guard bank == nil || exposureDamping ?? 0 == 0 else {
      throw ValidationError(
        "--exposure-damping \(exposureDamping ?? 0) needs images in several exposures, and a --bank has none: give --data, or "
          + "leave it out")
    }
    var checked = settings
    // The network, and so its levels, are known once the weights are.
    if scoreRule.isAngular { checked.levels = levels ?? checked.levels }
    try asUsage { try checked.validate() }
  }

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, writes: true) { session in
      let model = try ModelImport(  // all ranks
        model: model, size: size, levels: levels, configuration: settings, workers: session.workers(work.workers),
        communicator: session.communicator, watchdog: session.watchdog, log: session.log)
      let source = bank.map(ModelImport.BankSource.file) ?? .data(data ?? "")
      let rows = try model.write(bank: source, to: output)  // all ranks
      session.log.note("\(output) holds the model \(self.model) and a bank of \(rows) rows")
      return .success
    }
  }
}
