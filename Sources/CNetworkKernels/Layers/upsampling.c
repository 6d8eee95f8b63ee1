#include "CNetworkKernels.h"
#include "blocks.h"

#pragma STDC FP_CONTRACT OFF

// The widest row that is upsampled: half of the largest image side.
#define LARGEST_ROW 256

// Where output position `position` of 2 * size lies between two inputs, corners aligned.
struct corner {
  int64_t low, high;
  float low_weight, high_weight;
};

ALWAYS_INLINE struct corner corner_at(int64_t position, int64_t size) {
  // In integers: position * (size - 1) / (2 * size - 1).
  int64_t scaled = position * (size - 1), whole = 2 * size - 1;
  struct corner corner;
  corner.low = scaled / whole;
  corner.high = corner.low + 1 < size ? corner.low + 1 : corner.low;
  corner.high_weight = (float)(scaled % whole) / (float)whole;
  corner.low_weight = 1.0f - corner.high_weight;
  return corner;
}

#define PASSES "upsampling.inc"
#include "each_layout.h"

DISPATCHED(
  void, ck_upsample, (const void *values, int64_t planes, int64_t height, int64_t width, int64_t layout, void *output),
  (values, planes, height, width, layout, output)) {
  FOR_LAYOUT(upsample, values, planes, height, width, output);
}

DISPATCHED(
  void, ck_upsample_backward,
  (const void *gradient, int64_t planes, int64_t height, int64_t width, int64_t layout, void *value_gradient),
  (gradient, planes, height, width, layout, value_gradient)) {
  FOR_LAYOUT(upsample_backward, gradient, planes, height, width, value_gradient);
}

// Plain images (planes, height, width), by the blocked version's arithmetic; they are small beside the maps.
DISPATCHED(
  void, ck_upsample_image, (const float *values, int64_t planes, int64_t height, int64_t width, float *output),
  (values, planes, height, width, output)) {
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

DISPATCHED(
  void, ck_upsample_image_backward,
  (const float *gradient, int64_t planes, int64_t height, int64_t width, float *value_gradient),
  (gradient, planes, height, width, value_gradient)) {
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
