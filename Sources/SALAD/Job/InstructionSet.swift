import MPI
import Platform

/// Which vector instructions the CPUs have: the libraries choose their kernels, and with them the last bits, by it.
public enum InstructionSet {
  /// All ranks. Those of all ranks' CPUs, without repetition: `avx512+bf16`, or `avx2, avx512` where they differ.
  public static func ofAllRanks(_ communicator: Communicator) throws -> [String] {
    let names = try communicator.allGatherV(Array(ofThisHost.utf8)).map {  // all ranks
      String(decoding: $0, as: UTF8.self)
    }
    return Set(names).sorted()
  }

  /// Local.
  static var ofThisHost: String {
    #if arch(x86_64)
      let flags = Set((Host.cpu("flags") ?? "").split(separator: " ").map(String.init))
      return name(flags: flags)
    #elseif arch(arm64)
      return "arm64"
    #else
      return "unknown"
    #endif
  }

  /// From the names that Linux gives to what an x86-64 CPU can do.
  static func name(flags: Set<String>) -> String {
    let avx512 = ["avx512f", "avx512bw", "avx512dq", "avx512vl"]
    guard flags.isSuperset(of: avx512) else {
      return flags.isSuperset(of: ["avx2", "fma"]) ? "avx2" : flags.contains("avx") ? "avx" : "sse2"
    }
    let extensions = [("avx512_vnni", "vnni"), ("avx512_bf16", "bf16"), ("amx_tile", "amx")]
    return (["avx512"] + extensions.filter { flags.contains($0.0) }.map(\.1)).joined(separator: "+")
  }
}
