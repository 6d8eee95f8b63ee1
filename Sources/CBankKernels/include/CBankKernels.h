#pragma once
#include <stddef.h>
#include <stdint.h>

// The memory bank's inner loops: MemoryBank's Swift files call them, and KernelTests.swift says in Swift what each
// computes. Where a comment says "bit for bit", a product and the sum it goes into are rounded once, as fma does, in
// the order given (twice on an x86-64 older than AVX2, which cannot): so any number of rows, any company and any other
// instruction set give the same bits.
//
// A panel holds CK_BANK_LANES = 32 embeddings side by side, (D, 32), those that are missing as zeros. A tile holds what
// comes of up to 32 rows and a panel, (rows, 32).

enum { CK_BANK_LANES = 32 };

// MARK: Similarities

/// panel[d * 32 + lane] = embeddings[lane][d], 0 from `count` lanes on. embeddings is (count, dimension), count <= 32.
void ck_bank_panel(const float *embeddings, size_t count, size_t dimension, float *panel);

/// tile[r * 32 + lane] = rows[r] . embedding of lane, bit for bit: in float, element after element.
void ck_bank_similarities(const float *rows, size_t count, size_t dimension, const float *panel, float *tile);

/// values[r] = rows[r] . embedding, in float, in no particular order: for what is compared with a margin.
void ck_bank_row_similarities(const float *rows, size_t count, size_t dimension, const float *embedding, float *values);

/// squares[r] = rows[r] . rows[r], in float, in no particular order. Returns the largest; INFINITY when one overflows or is
/// not a number: the others may then be missing. Fetches as many rows behind them into the cache.
float ck_bank_row_squares(const float *rows, size_t count, size_t dimension, float *squares);

/// tile[r][lane] -= squares[r] / 2, of (rows, lanes).
void ck_bank_subtract_half_squares(float *tile, size_t rows, size_t lanes, const float *squares);

// MARK: Softmax
//
// s is a similarity of a tile, x = (s - maximum) * scale with scale = 1 / temperature, and e = exp(x), in double, bit for
// bit. maxima has one value a lane: the largest s of the whole bank, so that x <= 0. An x below -700 counts as -700, since
// e is 0 wherever it is used. Sums are fixed-point: each term is rounded to a multiple of 2^-40, ties to even.

/// maxima[lane] = the largest of itself and the lane's values. Returns how many values of `lanes` lanes are not finite;
/// those do not count.
int64_t ck_bank_maxima(const float *tile, size_t rows, size_t lanes, float *maxima);

/// sums[lane] += sum of e.
void ck_bank_exponential_sums(const float *tile, size_t rows, const float *maxima, double scale, int64_t *sums);

/// sums[lane] += sum of e, weighted[lane] += sum of -x e. -x e is in 0 ... 1/e.
void ck_bank_entropy_sums(
  const float *tile, size_t rows, const float *maxima, double scale, int64_t *sums, int64_t *weighted);

/// As ck_bank_entropy_sums, with 1 as every maximum: e is then one and the same seen from the lane and from the row, and
/// counts for both. x may be a little above 0.
void ck_bank_pair_sums(
  const float *tile, size_t rows, double scale, int64_t *lane_sums, int64_t *lane_weighted, int64_t *row_sums,
  int64_t *row_weighted);

/// tile[r][lane] = e * inverse_sums[lane], in place of the similarity.
void ck_bank_probabilities(float *tile, size_t rows, const float *maxima, double scale, const double *inverse_sums);

/// sums[lane][d] += sum over the 16 rows of coefficients[r][lane] * rows[r][d]: in float, row after row, bit for bit, then
/// rounded to a multiple of 2^-43. Those beyond `limit` (at most 128) or not a number add nothing.
/// Returns how many those were.
///
/// coefficients is (16, 32), rows is (16, padded), sums is (32, padded); padded is a multiple of 16.
int64_t ck_bank_weighted_sums(const float *coefficients, const float *rows, size_t padded, float limit, int64_t *sums);

// MARK: Shortlists
//
// A shortlist is up to `capacity` similarities and the rows they belong to. List n starts at n * capacity.

/// Appends to lane's list every row whose similarity is not below cutoffs[lane]. Row r is number first + r.
/// There must be room for `rows` more. Returns the largest count.
int32_t ck_bank_shortlist_lanes(
  const float *tile, size_t rows, int32_t first, const float *cutoffs, size_t capacity, float *values, int32_t *numbers,
  int32_t *counts);

/// Appends to row r's list every lane whose similarity is not below cutoffs[r]. Lane l is number first + l.
/// There must be room for 32 more. Returns the largest count.
int32_t ck_bank_shortlist_rows(
  const float *tile, size_t rows, int32_t first, const float *cutoffs, size_t capacity, float *values, int32_t *numbers,
  int32_t *counts);

/// Appends every row whose similarity is not below cutoff to one list. Returns its new count.
int32_t ck_bank_shortlist(
  const float *similarities, size_t rows, int32_t first, float cutoff, float *values, int32_t *numbers, int32_t count);

/// A value that at least k of these are not below, and not many more than k: at most k + k / 8 unless values are equal.
/// All are finite, and 0 < k <= count.
float ck_bank_lower_bound(const float *values, size_t count, size_t k);

/// Keeps what is not below cutoff, in order. Returns how many.
int32_t ck_bank_keep(float *values, int32_t *numbers, int32_t count, float cutoff);

// MARK: The small copy
//
// A byte an element: x = vector - centre is about scale * (byte - 128), x = s c + e. What e may add to a key is bounded by its
// length, so that a key of the small copy and that bound are never below the true key. How it is derived: SmallCopy.swift.

/// What is known of one vector beside its bytes.
typedef struct {
  /// s: of the largest element, / 127.
  float scale;
  /// Not below |x|.
  float length;
  /// Not below |e|.
  float residual;
  /// Not above |x|^2 / 2.
  float half_square;
} ck_bank_small_trait;

/// The same of up to 32 rows, side by side; zeros beyond them.
typedef struct {
  float scales[CK_BANK_LANES];
  float residuals[CK_BANK_LANES];
  /// Not below |s c|.
  float lengths[CK_BANK_LANES];
  float half_squares[CK_BANK_LANES];
} ck_bank_small_traits;

/// What is known of up to 32 queries, side by side: f = t g + h.
typedef struct {
  /// t.
  float scales[CK_BANK_LANES];
  /// What a row's residual counts, |f|, and what its length counts, |h|; each with room for rounding.
  float lengths[CK_BANK_LANES];
  float residuals[CK_BANK_LANES];
  /// 128 times the sum of g: what the rows' bytes have too much.
  int32_t excess[CK_BANK_LANES];
} ck_bank_small_queries;

/// The bytes of one vector, `stride` of them, those from `dimension` on 128: zeros. dimension is at most 2^16. The length is
/// INFINITY where elements are not finite or the square overflows, and there are no bytes then.
ck_bank_small_trait ck_bank_small_vector(
  const float *vector, const float *centre, size_t dimension, size_t stride, uint8_t *bytes);

/// The bytes of up to 32 rows, (count, stride), and their traits. Returns the largest length: INFINITY where elements are not
/// finite or a square overflows, and the rest may then be missing.
float ck_bank_small_strip(
  const float *rows, size_t count, const float *centre, size_t dimension, size_t stride, uint8_t *bytes,
  ck_bank_small_traits *traits);

/// panel[(d / 4) * 128 + lane * 4 + d % 4] = bytes[lane][d] - 128, 0 from `count` lanes on. bytes is (count, stride), stride a
/// multiple of 4.
void ck_bank_small_panel(const uint8_t *bytes, size_t count, size_t stride, int8_t *panel);

/// tile[r * 32 + lane] = bytes[r] . query of lane: the bytes as they are, unsigned.
void ck_bank_small_products(const uint8_t *bytes, size_t count, size_t stride, const int8_t *panel, int32_t *tile);

/// products[r] = bytes[r] . query. query has zeros from `stride` to the next multiple of 64, and as many bytes can be read behind
/// the last row.
void ck_bank_small_row_products(
  const uint8_t *bytes, size_t count, size_t stride, const int8_t *query, int32_t *products);

/// keys[r * 32 + lane]: not below the key of row and query, which is x . f - |x|^2 / 2 * squares; squares is 0 or 1.
void ck_bank_small_keys(
  const int32_t *tile, size_t rows, const ck_bank_small_traits *traits, const ck_bank_small_queries *queries,
  float squares, float *keys);

/// As ck_bank_small_keys, of one lane: products and keys are (rows).
void ck_bank_small_row_keys(
  const int32_t *products, size_t rows, const ck_bank_small_traits *traits, const ck_bank_small_queries *queries,
  size_t lane, float squares, float *keys);

/// How many queries are compared sooner one by one than as a panel.
int ck_bank_small_most_single_queries(void);

// MARK: Dot products in double

/// dots[i] = embedding . rows[numbers[i]], bit for bit.
///
/// Lane l of 8 adds the products of the elements l, l + 8, l + 16 ... in this order; then the lanes are added as
/// ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). The product of two floats is exact in double.
void ck_bank_dots(
  const float *embedding, const float *rows, const int32_t *numbers, size_t count, size_t dimension, double *dots);

/// squares[i] = rows[numbers[i]] . rows[numbers[i]], with the bits of ck_bank_dots.
void ck_bank_squares(const float *rows, const int32_t *numbers, size_t count, size_t dimension, double *squares);

// MARK: Maps, cell by cell

/// nearest[cell] = min(nearest[cell], |query[cell] - map[other]|^2 over the others at most `reach` cells away in either
/// direction), bit for bit. query and map are (side, side, channels), nearest is (side, side). What is not a number is never
/// the nearest.
///
/// Lane l of two times 16 adds the squares of the elements l, l + 32, l + 64 ... in float, each difference, square and sum
/// rounded, those of a last 16 as the first chain's, of fewer as the second's; then lanes l and l + 16, and l and l + 8 of
/// what that gives, are added, and those eight as ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)).
void ck_bank_cells(const float *query, const float *map, size_t side, size_t channels, size_t reach, float *nearest);
