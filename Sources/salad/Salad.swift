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
        salad status run                        # how far is it?
        mpirun -n 2 salad evaluate run --data phantoms
        mpirun -n 2 salad score run phantoms/test --csv > scores.csv
        salad merge run --output deploy         # one model and one bank
        salad score deploy phantoms/test
        salad calibrate deploy --data normals --output deploy-here         # for another hospital
        salad serve deploy                      # a server, and a page to drop images on
        salad data phantoms                     # what is in a data set, and what is odd about it?
        salad doctor                            # is this machine, or this cluster, fit for it?
        salad bank remove deploy --patient p7 --in-place   # who is normal there? Add, list, remove
        salad import weights.safetensors --output deploy --data phantoms   # trained elsewhere

      `salad help train` and so on say more, `salad help train --all` everything. Standard output carries only the \
      result.
      """,
    version: saladVersion,
    subcommands: [
      Train.self, Score.self, Evaluate.self, Merge.self, Calibrate.self, Import.self, PhantomCommand.self, Bench.self,
      Doctor.self, DataCommand.self, StatusCommand.self, BankCommand.self, Embed.self, ReportCommand.self,
      Explain.self,
    ] + serving)

  /// With the trait `Server`.
  private static var serving: [any ParsableCommand.Type] {
    #if Server
      [Serve.self, DecodeChildCommand.self]
    #else
      []
    #endif
  }

  static func main() {
    StandardStreams.claim()
    let words = Array(CommandLine.arguments.dropFirst())
    do {
      try Arguments.check()
      if let text = try HelpRequest(words)?.text() ?? Versions.text(words) {
        if Launch.speaks { try Console.output(text) }
        return
      }
      try carryOut(try invocation(words))
    } catch {
      end(with: error)
    }
  }

  /// With what files and the environment add. Other ranks may have others: they must hear of what is wrong here.
  private static func invocation(_ words: [String]) throws -> Invocation {
    do {
      return try Invocation(words)
    } catch let error as SaladError where Launcher().isConnected {
      Launch.onAllRanks(timeout: Execution().timeout, writes: false, failure: error) { _ in .success }
    }
  }

  private static func carryOut(_ invocation: Invocation) throws {
    if invocation.verbosity == .quiet { StandardStreams.beQuiet() }
    try Invocation.$current.withValue(invocation) {
      var command: any ParsableCommand
      do {
        command = try parseAsRoot(invocation.words)
      } catch {
        guard !invocation.origins.isEmpty, exitCode(for: error).rawValue != 0 else { throw error }
        let sentence = invocation.placing(
          Arguments.advice(on: message(for: error), words: ["salad"] + invocation.words))
        let failure = SaladError(.usage, sentence)
        guard Launcher().isConnected else { throw failure }
        Launch.onAllRanks(timeout: Execution().timeout, writes: false, failure: failure) { _ in .success }
      }
      do {
        if let level = invocation.value(of: "--cpu").flatMap(CPULevel.init) { try InstructionSet.hold(level) }
      } catch let error as SaladError where Launcher().isConnected {
        Launch.onAllRanks(timeout: Execution().timeout, writes: false, failure: error) { _ in .success }
      }
      try command.run()
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
