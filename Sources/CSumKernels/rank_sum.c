#include <string.h>

#include "CSumKernels.h"
#include "bfloat16.h"

#pragma STDC FP_CONTRACT OFF

// A piece at a time stays in the first cache while the ranks' terms are added to it.
enum { piece = 1024 };

DISPATCHED(
  void, ck_rank_sum_exact, (const int64_t *const *parts, size_t ranks, float *result, size_t count, float scale),
  (parts, ranks, result, count, scale)) {
  for (size_t start = 0; start < count; start += piece) {
    size_t length = count - start < piece ? count - start : piece;
    int64_t sum[piece];
    memcpy(sum, parts[0] + start, length * sizeof *sum);
    for (size_t rank = 1; rank < ranks; rank++) {
      const int64_t *part = parts[rank] + start;
      // Unsigned, where wrapping is defined; the terms' limit keeps it from happening.
      for (size_t i = 0; i < length; i++) sum[i] = (int64_t)((uint64_t)sum[i] + (uint64_t)part[i]);
    }
    for (size_t i = 0; i < length; i++) result[start + i] = (float)sum[i] * scale;
  }
}

DISPATCHED(
  void, ck_rank_sum_float, (const float *const *parts, size_t ranks, float *result, size_t count),
  (parts, ranks, result, count)) {
  for (size_t start = 0; start < count; start += piece) {
    size_t length = count - start < piece ? count - start : piece;
    float sum[piece];
    memcpy(sum, parts[0] + start, length * sizeof *sum);
    for (size_t rank = 1; rank < ranks; rank++) {
      const float *part = parts[rank] + start;
      for (size_t i = 0; i < length; i++) sum[i] += part[i];
    }
    memcpy(result + start, sum, length * sizeof *sum);
  }
}

DISPATCHED(
  void, ck_rank_sum_bfloat16, (const uint16_t *const *parts, size_t ranks, uint16_t *result, size_t count),
  (parts, ranks, result, count)) {
  for (size_t start = 0; start < count; start += piece) {
    size_t length = count - start < piece ? count - start : piece;
    float sum[piece];
    for (size_t i = 0; i < length; i++) sum[i] = float_of_bfloat16(parts[0][start + i]);
    for (size_t rank = 1; rank < ranks; rank++) {
      const uint16_t *part = parts[rank] + start;
      for (size_t i = 0; i < length; i++) sum[i] += float_of_bfloat16(part[i]);
    }
    for (size_t i = 0; i < length; i++) result[start + i] = bfloat16_of_number(sum[i]);
  }
}

DISPATCHED(
  void, ck_to_bfloat16, (const float *restrict values, uint16_t *restrict result, size_t count),
  (values, result, count)) {
  for (size_t i = 0; i < count; i++) result[i] = bfloat16_of_number(values[i]);
}

DISPATCHED(
  void, ck_from_bfloat16, (const uint16_t *restrict values, float *restrict result, size_t count),
  (values, result, count)) {
  for (size_t i = 0; i < count; i++) result[i] = float_of_bfloat16(values[i]);
}
