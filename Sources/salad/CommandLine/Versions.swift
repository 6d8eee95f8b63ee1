import Autoencoder
import Foundation
import MPI
import MemoryBank
import Platform
import SALAD

/// `salad --version --verbose`: what a report of a fault should carry.
enum Versions {
  /// - Parameter words: of the command line, without the program.
  /// - Returns: nil where something else is asked for.
  static func text(_ words: [String]) -> String? {
    guard words.count == 2, Set(words) == ["--version", "--verbose"] else { return nil }
    let blas = (try? PeakProduct())?.library ?? "none found (only salad bench and doctor want it)"
    let rows = [
      ("salad", saladVersion),
      ("MPI", MPIEnvironment.libraryVersion),
      ("oneDNN", "\(OneDNN.version), instructions as \(OneDNN.instructionSet)"),
      ("BLAS", blas),
      ("C library", CLibrary.version),
      ("Swift", swiftVersion),
      ("CPU", "\(Host.cpu("model name") ?? "unknown"), \(Host.hardwareThreads) threads"),
      ("kernels", level),
      ("system", ProcessInfo.processInfo.operatingSystemVersionString),
    ]
    let width = rows.map { $0.0.count }.max() ?? 0
    return rows.map { name, value in
      name + String(repeating: " ", count: width - name.count + 2) + value + "\n"
    }.joined()
  }

  private static var level: String {
    let best = CPULevel.best.rawValue
    guard let wanted = Host.variable("SALAD_CPU"), !wanted.isEmpty else { return best }
    return CPULevel.isHeld
      ? "\(CPULevel.inUse.rawValue), of \(best) (SALAD_CPU)" : "\(best) (not SALAD_CPU, \(PlainText.of(wanted)))"
  }

  /// Of the compiler, as far as it can be asked of.
  private static var swiftVersion: String {
    #if compiler(>=6.4)
      "6.4 or newer"
    #elseif compiler(>=6.3)
      "6.3"
    #elseif compiler(>=6.2)
      "6.2"
    #else
      "6.1"
    #endif
  }
}
