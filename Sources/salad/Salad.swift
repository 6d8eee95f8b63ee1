import ArgumentParser
import Foundation
import Platform
import SALAD

@main
struct Salad: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "salad",
    abstract: "Learns what normal X-rays look like, and says how far a new one is from that.",
    discussion: """
      It trains on normal images alone (SALAD: self-supervised aggregation learning), remembers one prototype for each, \
      and scores an image by how far it lies from its nearest prototypes. Every verb runs alone or on many ranks under \
      mpirun, and the number of ranks changes no bit of the result.

        salad phantom phantoms                  # no data at hand? Draw some
        mpirun -n 2 salad train --data phantoms --run run
        mpirun -n 2 salad evaluate run --data phantoms
        mpirun -n 2 salad score run phantoms/test --csv > scores.csv
        salad merge run --output deploy         # one model and one bank
        salad score deploy phantoms/test
        salad calibrate deploy --data normals --output deploy-here         # for another hospital
        salad data phantoms                     # what is in a data set, and what is odd about it?
        salad doctor                            # is this machine, or this cluster, fit for it?
        salad import weights.safetensors --output deploy --data phantoms   # trained elsewhere

      `salad help train` and so on say more. Standard output carries only the result.
      """,
    version: saladVersion,
    subcommands: [
      Train.self, Score.self, Evaluate.self, Merge.self, Calibrate.self, Import.self, PhantomCommand.self, Bench.self,
      Doctor.self, DataCommand.self, Explain.self,
    ])

  static func main() {
    StandardStreams.claim()
    do {
      try Arguments.check()
      var command = try parseAsRoot()
      try command.run()
    } catch {
      end(with: error)
    }
  }

  /// Says what the command line asked for or what is wrong with it, once however many ranks there are.
  private static func end(with error: any Error) -> Never {
    var status = exitCode(for: error).rawValue
    if Launch.speaks {
      if status == 0 {
        do {
          try Console.output(fullMessage(for: error) + "\n")
        } catch {
          Console.complain("\(error)")
          status = ExitStatus.inputOutput.rawValue
        }
      } else {
        // The parser's own messages may have several lines.
        let message = error is SaladError ? "\(error)" : Arguments.advice(on: message(for: error))
        Console.complain(lines: message)
      }
    }
    Foundation.exit((error as? SaladError)?.status.rawValue ?? status)
  }
}
