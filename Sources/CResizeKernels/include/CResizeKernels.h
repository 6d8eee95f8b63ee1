#pragma once
#include <stdint.h>

// Resampling of 8-bit images in fixed point: `Resampling` says what these compute, and its tests hold them to it.

/// Bits behind the point of a weight.
#define CK_RESIZE_PRECISION 22

/// Rows that are resampled together.
#define CK_RESIZE_ROWS 16

/// Pixels `start ..< start + count` of a line, with the weights from `weight` on, make one pixel of the resized line.
typedef struct {
  int32_t start;
  int32_t count;
  int32_t weight;
} ck_taps;

/// Every row resampled: (rows, length) to (rows, outputs), rounded to 8 bits.
/// `scratch` has room for (length + outputs) * CK_RESIZE_ROWS bytes.
void ck_resize_rows(
  const uint8_t *pixels, int64_t rows, int64_t length, const ck_taps *taps, int64_t outputs, const int32_t *weights,
  uint8_t *scratch, uint8_t *result);

/// Every column resampled: (length, width) to (outputs, width), rounded to 8 bits.
void ck_resize_columns(
  const uint8_t *pixels, int64_t width, const ck_taps *taps, int64_t outputs, const int32_t *weights, uint8_t *result);
