#include "CKernelsNetwork.h"

#include <math.h>

#include "dispatch.h"

#pragma STDC FP_CONTRACT OFF

#define ALWAYS_INLINE inline __attribute__((always_inline))

// The widest row that is upsampled: half of the largest image side.
#define LARGEST_ROW 256

// Where output position `position` of 2 * size lies between two inputs, corners aligned.
struct corner {
  int64_t low, high;
  float low_weight, high_weight;
};

static ALWAYS_INLINE struct corner corner_at(int64_t position, int64_t size) {
  // In integers: position * (size - 1) / (2 * size - 1).
  int64_t scaled = position * (size - 1), whole = 2 * size - 1;
  struct corner corner;
  corner.low = scaled / whole;
  corner.high = corner.low + 1 < size ? corner.low + 1 : corner.low;
  corner.high_weight = (float)(scaled % whole) / (float)whole;
  corner.low_weight = 1.0f - corner.high_weight;
  return corner;
}

#define BLOCK 16
#define NAME(x) x##_16
#include "network_blocked.inc"

#define BLOCK 8
#define NAME(x) x##_8
#include "network_blocked.inc"

#define BLOCK 16
#define NAME(x) x##_16_bfloat16
#define BFLOAT16
#include "network_blocked.inc"

// Calls the version for a layout of activations.
#define FOR_LAYOUT(function, ...)            \
  if (layout == ck_blocks_of_16_bfloat16)    \
    function##_16_bfloat16(__VA_ARGS__);     \
  else if (layout == ck_blocks_of_16)        \
    function##_16(__VA_ARGS__);              \
  else                                       \
    function##_8(__VA_ARGS__);

// Calls the version for `block` of 16 or 8 floats.
#define FOR_BLOCK(function, ...) \
  if (block == 16)               \
    function##_16(__VA_ARGS__);  \
  else                           \
    function##_8(__VA_ARGS__);

CKERNELS_DISPATCH void ck_batch_moments(
    const void *values, int64_t images, int64_t blocks, int64_t pixels, int64_t layout, double *sum,
    double *sum_of_squares) {
  FOR_LAYOUT(batch_moments, values, images, blocks, pixels, sum, sum_of_squares)
}

CKERNELS_DISPATCH void ck_normalise(
    const void *values, int64_t images, int64_t blocks, int64_t pixels, int64_t layout, const float *scale,
    const float *shift, float slope, void *output) {
  FOR_LAYOUT(normalise, values, images, blocks, pixels, scale, shift, slope, output)
}

CKERNELS_DISPATCH void ck_normalise_pool(
    const void *values, int64_t images, int64_t blocks, int64_t height, int64_t width, int64_t layout,
    const float *scale, const float *shift, float slope, void *output) {
  FOR_LAYOUT(normalise_pool, values, images, blocks, height, width, scale, shift, slope, output)
}

CKERNELS_DISPATCH void ck_normalise_backward_sums(
    const void *values, const void *gradient, int64_t images, int64_t blocks, int64_t pixels, int64_t layout,
    const float *scale, const float *shift, float slope, const float *mean, const float *inverse_deviation,
    double *sum_gradient, double *sum_product) {
  FOR_LAYOUT(
    normalise_backward_sums, values, gradient, images, blocks, pixels, scale, shift, slope, mean, inverse_deviation,
    sum_gradient, sum_product)
}

CKERNELS_DISPATCH void ck_normalise_backward(
    const void *values, const void *gradient, int64_t images, int64_t blocks, int64_t pixels, int64_t layout,
    const float *scale, const float *shift, float slope, const float *mean, const float *inverse_deviation,
    const float *mean_gradient, const float *mean_product, void *value_gradient) {
  FOR_LAYOUT(
    normalise_backward, values, gradient, images, blocks, pixels, scale, shift, slope, mean, inverse_deviation,
    mean_gradient, mean_product, value_gradient)
}

CKERNELS_DISPATCH void ck_normalise_pool_backward_sums(
    const void *values, const void *gradient, int64_t images, int64_t blocks, int64_t height, int64_t width,
    int64_t layout, const float *scale, const float *shift, float slope, const float *mean,
    const float *inverse_deviation, double *sum_gradient, double *sum_product) {
  FOR_LAYOUT(
    normalise_pool_backward_sums, values, gradient, images, blocks, height, width, scale, shift, slope, mean,
    inverse_deviation, sum_gradient, sum_product)
}

CKERNELS_DISPATCH void ck_normalise_pool_backward(
    const void *values, const void *gradient, int64_t images, int64_t blocks, int64_t height, int64_t width,
    int64_t layout, const float *scale, const float *shift, float slope, const float *mean,
    const float *inverse_deviation, const float *mean_gradient, const float *mean_product, void *value_gradient) {
  FOR_LAYOUT(
    normalise_pool_backward, values, gradient, images, blocks, height, width, scale, shift, slope, mean,
    inverse_deviation, mean_gradient, mean_product, value_gradient)
}

CKERNELS_DISPATCH void ck_upsample(
    const void *values, int64_t planes, int64_t height, int64_t width, int64_t layout, void *output) {
  FOR_LAYOUT(upsample, values, planes, height, width, output)
}

CKERNELS_DISPATCH void ck_upsample_backward(
    const void *gradient, int64_t planes, int64_t height, int64_t width, int64_t layout, void *value_gradient) {
  FOR_LAYOUT(upsample_backward, gradient, planes, height, width, value_gradient)
}

CKERNELS_DISPATCH void ck_to_blocked(
    const float *plain, int64_t images, int64_t channels, int64_t pixels, int64_t layout, void *blocked) {
  FOR_LAYOUT(to_blocked, plain, images, channels, pixels, blocked)
}

CKERNELS_DISPATCH void ck_from_blocked(
    const void *blocked, int64_t images, int64_t channels, int64_t pixels, int64_t layout, float *plain) {
  FOR_LAYOUT(from_blocked, blocked, images, channels, pixels, plain)
}

CKERNELS_DISPATCH void ck_pack_weights(
    const float *weights, int64_t outputs, int64_t inputs, int64_t taps, int64_t block, int output_inner,
    float *packed) {
  FOR_BLOCK(pack_weights, weights, outputs, inputs, taps, output_inner, packed)
}

CKERNELS_DISPATCH void ck_unpack_weights(
    const float *packed, int64_t outputs, int64_t inputs, int64_t taps, int64_t block, float *weights) {
  FOR_BLOCK(unpack_weights, packed, outputs, inputs, taps, weights)
}

CKERNELS_DISPATCH void ck_pack_image_weights(
    const float *weights, int64_t outputs, int64_t inputs, int64_t taps, int64_t block, float *packed) {
  FOR_BLOCK(pack_image_weights, weights, outputs, inputs, taps, packed)
}

CKERNELS_DISPATCH void ck_image_weight_gradient(
    const float *source, const void *gradient, int64_t images, int64_t inputs, int64_t blocks, int64_t side,
    int64_t kernel, int64_t stride, int64_t layout, double *weight_gradient) {
  FOR_LAYOUT(image_weight_gradient, source, gradient, images, inputs, blocks, side, kernel, stride, weight_gradient)
}

CKERNELS_DISPATCH void ck_normalise_means(
    const void *values, int64_t images, int64_t blocks, int64_t height, int64_t width, int64_t layout,
    const float *scale, const float *shift, float slope, int pools, void *output, float *means) {
  if (height % 2 != 0 || width % 2 != 0) {
    // A map of one pixel: the deepest of the smallest images.
    FOR_LAYOUT(normalise, values, images, blocks, height * width, scale, shift, slope, output)
    FOR_LAYOUT(mean_over_pixels, output, images, blocks, height * width, means)
    return;
  }
  FOR_LAYOUT(normalise_means, values, images, blocks, height, width, scale, shift, slope, pools, output, means)
}

CKERNELS_DISPATCH void ck_mean_over_pixels(
    const void *values, int64_t images, int64_t blocks, int64_t pixels, int64_t layout, float *means) {
  FOR_LAYOUT(mean_over_pixels, values, images, blocks, pixels, means)
}

CKERNELS_DISPATCH void ck_mean_over_pixels_backward(
    const float *mean_gradient, int64_t images, int64_t blocks, int64_t pixels, int64_t layout, void *value_gradient) {
  FOR_LAYOUT(mean_over_pixels_backward, mean_gradient, images, blocks, pixels, value_gradient)
}

CKERNELS_DISPATCH void ck_project(
    const void *values, const float *weights, int64_t images, int64_t channels, int64_t blocks, int64_t pixels,
    int64_t layout, float *output) {
  FOR_LAYOUT(project, values, weights, images, channels, blocks, pixels, output)
}

CKERNELS_DISPATCH void ck_project_backward(
    const void *values, const float *weights, const float *gradient, int64_t images, int64_t channels, int64_t blocks,
    int64_t pixels, int64_t layout, void *value_gradient, double *weight_gradient) {
  FOR_LAYOUT(
    project_backward, values, weights, gradient, images, channels, blocks, pixels, value_gradient, weight_gradient)
}

CKERNELS_DISPATCH void ck_small_map_weight_gradient(
    const float *source, const float *gradient, int64_t images, int64_t input_blocks, int64_t output_blocks,
    int64_t side, int64_t kernel, int64_t block, float *packed) {
  FOR_BLOCK(small_map_weight_gradient, source, gradient, images, input_blocks, output_blocks, side, kernel, packed)
}

// Plain images (planes, height, width), by the blocked version's arithmetic; they are small beside the maps.
CKERNELS_DISPATCH void ck_upsample_image(
    const float *values, int64_t planes, int64_t height, int64_t width, float *output) {
  float row[LARGEST_ROW];
  for (int64_t plane = 0; plane < planes; plane++) {
    const float *in = values + plane * height * width;
    float *out = output + plane * height * width * 4;
    for (int64_t y = 0; y < 2 * height; y++) {
      struct corner v = corner_at(y, height);
      const float *above = in + v.low * width, *below = in + v.high * width;
      for (int64_t x = 0; x < width; x++) row[x] = above[x] * v.low_weight + below[x] * v.high_weight;
      for (int64_t x = 0; x < 2 * width; x++) {
        struct corner h = corner_at(x, width);
        *out++ = row[h.low] * h.low_weight + row[h.high] * h.high_weight;
      }
    }
  }
}

CKERNELS_DISPATCH void ck_upsample_image_backward(
    const float *gradient, int64_t planes, int64_t height, int64_t width, float *value_gradient) {
  float row[LARGEST_ROW];
  for (int64_t plane = 0; plane < planes; plane++) {
    const float *dy = gradient + plane * height * width * 4;
    float *dx = value_gradient + plane * height * width;
    for (int64_t i = 0; i < height * width; i++) dx[i] = 0;
    for (int64_t y = 0; y < 2 * height; y++) {
      for (int64_t x = 0; x < width; x++) row[x] = 0;
      for (int64_t x = 0; x < 2 * width; x++) {
        struct corner h = corner_at(x, width);
        row[h.low] += *dy * h.low_weight;
        row[h.high] += *dy++ * h.high_weight;
      }
      struct corner v = corner_at(y, height);
      for (int64_t x = 0; x < width; x++) dx[v.low * width + x] += row[x] * v.low_weight;
      for (int64_t x = 0; x < width; x++) dx[v.high * width + x] += row[x] * v.high_weight;
    }
  }
}

void ck_tanh(float *values, int64_t count) {
  for (int64_t i = 0; i < count; i++) values[i] = tanhf(values[i]);
}

CKERNELS_DISPATCH void ck_rectify(const void *values, int64_t count, int64_t layout, void *output) {
  FOR_LAYOUT(rectify, values, count, output)
}

CKERNELS_DISPATCH void ck_rectify_backward(
    const void *output, const void *gradient, int64_t count, int64_t layout, void *value_gradient) {
  FOR_LAYOUT(rectify_backward, output, gradient, count, value_gradient)
}

CKERNELS_DISPATCH void ck_add_rectified(
    const void *left, const void *right, int64_t count, int64_t layout, void *output) {
  FOR_LAYOUT(add_rectified, left, right, count, output)
}

CKERNELS_DISPATCH void ck_add(const void *values, int64_t count, int64_t layout, void *sums) {
  FOR_LAYOUT(add, values, count, sums)
}

CKERNELS_DISPATCH void ck_round_to_bfloat16(const float *values, int64_t count, void *output) {
  round_16_bfloat16(values, count, output);
}

// As the passes over activations round: to the nearest, ties to even.
static ALWAYS_INLINE uint16_t bfloat16_of(float x) {
  union { float value; uint32_t bits; } word = {x};
  if ((word.bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(word.bits >> 16 | 0x40);
  return (uint16_t)((word.bits + 0x7fff + (word.bits >> 16 & 1)) >> 16);
}

CKERNELS_DISPATCH void ck_pack_weights_bfloat16(
    const float *weights, int64_t outputs, int64_t inputs, int64_t taps, ck_weight_order order, uint16_t *packed) {
  enum { block = 16 };
  int64_t output_blocks = (outputs + block - 1) / block, input_blocks = (inputs + block - 1) / block;
  for (int64_t ob = 0; ob < output_blocks; ob++)
    for (int64_t ib = 0; ib < input_blocks; ib++) {
      int64_t place = order == ck_IOhw8o16i2o ? ib * output_blocks + ob : ob * input_blocks + ib;
      uint16_t *tile = packed + place * taps * block * block;
      for (int64_t o = 0; o < block; o++)
        for (int64_t i = 0; i < block; i++) {
          int64_t output = ob * block + o, input = ib * block + i;
          const float *in = weights + (output * inputs + input) * taps;
          int inside = output < outputs && input < inputs;
          // Pairs of inputs for the forward pass, which sums over inputs; of outputs for the backward pass.
          int64_t lane = order == ck_OIhw8i16o2i ? (i / 2 * block + o) * 2 + i % 2 : (o / 2 * block + i) * 2 + o % 2;
          for (int64_t k = 0; k < taps; k++) tile[k * block * block + lane] = inside ? bfloat16_of(in[k]) : 0;
        }
    }
}

// The dense products and Adam work on vectors of 16 floats whatever the activations' block is.
typedef float lanes16 __attribute__((vector_size(64), aligned(4)));

// Eight images share each read of the weights. A row's sum runs over 16 lanes, then over the lanes pairwise; what
// `inner` leaves over comes last.
#define GROUP 8

CKERNELS_DISPATCH void ck_dense(
    const float *input, const float *weights, int64_t images, int64_t rows, int64_t inner, float *output) {
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
        float sum = lane_sum_16(&sums[g]);
        for (int64_t k = whole * 16; k < inner; k++) sum += input[(first + g) * inner + k] * weights[row * inner + k];
        output[(first + g) * rows + row] = sum;
      }
    }
  }
}

CKERNELS_DISPATCH void ck_dense_transposed(
    const float *input, const float *weights, int64_t images, int64_t rows, int64_t inner, float *output) {
  for (int64_t i = 0; i < images * inner; i++) output[i] = 0;
  for (int64_t row = 0; row < rows; row++)
    for (int64_t n = 0; n < images; n++) {
      const float x = input[n * rows + row];
      const float *w = weights + row * inner;
      float *y = output + n * inner;
      for (int64_t k = 0; k < inner; k++) y[k] += x * w[k];
    }
}

CKERNELS_DISPATCH void ck_dense_outer(
    const float *left, const float *right, int64_t images, int64_t rows, int64_t inner, float *output) {
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

CKERNELS_DISPATCH void ck_adam(
    float *weights, float *first_moment, float *second_moment, const float *gradient, int64_t count, double decay1,
    double decay2, float step_size, float inverse_root_correction, float epsilon, float weight_decay) {
  // Subtracted in double: 1 - 0.999f is off by 1.3e-5 of itself.
  float beta1 = (float)decay1, beta2 = (float)decay2, rest1 = (float)(1 - decay1), rest2 = (float)(1 - decay2);
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    lanes16 w = *(lanes16 *)(weights + i);
    lanes16 g = *(const lanes16 *)(gradient + i) + w * weight_decay;
    lanes16 m = *(lanes16 *)(first_moment + i) * beta1 + g * rest1;
    lanes16 v = *(lanes16 *)(second_moment + i) * beta2 + g * g * rest2;
    *(lanes16 *)(first_moment + i) = m;
    *(lanes16 *)(second_moment + i) = v;
    *(lanes16 *)(weights + i) =
        w - m * step_size / (__builtin_elementwise_sqrt(v) * inverse_root_correction + epsilon);
  }
  for (; i < count; i++) {
    float g = gradient[i] + weights[i] * weight_decay;
    first_moment[i] = first_moment[i] * beta1 + g * rest1;
    second_moment[i] = second_moment[i] * beta2 + g * g * rest2;
    weights[i] -= first_moment[i] * step_size / (sqrtf(second_moment[i]) * inverse_root_correction + epsilon);
  }
}
