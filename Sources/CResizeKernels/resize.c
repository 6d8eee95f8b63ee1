#include <string.h>

#include "CResizeKernels.h"
#include "vectors.h"

// Integers: the order of the sums does not matter, so the vectors may run across rows or columns, whichever lie side by
// side. Each version splits these as its registers want them.
typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef int32_t Sums __attribute__((vector_size(64)));

enum { LANES = CK_RESIZE_ROWS };

ALWAYS_INLINE void add(Sums *sums, const uint8_t *pixels, int32_t weight) {
  Bytes bytes;
  memcpy(&bytes, pixels, sizeof bytes);
  *sums += __builtin_convertvector(bytes, Sums) * weight;
}

// Half a unit, where each sum begins, makes the shift round.
#define HALF ((Sums){0} + (1 << (CK_RESIZE_PRECISION - 1)))

ALWAYS_INLINE void store(const Sums *sums, uint8_t *pixels) {
  Sums values = *sums >> CK_RESIZE_PRECISION;
  values &= ~(values >> 31);
  Sums above = values > 255;
  values = (values & ~above) | (above & 255);
  Bytes bytes = __builtin_convertvector(values, Bytes);
  memcpy(pixels, &bytes, sizeof bytes);
}

// Turns 16 x 16 bytes on their side: four times each half of the lines is laced into the other.
ALWAYS_INLINE void turn(const uint8_t *source, int64_t source_stride, uint8_t *destination, int64_t stride) {
  Bytes lines[LANES], laced[LANES];
  for (int line = 0; line < LANES; line++) memcpy(&lines[line], source + line * source_stride, sizeof *lines);
  for (int pass = 0; pass < 4; pass++) {
    for (int line = 0; line < LANES / 2; line++) {
      laced[2 * line] =
        __builtin_shufflevector(lines[line], lines[line + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      laced[2 * line + 1] = __builtin_shufflevector(
        lines[line], lines[line + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    memcpy(lines, laced, sizeof lines);
  }
  for (int line = 0; line < LANES; line++) memcpy(destination + line * stride, &lines[line], sizeof *lines);
}

// Sixteen rows at a time are turned on their side, so that a tap reads one pixel of each.
DISPATCHED(
  void, ck_resize_rows,
  (const uint8_t *pixels, int64_t rows, int64_t length, const ck_taps *taps, int64_t outputs, const int32_t *weights,
   uint8_t *scratch, uint8_t *result),
  (pixels, rows, length, taps, outputs, weights, scratch, result)) {
  uint8_t *turned = scratch, *resized = scratch + length * LANES;
  for (int64_t first = 0; first < rows; first += LANES) {
    int64_t present = rows - first < LANES ? rows - first : LANES;
    if (present < LANES) memset(turned, 0, (size_t)(length * LANES));
    int64_t whole = present == LANES ? length / LANES * LANES : 0;
    for (int64_t x = 0; x < whole; x += LANES) turn(pixels + first * length + x, length, turned + x * LANES, LANES);
    for (int64_t lane = 0; lane < present; lane++) {
      const uint8_t *row = pixels + (first + lane) * length;
      for (int64_t x = whole; x < length; x++) turned[x * LANES + lane] = row[x];
    }
    for (int64_t x = 0; x < outputs; x++) {
      Sums sums = HALF;
      const uint8_t *source = turned + (int64_t)taps[x].start * LANES;
      const int32_t *weight = weights + taps[x].weight;
      for (int32_t tap = 0; tap < taps[x].count; tap++) add(&sums, source + tap * LANES, weight[tap]);
      store(&sums, resized + x * LANES);
    }
    whole = present == LANES ? outputs / LANES * LANES : 0;
    for (int64_t x = 0; x < whole; x += LANES) turn(resized + x * LANES, LANES, result + first * outputs + x, outputs);
    for (int64_t lane = 0; lane < present; lane++) {
      uint8_t *row = result + (first + lane) * outputs;
      for (int64_t x = whole; x < outputs; x++) row[x] = resized[x * LANES + lane];
    }
  }
}

DISPATCHED(
  void, ck_resize_columns,
  (const uint8_t *pixels, int64_t width, const ck_taps *taps, int64_t outputs, const int32_t *weights, uint8_t *result),
  (pixels, width, taps, outputs, weights, result)) {
  for (int64_t y = 0; y < outputs; y++) {
    const uint8_t *source = pixels + (int64_t)taps[y].start * width;
    const int32_t *weight = weights + taps[y].weight;
    for (int64_t first = 0; first < width; first += LANES) {
      int64_t present = width - first < LANES ? width - first : LANES;
      Sums sums = HALF;
      if (present == LANES) {
        for (int32_t tap = 0; tap < taps[y].count; tap++) add(&sums, source + tap * width + first, weight[tap]);
        store(&sums, result + y * width + first);
        continue;
      }
      for (int32_t tap = 0; tap < taps[y].count; tap++) {
        uint8_t last[LANES] = {0};
        memcpy(last, source + tap * width + first, (size_t)present);
        add(&sums, last, weight[tap]);
      }
      uint8_t last[LANES];
      store(&sums, last);
      memcpy(result + y * width + first, last, (size_t)present);
    }
  }
}
