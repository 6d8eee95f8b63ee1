import ArgumentParser
import MPI
import Radiographs
import SALAD

extension HeatMethod: ExpressibleByArgument {}

struct Explain: ParsableCommand, NumbersDescribed {
  static let configuration = CommandConfiguration(
    abstract: "Show the normal images behind a score, and where an image differs from what is normal.",
    discussion: """
      For each image: its score, the training images it was compared with (distance, and weight in the score), and a heat \
      map. With --output each is drawn beside its heat map and its nearest normal images.

        salad explain run image.png --output why
        salad explain deploy images/ --data phantoms --output why
        salad explain deploy images/ --data phantoms --json > why.jsonl
        salad explain deploy a.png --data phantoms --save-local deploy.local   # once, where the pictures are
        salad explain deploy a.png --local deploy.local                        # then without them
        salad merge run --local --output deploy                                # or kept in the deployment from the start
        mpirun -n 2 salad explain run --evaluate phantoms --method occlusion   # do heat maps find what masks mark?

      Heat maps (--method):

        local        the encoder's maps, place by place, against those of normal images: 1 is
                     typical of a normal image, 2 is twice as far from them
        gradient     how fast the score falls as a place moves towards the nearest normal images
        occlusion    how much the score falls when a place is painted over
        difference   how far each pixel is from that of the nearest normal image

      A heat map says where an image is unlike normal ones, not what is ill: docs/explain.md. Normal images are found in \
      the data set of the training, which a run remembers and a deployment wants as --data.
      """)

  @Argument(help: ArgumentHelp("A run, or what salad merge, import or calibrate made.", valueName: "run-or-deploy"))
  var model: String

  @Argument(
    help: ArgumentHelp(
      "Images (\(ImageFile.names)), folders of them, and - for paths on standard input.", valueName: "images"))
  var images: [String] = []

  @Option(help: ArgumentHelp("The data set of the training. (default: where the run had it)", valueName: "dir"))
  var data: String?

  @Option(help: "How the heat map is made: local, gradient, occlusion or difference. (default: local, where it can be)")
  var method: HeatMethod?

  @Option(help: ArgumentHelp("Normal images shown for each image and model, at most --top-k.", valueName: "count"))
  var nearest = 5

  @Option(help: ArgumentHelp("Draw the images into this folder, which is made.", valueName: "dir"))
  var output: String?

  @Flag(help: "Print one JSON object on one line for each image.")
  var json = false

  @Option(
    help: "Training images whose maps say what is normal at a place: spread evenly; more take more memory and time.")
  var localImages = LocalMemory.defaultImages

  @Option(
    help: ArgumentHelp(
      "Their maps, as --save-local wrote them. (default: those in the deployment, where merge --local put them)",
      valueName: "file"))
  var local: String?

  @Option(
    help: ArgumentHelp(
      "Write their maps to this file. They show outlines of the training images: keep it as those are kept.",
      valueName: "file"))
  var saveLocal: String?

  @Option(
    help: ArgumentHelp(
      "Instead of images: measure how well heat maps find what the masks of this data set's test images mark.",
      valueName: "dir"))
  var evaluate: String?

  @OptionGroup(title: "Which images") var selection: DataOptions
  @OptionGroup(title: "Which rows of several sites") var sites: SiteOptions
  @OptionGroup var scoring: ScoringOptions
  @OptionGroup var work: WorkOptions

  private static let ranges: [NumberRange<Self>] = [
    .whole("--nearest", \.nearest, 0...1000),
    .whole("--local-images", \.localImages, LocalMemory.imageCounts),
  ]
  static let numbers = NumberDescription.all(ranges) + ScoringOptions.numbers + DataOptions.numbers

  func validate() throws {
    for range in Self.ranges { try asUsage { try range.validate(self) } }
    guard evaluate == nil || images.isEmpty else {
      throw ValidationError("--evaluate measures a data set: give it, or images to explain")
    }
    guard evaluate != nil || !images.isEmpty || saveLocal != nil else {
      throw ValidationError("expected images to explain: give files or folders, or --evaluate with a data set")
    }
    guard evaluate == nil || output == nil else {
      throw ValidationError("--evaluate draws nothing: leave --output away")
    }
    guard local == nil || saveLocal == nil else {
      throw ValidationError("--local reads what --save-local wrote: give one of them")
    }
    guard saveLocal == nil || method == nil || method == .local else {
      throw ValidationError("--save-local is for heat maps of --method local: leave one of them away")
    }
  }

  func run() throws {
    Launch.onAllRanks(
      timeout: work.timeout ?? Execution().timeout, writes: output != nil || saveLocal != nil, explain)
  }

  /// All ranks.
  private func explain(_ session: Session) throws -> ExitStatus {
    let communicator = session.communicator
    try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return }
      if let output { try ExplanationFolder.refuseExisting(output) }
      if let saveLocal { try LocalMemory.refuseExisting(saveLocal) }
    }
    let paths =
      images.isEmpty ? [] : try ImagePaths.expand(images, communicator: communicator, log: session.log)  // all ranks
    let test = try evaluate.map {
      try ListedImages.test(  // all ranks
        of: $0, selection.request($0).selection(), communicator: communicator, log: session.log)
    }
    let loaded = try scoring.load(  // all ranks
      model, sites: sites, workers: work.workers, session: session)
    try loaded.scorer.checkSelf()  // all ranks
    let (explainer, method) = try prepare(loaded.source, loaded.scorer, session)  // all ranks
    if let test {
      guard let method else { throw SaladError(.usage, "\(model): no heat maps can be measured: \(Self.cure)") }
      let measured = try explainer.localisation(of: test, method: method)  // all ranks
      if communicator.isRoot { try Console.output(json ? measured.line() : measured.text) }
      return .success
    }
    try draw(paths, explainer, method, loaded.threshold, session)  // all ranks
    return .success
  }

  private static let cure = "give the data set of the training as --data, or another --method"

  /// All ranks. What explains the model's scores, and by which method.
  private func prepare(
    _ source: ModelSource, _ scorer: Scorer, _ session: Session
  ) throws -> (Explainer, HeatMethod?) {
    let wantsLocal = method == nil || method == .local
    // One that is to be saved is made anew.
    let ownsLocal = source.hasLocalBank && saveLocal == nil
    let normal = try NormalImages.find(  // all ranks
      source, selection.request(data ?? (source.kind == .deployment ? evaluate : nil)),
      communicator: session.communicator,
      note: { if local == nil && !ownsLocal || method == .difference { session.log.note($0) } })
    guard
      normal != nil
        || method != .difference
          && (!wantsLocal || local != nil || ownsLocal || method == nil && saveLocal == nil)
    else {
      throw SaladError(.usage, "\(model): the training images are not at hand: \(Self.cure)")
    }
    guard wantsLocal else { return (Explainer(scorer, normal: normal), method) }
    if let local {
      let memory = try LocalMemory(contentsOf: local, source, scorer)  // all ranks
      return (Explainer(scorer, local: memory, normal: normal), .local)
    }
    if ownsLocal, let memory = try LocalMemory.own(source, scorer) {  // all ranks
      return (Explainer(scorer, local: memory, normal: normal), .local)
    }
    guard let normal else {
      session.log.note("without the training images there are no heat maps: \(Self.cure)")
      return (Explainer(scorer), nil)
    }
    let memory = try LocalMemory(  // all ranks
      scorer, images: normal, most: localImages, patients: source.patients, host: session.host, log: session.log)
    if let saveLocal {
      try memory.save(to: saveLocal, source, scorer)  // all ranks
      session.log.note("\(saveLocal) holds the maps of \(memory.images.count) training images")
    }
    return (Explainer(scorer, local: memory, normal: normal), .local)
  }

  /// All ranks. Prints the explanations, and draws them where that is asked for.
  private func draw(
    _ paths: [String], _ explainer: Explainer, _ method: HeatMethod?, _ threshold: ConformalThreshold?,
    _ session: Session
  ) throws {
    let communicator = session.communicator
    let folder = try agree(communicator) {  // all ranks
      communicator.isRoot ? try output.map { try ExplanationFolder(creating: $0, images: paths.count) } : nil
    }
    do {
      try explainer.explain(  // all ranks
        paths.map(Picture.file), nearest: nearest, method: method, badImages: scoring.badImages ?? .fail,
        title: "explaining"
      ) { explanations in
        guard communicator.isRoot else { return }
        for explanation in explanations {
          var record = ExplanationRecord(explanation, rule: explainer.scorer.rule, threshold: threshold)
          try folder?.draw(explanation, &record, explainer.normal)
          if let error = record.error { session.log.note("skipped: \(error)") }
          try Console.output(json ? record.line() : record.text)
        }
      }
      try agree(communicator) { try folder?.finish() }  // all ranks
    } catch {
      folder?.remove()
      throw error
    }
  }
}
