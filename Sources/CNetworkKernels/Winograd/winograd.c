#include "CNetworkKernels.h"
#include "vectors.h"
#include "versions.h"

static const struct winograd *version(int64_t layout) {
  if (layout == ck_blocks_of_16_bfloat16) return &ck_winograd_16_bfloat16;
  if (layout == ck_blocks_of_16) return &ck_winograd_16;
  return ck_cpu_level >= ck_cpu_avx2 ? &ck_winograd_8 : &ck_winograd_8_baseline;
}

int64_t ck_winograd_scratch(int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side, int64_t layout) {
  return version(layout)->scratch(images, input_blocks, output_blocks, side);
}

void ck_winograd_convolve(
  const void *source, const float *weights, int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side,
  int64_t layout, const ck_normalisation *then, void *destination, float *scratch) {
  version(layout)->convolve(source, weights, images, input_blocks, output_blocks, side, 0, then, destination, scratch);
}

void ck_winograd_source_gradient(
  const void *gradient, const float *weights, int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side,
  int64_t layout, void *source_gradient, float *scratch) {
  version(layout)->convolve(
    gradient, weights, images, output_blocks, input_blocks, side, 1, 0, source_gradient, scratch);
}

void ck_winograd_weight_gradient(
  const void *source, const void *gradient, int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side,
  int64_t layout, float *weight_gradient, float *scratch) {
  version(layout)->weight_gradient(
    source, gradient, images, input_blocks, output_blocks, side, weight_gradient, scratch);
}

int64_t ck_winograd_pieces(const ck_winograd_pass *pass, int phase) {
  return version(pass->layout)->pieces(pass, phase);
}

int64_t ck_winograd_shared(const ck_winograd_pass *pass) { return version(pass->layout)->shared(pass); }

int64_t ck_winograd_own(const ck_winograd_pass *pass) { return version(pass->layout)->own(pass); }

void ck_winograd_piece(const ck_winograd_pass *pass, int phase, int64_t piece, float *own) {
  version(pass->layout)->piece(pass, phase, piece, own);
}
