#pragma once
#include <stddef.h>
#include <stdint.h>

// Fixed-point sums: FixedPoint.swift says what these compute, element by element, and its tests hold them to it.

/// sum[i] += round(values[i] * scale), ties to even, for every values[i] in -limit ... limit; the others add nothing.
/// Returns how many others there were (not a number, infinite or beyond the limit).
/// `scale` is a power of two, and limit * scale is at most 2^62.
int64_t ck_exact_accumulate_float(
  const float *values, int64_t *sum, size_t count, double scale, double limit);
int64_t ck_exact_accumulate_double(
  const double *values, int64_t *sum, size_t count, double scale, double limit);

/// values[i] = sum[i] * scale, rounded once. `scale` is a power of two, 2^-62 or more.
void ck_exact_decode_float(const int64_t *sum, float *values, size_t count, float scale);
