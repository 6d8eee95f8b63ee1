#include "CBankKernels.h"
#include "vectors.h"

// A difference, its square and the sum are each rounded, so that every version gives the same bits.
#pragma STDC FP_CONTRACT OFF

ALWAYS_INLINE float squared_distance(const float *left, const float *right, size_t count) {
  // Two chains, so that an addition need not wait for the one before it.
  lanes16 sums[2] = {{0}, {0}};
  size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    lanes16 first = LOAD16(left + i) - LOAD16(right + i), second = LOAD16(left + i + 16) - LOAD16(right + i + 16);
    sums[0] += first * first;
    sums[1] += second * second;
  }
  for (; i + 16 <= count; i += 16) {
    lanes16 difference = LOAD16(left + i) - LOAD16(right + i);
    sums[0] += difference * difference;
  }
  for (size_t l = 0; i + l < count; l++) {
    float difference = left[i + l] - right[i + l];
    sums[1][l] += difference * difference;
  }
  lanes16 sum = sums[0] + sums[1];
  float s[8];
  UNROLLED
  for (int l = 0; l < 8; l++) s[l] = sum[l] + sum[l + 8];
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

ALWAYS_INLINE void bank_cells(
  const float *query, const float *map, size_t side, size_t channels, size_t reach, float *nearest) {
  for (size_t y = 0; y < side; y++)
    for (size_t x = 0; x < side; x++) {
      const float *cell = query + (y * side + x) * channels;
      size_t top = y < reach ? 0 : y - reach, bottom = y + reach < side ? y + reach : side - 1;
      size_t left = x < reach ? 0 : x - reach, right = x + reach < side ? x + reach : side - 1;
      float best = nearest[y * side + x];
      for (size_t v = top; v <= bottom; v++)
        for (size_t u = left; u <= right; u++) {
          float distance = squared_distance(cell, map + (v * side + u) * channels, channels);
          if (distance < best) best = distance;
        }
      nearest[y * side + x] = best;
    }
}

IN_WHOLE_VECTORS(
  void, bank_cells, (const float *query, const float *map, size_t side, size_t channels, size_t reach, float *nearest),
  (query, map, side, channels, reach, nearest))
