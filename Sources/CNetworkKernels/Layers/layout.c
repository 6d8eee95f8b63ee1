#include "CNetworkKernels.h"
#include "blocks.h"

#pragma STDC FP_CONTRACT OFF

#define PASSES "layout.inc"
#include "each_layout.h"

DISPATCHED(
  void, ck_to_blocked,
  (const float *plain, int64_t images, int64_t channels, int64_t pixels, int64_t layout, void *blocked),
  (plain, images, channels, pixels, layout, blocked)) {
  FOR_LAYOUT(to_blocked, plain, images, channels, pixels, blocked);
}

DISPATCHED(
  void, ck_from_blocked,
  (const void *blocked, int64_t images, int64_t channels, int64_t pixels, int64_t layout, float *plain),
  (blocked, images, channels, pixels, layout, plain)) {
  FOR_LAYOUT(from_blocked, blocked, images, channels, pixels, plain);
}

// In place allowed: what is written lies before what is still to be read.
DISPATCHED(void, ck_round_to_bfloat16, (const float *values, int64_t count, void *output), (values, count, output)) {
  const vector_16 *x = (const vector_16 *)values;
  stored_16_bfloat16 *y = (stored_16_bfloat16 *)output;
  for (int64_t i = 0; i < count / 16; i++) y[i] = store_16_bfloat16(x[i]);
}
