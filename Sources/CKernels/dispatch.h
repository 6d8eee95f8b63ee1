#pragma once

// One binary runs on every x86-64 node: the loader picks AVX-512, AVX2 or the baseline.
#if defined(__x86_64__) && defined(__linux__) && defined(__clang__)
#define SALAD_DISPATCH __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SALAD_DISPATCH
#endif

// A fused multiply-add rounds once where two operations round twice, and only some CPUs have it.
#pragma STDC FP_CONTRACT OFF
