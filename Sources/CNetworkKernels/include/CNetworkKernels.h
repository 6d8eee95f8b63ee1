#pragma once
#include <stdint.h>

#include "CNetworkWinograd.h"

// The autoencoder's passes over memory between its convolutions. Activations and their gradients, void pointers here,
// are blocked: (images, blocks, height * width, block) with `block` 16 or 8 channels side by side, floats or bfloat16; a
// plane is one image's one block. Whatever they are stored as, they are computed with as floats. All passes give the same
// bits on every x86-64 CPU: the order of every sum is written down here, and multiply and add are never fused.

/// How activations lie in memory: floats by the channels in a block, or bfloat16, to which a float is rounded to the
/// nearest, ties to even. As int64_t, a `layout`.
enum { ck_blocks_of_8 = 8, ck_blocks_of_16 = 16, ck_blocks_of_16_bfloat16 = 32 };

// MARK: Batch normalisation

/// Per-channel sum and sum of squares of `values`, (images, blocks, pixels, block), in double.
void ck_batch_moments(
  const void *values, int64_t images, int64_t blocks, int64_t pixels, int64_t layout, double *sum,
  double *sum_of_squares);

/// output = leaky(values * scale + shift), slope 1 for no activation. In place allowed.
void ck_normalise(
  const void *values, int64_t images, int64_t blocks, int64_t pixels, int64_t layout, const float *scale,
  const float *shift, float slope, void *output);

/// As ck_normalise, then the maximum of each 2 x 2 window: output is (images, blocks, height / 2, width / 2, block). In place
/// allowed.
void ck_normalise_pool(
  const void *values, int64_t images, int64_t blocks, int64_t height, int64_t width, int64_t layout, const float *scale,
  const float *shift, float slope, void *output);

/// The two sums that batch normalisation's gradient needs, per channel, with g = gradient through the activation:
/// sum g and sum g * (value - mean) * inverse_deviation.
void ck_normalise_backward_sums(
  const void *values, const void *gradient, int64_t images, int64_t blocks, int64_t pixels, int64_t layout,
  const float *scale, const float *shift, float slope, const float *mean, const float *inverse_deviation,
  double *sum_gradient, double *sum_product);

/// value gradient = scale * (g - mean_gradient - normalised * mean_product). In place on `gradient` allowed.
void ck_normalise_backward(
  const void *values, const void *gradient, int64_t images, int64_t blocks, int64_t pixels, int64_t layout,
  const float *scale, const float *shift, float slope, const float *mean, const float *inverse_deviation,
  const float *mean_gradient, const float *mean_product, void *value_gradient);

/// The same two passes where a 2 x 2 maximum follows the activation: `gradient` is (images, blocks, height / 2,
/// width / 2, block) and reaches the first largest element of each window.
void ck_normalise_pool_backward_sums(
  const void *values, const void *gradient, int64_t images, int64_t blocks, int64_t height, int64_t width,
  int64_t layout, const float *scale, const float *shift, float slope, const float *mean,
  const float *inverse_deviation, double *sum_gradient, double *sum_product);
void ck_normalise_pool_backward(
  const void *values, const void *gradient, int64_t images, int64_t blocks, int64_t height, int64_t width,
  int64_t layout, const float *scale, const float *shift, float slope, const float *mean,
  const float *inverse_deviation, const float *mean_gradient, const float *mean_product, void *value_gradient);

// MARK: Upsampling

/// Bilinear upsampling x2 with aligned corners of `planes` planes, and its transpose.
void ck_upsample(const void *values, int64_t planes, int64_t height, int64_t width, int64_t layout, void *output);
void ck_upsample_backward(
  const void *gradient, int64_t planes, int64_t height, int64_t width, int64_t layout, void *value_gradient);

/// The same of plain images (planes, height, width).
void ck_upsample_image(const float *values, int64_t planes, int64_t height, int64_t width, float *output);
void ck_upsample_image_backward(
  const float *gradient, int64_t planes, int64_t height, int64_t width, float *value_gradient);

// MARK: Means over pixels

/// The mean of each image's channel, (images, blocks * block), and its gradient, which is added to `value_gradient`.
void ck_mean_over_pixels(
  const void *values, int64_t images, int64_t blocks, int64_t pixels, int64_t layout, float *means);
void ck_mean_over_pixels_backward(
  const float *mean_gradient, int64_t images, int64_t blocks, int64_t pixels, int64_t layout, void *value_gradient);

/// As ck_normalise or, where `pools` is not 0, ck_normalise_pool, and the mean of each image's channel before the maximum,
/// (images, blocks * block). Sides are even, or 1. In place allowed.
void ck_normalise_means(
  const void *values, int64_t images, int64_t blocks, int64_t height, int64_t width, int64_t layout, const float *scale,
  const float *shift, float slope, int pools, void *output, float *means);

// MARK: Reconstruction

/// In place.
void ck_tanh(float *values, int64_t count);

// MARK: Residual blocks

/// Of `count` elements, whole blocks: output = max(values, 0), and the gradient that passes where the output is above 0.
/// In place allowed.
void ck_rectify(const void *values, int64_t count, int64_t layout, void *output);
void ck_rectify_backward(const void *output, const void *gradient, int64_t count, int64_t layout, void *value_gradient);

/// output = max(left + right, 0). In place allowed.
void ck_add_rectified(const void *left, const void *right, int64_t count, int64_t layout, void *output);
/// sums += values, `count` elements, whole blocks.
void ck_add(const void *values, int64_t count, int64_t layout, void *sums);

// MARK: Dense

/// Dense products, each output of a fixed order of operations whatever its position.
/// output (images, rows) = input (images, inner) x weights (rows, inner) transposed.
void ck_dense(const float *input, const float *weights, int64_t images, int64_t rows, int64_t inner, float *output);
/// output (images, inner) = input (images, rows) x weights (rows, inner).
void ck_dense_transposed(
  const float *input, const float *weights, int64_t images, int64_t rows, int64_t inner, float *output);
/// output (rows, inner) = left (images, rows) transposed x right (images, inner).
void ck_dense_outer(const float *left, const float *right, int64_t images, int64_t rows, int64_t inner, float *output);

// MARK: Layouts

/// (images, channels, pixels) to blocked and back; blocked channels beyond `channels` are written as zeros.
void ck_to_blocked(const float *plain, int64_t images, int64_t channels, int64_t pixels, int64_t layout, void *blocked);
void ck_from_blocked(
  const void *blocked, int64_t images, int64_t channels, int64_t pixels, int64_t layout, float *plain);

/// `count` floats, a multiple of 16, to bfloat16. In place allowed.
void ck_round_to_bfloat16(const float *values, int64_t count, void *output);

// MARK: Weights

/// OIHW weights to OIhw<block>i<block>o (`output_inner` 1) or OIhw<block>o<block>i (0); channels are padded with zeros.
/// `taps` is kernel height * width.
void ck_pack_weights(
  const float *weights, int64_t outputs, int64_t inputs, int64_t taps, int64_t block, int output_inner, float *packed);
/// The other way for OIhw<block>i<block>o: padding is dropped.
void ck_unpack_weights(
  const float *packed, int64_t outputs, int64_t inputs, int64_t taps, int64_t block, float *weights);
/// OIHW weights to bfloat16 in blocks of 16, rounded to the nearest: as oneDNN reads them forward, backward, and backward
/// where the kernel is 1 x 1. Channels are padded with zeros.
typedef enum { ck_OIhw8i16o2i = 0, ck_OIhw8o16i2o = 1, ck_IOhw8o16i2o = 2 } ck_weight_order;
void ck_pack_weights_bfloat16(
  const float *weights, int64_t outputs, int64_t inputs, int64_t taps, ck_weight_order order, uint16_t *packed);
/// OIHW to Ohwi<block>o, for the convolution that reads the image.
void ck_pack_image_weights(
  const float *weights, int64_t outputs, int64_t inputs, int64_t taps, int64_t block, float *packed);

// MARK: Weight gradients

/// The weight gradient of the convolution that reads the image, padded by kernel / 2: `source` is (images, inputs, side,
/// side), `gradient` (images, blocks, side / stride, side / stride, block), `weight_gradient` (blocks, inputs, kernel,
/// kernel, block). oneDNN has no fast one without AVX-512.
void ck_image_weight_gradient(
  const float *source, const void *gradient, int64_t images, int64_t inputs, int64_t blocks, int64_t side,
  int64_t kernel, int64_t stride, int64_t layout, double *weight_gradient);

/// The weight gradient, OIhw<block>i<block>o, of a convolution of stride 1, padded by kernel / 2, on a map of a few
/// pixels: `source` is (images, input_blocks, side, side, block), `gradient` (images, output_blocks, side, side, block).
/// There oneDNN's computes the padding as well, and is slow without AVX-512.
void ck_small_map_weight_gradient(
  const float *source, const float *gradient, int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side,
  int64_t kernel, int64_t block, float *packed);

// MARK: Projection

/// The last 1 x 1 convolution: output (images, channels, pixels) from values (images, blocks, pixels, block) and weights
/// (channels, blocks * block), zero in padded channels.
void ck_project(
  const void *values, const float *weights, int64_t images, int64_t channels, int64_t blocks, int64_t pixels,
  int64_t layout, float *output);
/// Its gradient: `gradient` is (images, channels, pixels), weight_gradient (channels, blocks * block).
void ck_project_backward(
  const void *values, const float *weights, const float *gradient, int64_t images, int64_t channels, int64_t blocks,
  int64_t pixels, int64_t layout, void *value_gradient, double *weight_gradient);

// MARK: Adam

/// Adam on one range, as PyTorch computes it, with L2 weight decay added to the gradient: step_size is the learning rate
/// over (1 - decay1^t), inverse_root_correction 1 / sqrt(1 - decay2^t), decay1 and decay2 are beta1 and beta2.
void ck_adam(
  float *weights, float *first_moment, float *second_moment, const float *gradient, int64_t count, double decay1,
  double decay2, float step_size, float inverse_root_correction, float epsilon, float weight_decay);
