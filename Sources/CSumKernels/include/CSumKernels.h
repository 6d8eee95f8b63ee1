#pragma once
#include <stddef.h>
#include <stdint.h>

// MARK: Fixed-point sums
//
// FixedPoint.swift says what these compute, element by element, and its tests hold them to it.

/// sum[i] += round(values[i] * scale), ties to even, for every values[i] in -limit ... limit; the others add nothing.
/// Returns how many others there were (not a number, infinite or beyond the limit).
/// `scale` is a power of two, and limit * scale is at most 2^62.
int64_t ck_exact_accumulate_float(const float *values, int64_t *sum, size_t count, double scale, double limit);
int64_t ck_exact_accumulate_double(const double *values, int64_t *sum, size_t count, double scale, double limit);

/// values[i] = sum[i] * scale, rounded once. `scale` is a power of two, 2^-62 or more.
void ck_exact_decode_float(const int64_t *sum, float *values, size_t count, float scale);

// MARK: Sums over ranks
//
// parts[r][i] is what rank r adds to element i. `result` may be one of the parts.
// Terms are added in the order of the ranks, whoever adds them.

/// result[i] = (parts[0][i] + ... + parts[ranks - 1][i]) * scale, rounded once. `scale` is as in ck_exact_decode_float.
void ck_rank_sum_exact(const int64_t *const *parts, size_t ranks, float *result, size_t count, float scale);

/// result[i] = parts[0][i] + ... + parts[ranks - 1][i], rounded at each addition.
void ck_rank_sum_float(const float *const *parts, size_t ranks, float *result, size_t count);

/// The same of bfloat16: added as floats, and the sum rounded to bfloat16.
void ck_rank_sum_bfloat16(const uint16_t *const *parts, size_t ranks, uint16_t *result, size_t count);

/// The nearest bfloat16, ties to even, of finite values.
void ck_to_bfloat16(const float *values, uint16_t *result, size_t count);

/// The float that a bfloat16 is.
void ck_from_bfloat16(const uint16_t *values, float *result, size_t count);
