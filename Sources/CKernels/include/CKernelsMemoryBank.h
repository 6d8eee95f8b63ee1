#pragma once
#include <stddef.h>
#include <stdint.h>

// The memory bank's inner loops: MemoryBank's Swift files call them, and KernelTests.swift says in Swift what each
// computes, bit for bit.
//
// In a softmax, s is a similarity, x = (s - maximum) * scale with scale = 1 / temperature, and e = exp(x), in double.
// maximum is the largest s of the whole bank, so that x <= 0. An x below -700 counts as -700, since e is 0 wherever it
// is used.

/// The largest of values, -INFINITY when there is none. Returns how many values are not finite; those do not count.
int64_t ck_bank_maximum(const float *values, size_t count, float *maximum);

/// Sum of e, in fixed point: each is rounded to a multiple of 2^-40, ties to even.
int64_t ck_bank_exponential_sum(const float *similarities, size_t count, float maximum, double scale);

/// sums[0] = sum of e, sums[1] = sum of -x e, in fixed point as above. -x e is in 0 ... 1/e.
void ck_bank_entropy_sums(
  const float *similarities, size_t count, float maximum, double scale, int64_t sums[2]);

/// values[i] = e_i * inverse_sum, in place of similarity i.
void ck_bank_probabilities(
  float *values, size_t count, float maximum, double scale, double inverse_sum);

/// Widens (rows, dimension) floats to (rows, padded) doubles, 0 from dimension on.
/// Returns how many floats are not finite.
int64_t ck_bank_widen(
  const float *values, size_t rows, size_t dimension, size_t padded, double *widened);

/// dots[q * rows + r] = queries[q] . rows[r], for (queries, padded) and (rows, padded) widened floats.
///
/// Lane l of 8 adds the products of the elements l, l + 8, l + 16 ... in this order; then the lanes are added as
/// ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). padded is a multiple of 8, the counts are multiples of 4 and 2.
void ck_bank_dots(
  const double *query_values, size_t queries, const double *row_values, size_t rows, size_t padded, double *dots);
