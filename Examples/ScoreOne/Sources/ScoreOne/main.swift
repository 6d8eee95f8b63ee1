import MPI
import SALAD

func scoreOne(of deployment: String, _ image: String) throws {
  let environment = try MPIEnvironment()
  let scorer = try Scorer(deployment, communicator: environment.world)
  let threshold = scorer.scale.threshold()
  for image in try scorer.scores(of: [image]) {
    guard let score = image.score else { continue }
    print("\(image.path): score \(score), p-value \(threshold.pValue(of: score)), flagged \(threshold.flags(score))")
  }
  try environment.finalize()
}

guard CommandLine.arguments.count == 3 else { fatalError("usage: ScoreOne DEPLOY IMAGE") }
try scoreOne(of: CommandLine.arguments[1], CommandLine.arguments[2])
