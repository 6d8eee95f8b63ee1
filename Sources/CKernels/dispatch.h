#pragma once
// Run-time dispatch: the loader picks the version of a kernel that suits the CPU, so one binary runs on every node.
// A kernel's versions must give the same bits: each file that uses this says `#pragma STDC FP_CONTRACT OFF`, and adds
// floating-point numbers in an order that does not depend on the width of a vector.

#if defined(__x86_64__) && defined(__linux__)
#define CKERNELS_DISPATCH __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CKERNELS_DISPATCH
#endif
