#pragma once
#include <stddef.h>
#include <stdint.h>

// oneDNN's direct convolutions on one fixed shape, one thread and blocked layouts: what the autoencoder needs of
// oneDNN, and the only place that includes its headers, so that another major version touches this folder alone.
//
// Activations are (n, channels / block, height, width, block) floats; a convolution that reads the image itself
// takes plain (n, channels, height, width). Channels are multiples of the block, padded with zeros by the caller.
// Packed weights are OIhw<block>i<block>o for the forward pass and for weight gradients, OIhw<block>o<block>i for
// data gradients. With a plain source they are Ohwi<block>o, and there is a forward pass only.
//
// In bfloat16, where the CPU has instructions for it, activations, their gradients and packed weights are, in blocks of 16;
// sums and weight gradients are floats. Packed weights are OIhw8i16o2i forward, OIhw8o16i2o for data gradients, or
// IOhw8o16i2o where the kernel is 1 x 1. A plain source has no such version.

/// Channels in a block: 16 where the CPU has AVX-512, 8 elsewhere.
int ck_onednn_block(void);

/// 1 where oneDNN convolves by the CPU's own bfloat16 instructions, else 0.
int ck_onednn_has_bfloat16(void);

/// The instruction set that oneDNN uses here, such as "avx512_core_bf16".
const char *ck_onednn_instruction_set(void);

/// oneDNN's version, such as "2.6.0".
void ck_onednn_version(int *major, int *minor, int *patch);

typedef struct {
  int images, input_channels, output_channels;
  int height, width;  // of the source
  int kernel, stride, padding;
  int block;
  int plain_source;  // 1: the source is the image, (n, c, h, w)
  int training;      // 0: forward only
  int bfloat16;      // 1: activations and packed weights are
} ck_convolution_shape;

typedef struct ck_convolution ck_convolution;

/// NULL with a reason in `error` when oneDNN has no such primitive. The calling thread's OpenMP setting is made one
/// thread first: kernels are laid out for the number of threads at creation.
ck_convolution *ck_convolution_create(const ck_convolution_shape *shape, char *error, size_t error_size);
void ck_convolution_destroy(ck_convolution *convolution);

/// Bytes of working memory that any pass needs; the caller owns it, one piece a thread.
size_t ck_convolution_scratch_size(const ck_convolution *convolution);

/// Runs one pass on the calling thread; 0, or oneDNN's status. Safe from several threads with different scratch.
///   forward:          source, packed weights -> destination
///   backward data:    destination gradient, packed weights -> source gradient
///   backward weights: source, destination gradient -> packed weight gradient
int ck_convolution_run_forward(
  const ck_convolution *convolution, const void *source, const void *weights, void *destination, void *scratch);
int ck_convolution_run_backward_data(
  const ck_convolution *convolution, const void *destination_gradient, const void *weights, void *source_gradient,
  void *scratch);
int ck_convolution_run_backward_weights(
  const ck_convolution *convolution, const void *source, const void *destination_gradient, float *weight_gradient,
  void *scratch);
