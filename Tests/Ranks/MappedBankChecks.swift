import Foundation
import MPI
import MemoryBank
import Platform
import RanksSupport
import SALAD

/// Checks of a deployment's bank while it is in use.
enum MappedBankChecks {
  static let all = [
    // deployed-bank DEPLOY: tells whether the rows of each rank are searched where the file is mapped.
    Check("deployed-bank") { facts in
      try use(facts.arguments[0], &facts) { bank, facts in
        let isMapped = hasMapped("/bank.safetensors", getpid())
        let mapped = try facts.world.allGatherV([UInt8(isMapped ? 1 : 0)]).flatMap { $0 }
        if facts.rank == 0 { print(mapped.map { $0 == 1 ? "mapped" : "copied" }.joined(separator: " ")) }
      }
    },
    // overwrite-bank DEPLOY: somebody writes into the bank's file; what is found after that is refused.
    Check("overwrite-bank") { facts in
      try use(facts.arguments[0], &facts) { bank, facts in
        try agree(facts.world) { try bank.checkUnchanged() }
        if facts.rank == 0 {
          let file = try FileHandle(forWritingTo: URL(fileURLWithPath: facts.arguments[0] + "/bank.safetensors"))
          try file.seek(toOffset: file.seekToEnd() - 1)
          try file.write(contentsOf: [0])
        }
        try facts.world.barrier()
        try agree(facts.world) { try bank.checkUnchanged() }
      }
    },
    // cut-bank DEPLOY: somebody cuts the bank's file short before its rows are read.
    Check("cut-bank") { facts in
      try use(facts.arguments[0], &facts) { bank, facts in
        if facts.rank == 0 {
          let file = try FileHandle(forWritingTo: URL(fileURLWithPath: facts.arguments[0] + "/bank.safetensors"))
          try file.truncate(atOffset: 0)
        }
        try facts.world.barrier()
        facts.expect(bank.shard.count > 0, "the rows can still be read")
      }
    },
  ]

  /// All ranks. Opens the deployment and hands over its bank.
  private static func use(
    _ path: String, _ facts: inout Facts, _ body: (MemoryBank, inout Facts) throws -> Void
  ) throws {
    try CheckpointChecks.outcome(&facts) { facts in
      let source = try ModelSource.open(path, bank: nil, communicator: facts.world)
      let bank = try source.bank(of: source.models[0], workers: Workers(count: 1), communicator: facts.world)
      try withExtendedLifetime(bank) { try body(bank, &facts) }
    }
  }
}
