#pragma once

#include "vectors.h"

// Along one axis, four outputs y of six inputs d and three weights g, by Toom-Cook at 0, +-a, +-b and infinity:
//
//     y = A' [(G g) . (B' d)]
//
// and along both by doing so twice. What is multiplied are 36 positions, each a matrix product over channels for a block of
// tiles. With a = 5/8 and b = 3/2 rounding hurts less than with the textbook's 1 and 2.

#define A 0.625f
#define B 1.5f
#define AA (A * A)
#define BB (B * B)
// What the points' polynomials divide by.
#define AT_0 (AA * BB)
#define AT_A (2 * AA * (AA - BB))
#define AT_B (2 * BB * (BB - AA))

// MARK: Along one axis

/// out = B' in, 6 to 6.
#define TRANSFORM_SOURCE(out, in)                                  \
  {                                                                \
    lanes even_a = in(4) - BB * in(2), odd_a = in(3) - BB * in(1); \
    lanes even_b = in(4) - AA * in(2), odd_b = in(3) - AA * in(1); \
    out(0) = in(4) - (AA + BB) * in(2) + AA * BB * in(0);          \
    out(1) = even_a + A * odd_a;                                   \
    out(2) = even_a - A * odd_a;                                   \
    out(3) = even_b + B * odd_b;                                   \
    out(4) = even_b - B * odd_b;                                   \
    out(5) = in(5) - (AA + BB) * in(3) + AA * BB * in(1);          \
  }

/// out = A' in, 6 to 4.
#define TRANSFORM_SUMS(out, in)                                       \
  {                                                                   \
    lanes sum_a = in(1) + in(2), difference_a = in(1) - in(2);        \
    lanes sum_b = in(3) + in(4), difference_b = in(3) - in(4);        \
    out(0) = in(0) + sum_a + sum_b;                                   \
    out(1) = A * difference_a + B * difference_b;                     \
    out(2) = AA * sum_a + BB * sum_b;                                 \
    out(3) = A * AA * difference_a + (B * BB * difference_b + in(5)); \
  }

/// out = A in, 4 to 6.
#define TRANSFORM_GRADIENT(out, in)                                \
  {                                                                \
    lanes even_a = in(0) + AA * in(2), odd_a = in(1) + AA * in(3); \
    lanes even_b = in(0) + BB * in(2), odd_b = in(1) + BB * in(3); \
    out(0) = in(0);                                                \
    out(1) = even_a + A * odd_a;                                   \
    out(2) = even_a - A * odd_a;                                   \
    out(3) = even_b + B * odd_b;                                   \
    out(4) = even_b - B * odd_b;                                   \
    out(5) = in(3);                                                \
  }

/// out = G in, 3 to 6.
#define TRANSFORM_WEIGHTS(out, in)                                                       \
  {                                                                                      \
    lanes even_a = (1 / AT_A) * in(0) + (AA / AT_A) * in(2), odd_a = (A / AT_A) * in(1); \
    lanes even_b = (1 / AT_B) * in(0) + (BB / AT_B) * in(2), odd_b = (B / AT_B) * in(1); \
    out(0) = (1 / AT_0) * in(0);                                                         \
    out(1) = even_a + odd_a;                                                             \
    out(2) = even_a - odd_a;                                                             \
    out(3) = even_b + odd_b;                                                             \
    out(4) = even_b - odd_b;                                                             \
    out(5) = in(2);                                                                      \
  }

/// out = G' in, 6 to 3.
#define TRANSFORM_WEIGHT_SUMS(out, in)                                     \
  {                                                                        \
    lanes sum_a = in(1) + in(2), difference_a = in(1) - in(2);             \
    lanes sum_b = in(3) + in(4), difference_b = in(3) - in(4);             \
    out(0) = (1 / AT_0) * in(0) + (1 / AT_A) * sum_a + (1 / AT_B) * sum_b; \
    out(1) = (A / AT_A) * difference_a + (B / AT_B) * difference_b;        \
    out(2) = (AA / AT_A) * sum_a + (BB / AT_B) * sum_b + in(5);            \
  }

// MARK: Along both

/// Along columns, then along rows: from side_in x side_in vectors, `in(vector, y, x)`, to side_out x side_out.
#define TRANSFORM(transform, side_in, side_out, in, out)              \
  {                                                                   \
    lanes half[side_out][side_in];                                    \
    UNROLLED                                                          \
    for (int x = 0; x < side_in; x++) {                               \
      lanes column[side_in], columns_out[side_out];                   \
      UNROLLED                                                        \
      for (int y = 0; y < side_in; y++) in(column[y], y, x);          \
      transform(COLUMN_OUT, COLUMN_IN);                               \
      UNROLLED                                                        \
      for (int y = 0; y < side_out; y++) half[y][x] = columns_out[y]; \
    }                                                                 \
    UNROLLED                                                          \
    for (int y = 0; y < side_out; y++) {                              \
      lanes row_out[side_out];                                        \
      transform(ROW_OUT, ROW_IN);                                     \
      UNROLLED                                                        \
      for (int x = 0; x < side_out; x++) out(row_out[x], y, x);       \
    }                                                                 \
  }
#define COLUMN_IN(i) column[i]
#define COLUMN_OUT(i) columns_out[i]
#define ROW_IN(i) half[y][i]
#define ROW_OUT(i) row_out[i]
