import CVectors

/// Which of a CPU's vector instructions kernels use, ours, oneDNN's and OpenBLAS's: each level has what those before it have.
///
/// Of the process, as the libraries' own settings are. It begins as the best that the CPU has, or as what `SALAD_CPU` says in
/// the environment, where the CPU has that.
public enum CPULevel: String, Codable, CaseIterable, Comparable, Sendable {
  /// What every CPU of the architecture has; CPUs other than x86-64 have no other.
  case baseline
  /// x86-64-v3: AVX2 and FMA.
  case avx2
  /// x86-64-v4.
  case avx512
  case avx512BFloat16 = "avx512_bf16"

  /// The best that this CPU has, and the system lets it use.
  public static var best: CPULevel { CPULevel(number: ck_cpu_best()) }

  /// What is used.
  public static var inUse: CPULevel { CPULevel(number: ck_cpu_in_use()) }

  /// Whether it was asked for. Otherwise oneDNN may use what is above all levels, such as AMX.
  public static var isHeld: Bool { ck_cpu_is_held() != 0 }

  /// Has all kernels use `level`, which is not above `best`. Before the first of them runs, and before other threads do: what
  /// oneDNN uses is fixed by then.
  public static func hold(_ level: CPULevel) {
    precondition(level <= best, "the CPU has \(best.rawValue), not \(level.rawValue)")
    ck_cpu_hold(level.number)
  }

  public static func < (left: CPULevel, right: CPULevel) -> Bool { left.number < right.number }

  private var number: Int32 { Int32(Self.allCases.firstIndex(of: self) ?? 0) }

  private init(number: Int32) { self = Self.allCases[Int(number)] }
}
