// TIFF images to gray pixels, through libtiff: the first page of a file in memory.
//
// libtiff returns its errors and says them by handlers, which are this file's own: nothing is printed.

#pragma once

#include <stddef.h>
#include <stdint.h>

// The largest image that is read: as of PNG. A directory that claims more is refused before anything is allocated for it.
#define CTIFF_MAX_SIDE 20000
#define CTIFF_MAX_PIXELS (1 << 28)

// Bytes that a message takes at most, with its closing zero.
#define CTIFF_MESSAGE_SIZE 200

typedef enum {
  CTIFF_OK,
  CTIFF_TRUNCATED,    // the file ends before the image does
  CTIFF_TOO_LARGE,    // beyond CTIFF_MAX_SIDE or CTIFF_MAX_PIXELS
  CTIFF_UNSUPPORTED,  // another kind of image than is read: `message` says which
  CTIFF_DAMAGED,      // any other complaint of libtiff: `message` has it
  CTIFF_NO_MEMORY,
} CTIFFStatus;

typedef struct {
  uint32_t width;  // as stored, before `orientation` is applied
  uint32_t height;
  uint32_t bit_depth;    // of one sample: 8 or 16
  uint32_t colours;      // 1 gray, 3 RGB; further samples of a pixel are not read
  uint32_t inverted;     // 1: 0 is white; the pixels are given as stored
  uint32_t orientation;  // 1...8
} CTIFFHeader;

// Reads the first directory. With CTIFF_TOO_LARGE, `header` holds the size that the file claims.
CTIFFStatus ctiff_read_header(const uint8_t *bytes, size_t count, CTIFFHeader *header, char *message);

// Reads an image of 8 bits a sample as width x height gray values, colours as Pillow's convert("L") weighs them.
CTIFFStatus ctiff_read_gray8(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t pixel_count, char *message);

// Reads an image of 16 bits a sample as width x height gray values in 0...1.
CTIFFStatus ctiff_read_gray_float(const uint8_t *bytes, size_t count, float *pixels, size_t pixel_count, char *message);
