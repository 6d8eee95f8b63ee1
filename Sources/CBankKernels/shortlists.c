#include <stdbool.h>
#include <string.h>

#include "CBankKernels.h"
#include "vectors.h"

#pragma STDC FP_CONTRACT OFF

#define LANES CK_BANK_LANES

typedef bool bits16 __attribute__((ext_vector_type(16)));

/// Bit l is set where values[l] is not below the cutoff. Not a number is not below anything.
#define NOT_BELOW(values, cutoffs)                                            \
  ({                                                                          \
    bits16 vector = __builtin_convertvector(~((values) < (cutoffs)), bits16); \
    uint16_t bits;                                                            \
    memcpy(&bits, &vector, sizeof bits);                                      \
    (uint32_t)(bits);                                                         \
  })

DISPATCHED(
  int32_t, ck_bank_shortlist_lanes,
  (const float *tile, size_t rows, int32_t first, const float *cutoffs, size_t capacity, float *values,
   int32_t *numbers, int32_t *counts),
  (tile, rows, first, cutoffs, capacity, values, numbers, counts)) {
  lanes16 low = LOAD16(cutoffs), high = LOAD16(cutoffs + 16);
  for (size_t r = 0; r < rows; r++) {
    const float *row = tile + r * LANES;
    uint32_t bits = NOT_BELOW(LOAD16(row), low) | NOT_BELOW(LOAD16(row + 16), high) << 16;
    for (; bits; bits &= bits - 1) {
      int lane = __builtin_ctz(bits);
      size_t place = lane * capacity + counts[lane]++;
      values[place] = row[lane];
      numbers[place] = first + (int32_t)r;
    }
  }
  int32_t most = 0;
  for (int l = 0; l < LANES; l++) most = counts[l] > most ? counts[l] : most;
  return most;
}

DISPATCHED(
  int32_t, ck_bank_shortlist_rows,
  (const float *tile, size_t rows, int32_t first, const float *cutoffs, size_t capacity, float *values,
   int32_t *numbers, int32_t *counts),
  (tile, rows, first, cutoffs, capacity, values, numbers, counts)) {
  int32_t most = 0;
  for (size_t r = 0; r < rows; r++) {
    const float *row = tile + r * LANES;
    lanes16 cutoff = cutoffs[r] - (lanes16){0};
    uint32_t bits = NOT_BELOW(LOAD16(row), cutoff) | NOT_BELOW(LOAD16(row + 16), cutoff) << 16;
    size_t place = r * capacity + counts[r];
    counts[r] += __builtin_popcount(bits);
    most = counts[r] > most ? counts[r] : most;
    for (; bits; bits &= bits - 1) {
      int lane = __builtin_ctz(bits);
      values[place] = row[lane];
      numbers[place++] = first + lane;
    }
  }
  return most;
}

DISPATCHED(
  int32_t, ck_bank_shortlist,
  (const float *similarities, size_t rows, int32_t first, float cutoff, float *values, int32_t *numbers, int32_t count),
  (similarities, rows, first, cutoff, values, numbers, count)) {
  for (size_t r = 0; r < rows; r++) {
    values[count] = similarities[r];
    numbers[count] = first + (int32_t)r;
    count += !(similarities[r] < cutoff);
  }
  return count;
}

static inline size_t count_not_below(const float *values, size_t count, float cutoff) {
  int32_t found = 0;
  for (size_t i = 0; i < count; i++) found += values[i] >= cutoff;
  return found;
}

DISPATCHED(float, ck_bank_lower_bound, (const float *values, size_t count, size_t k), (values, count, k)) {
  float low = values[0], high = values[0];
  for (size_t i = 0; i < count; i++) {
    low = values[i] < low ? values[i] : low;
    high = values[i] > high ? values[i] : high;
  }
  // At least k are not below `low`. Halving ends when enough are below it, or no float is left between the two.
  while (true) {
    float middle = low + (high - low) * 0.5f;
    if (!(low < middle && middle < high)) break;
    size_t found = count_not_below(values, count, middle);
    if (found < k) {
      high = middle;
    } else {
      low = middle;
      if (found <= k + k / 8) return low;
    }
  }
  return count_not_below(values, count, high) >= k ? high : low;
}

DISPATCHED(
  int32_t, ck_bank_keep, (float *values, int32_t *numbers, int32_t count, float cutoff),
  (values, numbers, count, cutoff)) {
  int32_t kept = 0;
  for (int32_t i = 0; i < count; i++) {
    float value = values[i];
    int32_t number = numbers[i];
    values[kept] = value;
    numbers[kept] = number;
    kept += !(value < cutoff);
  }
  return kept;
}
