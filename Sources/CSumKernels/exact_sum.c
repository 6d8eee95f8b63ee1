#include <math.h>

#include "CSumKernels.h"
#include "vectors.h"

#pragma STDC FP_CONTRACT OFF

// value * scale is exact, since scale is a power of two, so that rint rounds only once. What is out of range becomes 0
// before the conversion: converting it would be undefined. (AVX-512 does all of this eight at a time.)
// The addition is unsigned, where wrapping is defined; the limit keeps it from happening.
#define ACCUMULATE                                                          \
  int64_t faults = 0;                                                       \
  for (size_t i = 0; i < count; i++) {                                      \
    double value = values[i];                                               \
    int inside = fabs(value) <= limit; /* false for not a number */         \
    double scaled = inside ? value * scale : 0.0;                           \
    sum[i] = (int64_t)((uint64_t)sum[i] + (uint64_t)(int64_t)rint(scaled)); \
    faults += !inside;                                                      \
  }                                                                         \
  return faults

DISPATCHED(
  int64_t, ck_exact_accumulate_float,
  (const float *restrict values, int64_t *restrict sum, size_t count, double scale, double limit),
  (values, sum, count, scale, limit)) {
  ACCUMULATE;
}

DISPATCHED(
  int64_t, ck_exact_accumulate_double,
  (const double *restrict values, int64_t *restrict sum, size_t count, double scale, double limit),
  (values, sum, count, scale, limit)) {
  ACCUMULATE;
}

DISPATCHED(
  void, ck_exact_decode_float, (const int64_t *restrict sum, float *restrict values, size_t count, float scale),
  (sum, values, count, scale)) {
  // Straight to float: by way of double it would round twice. The product is exact.
  for (size_t i = 0; i < count; i++) values[i] = (float)sum[i] * scale;
}
