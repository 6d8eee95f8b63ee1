// Includes the file PASSES, with the passes over activations for one layout, once for each layout. It finds
//   BLOCK          channels in a block
//   BFLOAT16       defined where activations are stored as bfloat16; computed with as floats they are everywhere
//   NAME(x)        the name x of blocks.h, or a function's, for this layout
// and what follows from them.

#define VECTOR NAME(vector)
#define WIDE NAME(wide)
#define MASK NAME(mask)
#define STORED NAME(stored)
#define LOAD(x) NAME(load)(x)
#define STORE(x) NAME(store)(x)
#define WIDEN(x) __builtin_convertvector((x), WIDE)

// For a slope of at most 1, leaky ReLU is a maximum.
#define LEAKY(x, slope) __builtin_elementwise_max((x), (x) * (slope))
// gradient where x > 0, slope * gradient elsewhere.
#define LEAKY_GRADIENT(x, gradient, slope) \
  (VECTOR)((((x) > 0.0f) & (MASK)(gradient)) | (~((x) > 0.0f) & (MASK)((gradient) * (slope))))

#define BLOCK 16
#define NAME(x) x##_16
#include PASSES
#undef BLOCK
#undef NAME

#define BLOCK 8
#define NAME(x) x##_8
#include PASSES
#undef BLOCK
#undef NAME

#define BLOCK 16
#define BFLOAT16
#define NAME(x) x##_16_bfloat16
#include PASSES
#undef BLOCK
#undef BFLOAT16
#undef NAME
