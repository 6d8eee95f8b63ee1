#pragma once

// The one place for which of a CPU's vector instructions are used: all kernels of ours ask it at every call, and oneDNN and
// OpenBLAS are held to it before their first use.
//
// It is set before main: to the best that the CPU has, or to what SALAD_CPU says in the environment, unless that is unknown or
// more than the CPU has.

/// Each has what those before it have. CPUs other than x86-64 have the first alone.
enum {
  ck_cpu_baseline = 0,
  /// x86-64-v3: AVX2 and FMA.
  ck_cpu_avx2 = 1,
  /// x86-64-v4: AVX-512 F, BW, CD, DQ and VL.
  ck_cpu_avx512 = 2,
  ck_cpu_avx512_bf16 = 3,
};

/// The level that is used.
int ck_cpu_in_use(void);

/// 1 where somebody has asked for it, else 0.
int ck_cpu_is_held(void);

/// The best that the CPU has, and the system lets it use.
int ck_cpu_best(void);

/// Before the first kernel runs. `level` is not above ck_cpu_best().
void ck_cpu_hold(int level);
