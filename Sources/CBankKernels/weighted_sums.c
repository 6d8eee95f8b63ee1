#include "CBankKernels.h"
#include "fixed_point.h"
#include "vectors.h"

// a * b + c is one fused operation wherever the CPU has it: in every version but that for x86-64 before AVX2.
#pragma STDC FP_CONTRACT ON

#define LANES CK_BANK_LANES

typedef double wide8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef int32_t integers16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef int64_t integers8 __attribute__((vector_size(64), aligned(8), may_alias));

ALWAYS_INLINE int64_t
bank_weighted_sums(const float *coefficients, const float *rows, size_t padded, float limit, int64_t *sums) {
  const integers8 magic = (integers8)(MAGIC - (wide8){0});
  integers16 outside = {0};
  for (size_t d = 0; d < padded; d += 16) {
    for (size_t lane = 0; lane < LANES; lane += 8) {
      lanes16 products[8];
      UNROLLED
      for (int i = 0; i < 8; i++) products[i] = (lanes16){0};
      for (int r = 0; r < 16; r++) {
        lanes16 row = LOAD16(rows + r * padded + d);
        UNROLLED
        for (int i = 0; i < 8; i++) {
          lanes16 coefficient = coefficients[r * LANES + lane + i] - (lanes16){0};
          products[i] = coefficient * row + products[i];
        }
      }
      UNROLLED
      for (int i = 0; i < 8; i++) {
        integers16 isInside = __builtin_elementwise_abs(products[i]) <= limit;  // false for not a number
        outside -= ~isInside;
        lanes16 inside = (lanes16)((integers16)products[i] & isInside);
        lanes8 halves[2] = {
          __builtin_shufflevector(inside, inside, 0, 1, 2, 3, 4, 5, 6, 7),
          __builtin_shufflevector(inside, inside, 8, 9, 10, 11, 12, 13, 14, 15)};
        UNROLLED
        for (int half = 0; half < 2; half++) {
          wide8 value = __builtin_convertvector(halves[half], wide8);
          integers8 *sum = (integers8 *)(sums + (lane + i) * padded + d + 8 * half);
          // 2^43 times a float is exact, and so the sum rounds once. It is below 2^51, as MAGIC wants it.
          *sum += (integers8)(value * 0x1p43 + MAGIC) - magic;
        }
      }
    }
  }
  int64_t faults = 0;
  for (int i = 0; i < 16; i++) faults += outside[i];
  return faults;
}

IN_WHOLE_VECTORS(
  int64_t, bank_weighted_sums,
  (const float *coefficients, const float *rows, size_t padded, float limit, int64_t *sums),
  (coefficients, rows, padded, limit, sums))
