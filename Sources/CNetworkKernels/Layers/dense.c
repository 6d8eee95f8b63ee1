#include "CNetworkKernels.h"
#include "blocks.h"

#pragma STDC FP_CONTRACT OFF

// Eight images share each read of the weights. A row's sum runs over 16 lanes, then over the lanes pairwise; what
// `inner` leaves over comes last.
#define GROUP 8

DISPATCHED(
  void, ck_dense,
  (const float *input, const float *weights, int64_t images, int64_t rows, int64_t inner, float *output),
  (input, weights, images, rows, inner, output)) {
  int64_t whole = inner / 16;
  for (int64_t first = 0; first < images; first += GROUP) {
    int64_t group = images - first < GROUP ? images - first : GROUP;
    for (int64_t row = 0; row < rows; row++) {
      const lanes16 *w = (const lanes16 *)(weights + row * inner);
      lanes16 sums[GROUP] = {0};
      const lanes16 *x[GROUP];
      // A group that is not full computes its first image again in the empty places.
      for (int64_t g = 0; g < GROUP; g++) x[g] = (const lanes16 *)(input + (first + (g < group ? g : 0)) * inner);
      for (int64_t k = 0; k < whole; k++)
        for (int g = 0; g < GROUP; g++) sums[g] += x[g][k] * w[k];
      for (int64_t g = 0; g < group; g++) {
        float lanes[16];
        *(lanes16 *)lanes = sums[g];
        float sum = pairwise_sum(lanes, 16);
        for (int64_t k = whole * 16; k < inner; k++) sum += input[(first + g) * inner + k] * weights[row * inner + k];
        output[(first + g) * rows + row] = sum;
      }
    }
  }
}

DISPATCHED(
  void, ck_dense_transposed,
  (const float *input, const float *weights, int64_t images, int64_t rows, int64_t inner, float *output),
  (input, weights, images, rows, inner, output)) {
  for (int64_t i = 0; i < images * inner; i++) output[i] = 0;
  for (int64_t row = 0; row < rows; row++)
    for (int64_t n = 0; n < images; n++) {
      const float x = input[n * rows + row];
      const float *w = weights + row * inner;
      float *y = output + n * inner;
      for (int64_t k = 0; k < inner; k++) y[k] += x * w[k];
    }
}

DISPATCHED(
  void, ck_dense_outer,
  (const float *left, const float *right, int64_t images, int64_t rows, int64_t inner, float *output),
  (left, right, images, rows, inner, output)) {
  for (int64_t row = 0; row < rows; row++) {
    float *y = output + row * inner;
    for (int64_t k = 0; k < inner; k++) y[k] = left[row] * right[k];
    for (int64_t n = 1; n < images; n++) {
      const float x = left[n * rows + row];
      const float *r = right + n * inner;
      for (int64_t k = 0; k < inner; k++) y[k] += x * r[k];
    }
  }
}
