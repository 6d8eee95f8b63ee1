#pragma once
#include <stdint.h>

// 3 x 3 convolutions of stride 1, padded by 1, by Winograd's minimal filtering F(4 x 4, 3 x 3) (Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks", 2016): a quarter of the multiplications.
//
// Activations are blocked as in CNetworkKernels.h: (images, blocks, side, side, block), floats or bfloat16 by `layout`:
// ck_blocks_of_16 and ck_blocks_of_16_bfloat16, for CPUs with AVX-512 alone, or ck_blocks_of_8, for all x86-64; `side` is
// a multiple of 4. Whatever they are stored as, all is computed with
// as floats. An image's results depend neither on the other images nor on their number; the order of every sum is fixed.

/// Floats of working memory that either pass needs, 64-byte aligned.
int64_t ck_winograd_scratch(int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side, int64_t layout);

/// What ck_normalise or, where `pools` is not 0, ck_normalise_pool does with a convolution's output, by channel.
typedef struct {
  const float *scale, *shift;
  float slope;
  int pools;
} ck_normalisation;

/// destination = source (*) weights, where `weights` are OIhw<block>i<block>o, and then normalised where `then` is not NULL. Pooled it is
/// (images, output_blocks, side / 2, side / 2, block).
void ck_winograd_convolve(
  const void *source, const float *weights, int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side,
  int64_t layout, const ck_normalisation *then, void *destination, float *scratch);

/// The same convolution's source gradient, where `weights` are OIhw<block>o<block>i.
void ck_winograd_source_gradient(
  const void *gradient, const float *weights, int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side,
  int64_t layout, void *source_gradient, float *scratch);

/// Its weight gradient, OIhw<block>i<block>o.
void ck_winograd_weight_gradient(
  const void *source, const void *gradient, int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side,
  int64_t layout, float *weight_gradient, float *scratch);

// MARK: By several threads

typedef enum { ck_winograd_forward, ck_winograd_of_source, ck_winograd_of_weights } ck_winograd_kind;

/// One of the three passes above, in two phases of pieces: all of phase 0 are done before the first of phase 1, and the pieces
/// of a phase by any threads in any order. The bits follow from the shape alone; of the two convolutions they are those above.
typedef struct {
  ck_winograd_kind kind;
  /// Of the convolution, whatever the pass.
  int64_t images, input_blocks, output_blocks, side, layout;
  /// What is read: the source, or for its gradient the output's gradient.
  const void *source;
  /// For the weights' gradient: of the output.
  const void *gradient;
  const float *weights;
  const ck_normalisation *then;
  void *destination;
  float *weight_gradient;
  /// ck_winograd_shared floats of all pieces.
  float *shared;
} ck_winograd_pass;

int64_t ck_winograd_pieces(const ck_winograd_pass *pass, int phase);

/// Floats that the pieces share, and that each thread needs of its own.
int64_t ck_winograd_shared(const ck_winograd_pass *pass);
int64_t ck_winograd_own(const ck_winograd_pass *pass);

void ck_winograd_piece(const ck_winograd_pass *pass, int phase, int64_t piece, float *own);
