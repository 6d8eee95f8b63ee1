// PNG images to gray pixels and back, through libpng.
//
// libpng reports an error by longjmp, which must not cross Swift frames: each function here reads or writes a whole
// image, catches the jump itself and returns a status.

#pragma once

#include <stddef.h>
#include <stdint.h>

// The largest image that is read. A header that claims more is refused before anything is allocated for it.
#define CPNG_MAX_SIDE 20000
#define CPNG_MAX_PIXELS (1 << 28)

// Bytes that a message takes at most, with its closing zero.
#define CPNG_MESSAGE_SIZE 160

typedef enum {
  CPNG_OK,
  CPNG_NOT_PNG,    // the PNG signature is missing
  CPNG_TRUNCATED,  // the file ends before the image does
  CPNG_TOO_LARGE,  // beyond CPNG_MAX_SIDE or CPNG_MAX_PIXELS
  CPNG_DAMAGED,    // any other complaint of libpng: `message` has it
  CPNG_NO_MEMORY,
} CPNGStatus;

typedef struct {
  uint32_t width;
  uint32_t height;
  uint32_t bit_depth;         // of one sample: 1, 2, 4, 8 or 16
  uint32_t significant_bits;  // of the scanner, as sBIT says; 0 where the file does not say
} CPNGHeader;

// Reads what stands before the pixels. With CPNG_TOO_LARGE, `header` holds the size that the file claims.
CPNGStatus cpng_read_header(const uint8_t *bytes, size_t count, CPNGHeader *header, char *message);

// Reads an image of at most 8 bits a sample as width x height gray values, as Pillow's convert("L") has them.
// Alpha, transparency, gamma and colour profiles are ignored.
CPNGStatus cpng_read_gray8(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t pixel_count, char *message);

// Reads an image of 16 bits a sample as width x height gray values in 0...1.
CPNGStatus cpng_read_gray_float(const uint8_t *bytes, size_t count, float *pixels, size_t pixel_count, char *message);

// Writes an 8-bit image, gray of 1 channel or red, green and blue of 3, into memory that the caller gives back to cpng_free.
// Equal pixels give equal bytes.
CPNGStatus cpng_write(
  const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, uint8_t **bytes, size_t *count,
  char *message);

void cpng_free(uint8_t *bytes);
