import MPI
import Platform

/// Which vector instructions the ranks compute with: the last bits of results depend on it.
public enum InstructionSet {
  /// All ranks. Those of all ranks, without repetition: `avx512_bf16`, or `avx2, avx512` where they differ.
  public static func ofAllRanks(_ communicator: Communicator) throws -> [String] {
    let names = try communicator.allGatherV(Array(inUse.utf8)).map {  // all ranks
      String(decoding: $0, as: UTF8.self)
    }
    return Set(names).sorted()
  }

  /// Has this process use no more than `level`, whatever its CPU has. Before any kernel runs. Local.
  ///
  /// - Throws: `SaladError` 64 where the CPU has less.
  public static func hold(_ level: CPULevel) throws {
    guard level <= .best else {
      throw SaladError(
        .usage,
        "--cpu \(level.rawValue) is more than this CPU has, \(CPULevel.best.rawValue): give --cpu "
          + "\(CPULevel.best.rawValue) or less")
    }
    CPULevel.hold(level)
  }

  /// The level, and what oneDNN may use beyond it, as in `avx512_bf16+amx`. Local.
  public static var inUse: String {
    #if arch(x86_64)
      let flags = Set((Host.cpu("flags") ?? "").split(separator: " ").map(String.init))
      return name(.inUse, isHeld: CPULevel.isHeld, flags: flags)
    #elseif arch(arm64)
      return "arm64"
    #else
      return "unknown"
    #endif
  }

  /// - Parameter flags: the names that Linux gives to what an x86-64 CPU can do.
  static func name(_ level: CPULevel, isHeld: Bool, flags: Set<String>) -> String {
    let beyond: [CPULevel: (flag: String, name: String)] = [
      .baseline: ("avx", "avx"), .avx512BFloat16: ("amx_tile", "amx"),
    ]
    guard !isHeld, let beyond = beyond[level], flags.contains(beyond.flag) else { return level.rawValue }
    return "\(level.rawValue)+\(beyond.name)"
  }
}
