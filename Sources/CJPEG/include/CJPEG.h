// JPEG images to gray pixels, through libjpeg-turbo.
//
// An error is a longjmp, which must not cross Swift frames: each function here reads a whole image, catches the jump
// itself and returns a status. libjpeg paints over damage and only warns; here a warning is an error.

#pragma once

#include <stddef.h>
#include <stdint.h>

// The largest image that is read: as of PNG. A header that claims more is refused before anything is allocated for it.
#define CJPEG_MAX_SIDE 20000
#define CJPEG_MAX_PIXELS (1 << 28)

// The most passes over an image that a progressive file may ask for: encoders use 6 to 12, and each costs a look at all
// blocks, however few bytes it has.
#define CJPEG_MAX_SCANS 100

// Bytes that a message takes at most, with its closing zero.
#define CJPEG_MESSAGE_SIZE 200

typedef enum {
  CJPEG_OK,
  CJPEG_TRUNCATED,       // the file ends before the image does
  CJPEG_TOO_LARGE,       // beyond CJPEG_MAX_SIDE or CJPEG_MAX_PIXELS
  CJPEG_TOO_MANY_SCANS,  // beyond CJPEG_MAX_SCANS
  CJPEG_BIT_DEPTH,       // not 8 bits a sample
  CJPEG_ARITHMETIC,      // arithmetic coding
  CJPEG_PROCESS,         // a lossless or hierarchical one
  CJPEG_COLOURS,         // neither gray nor three colours: CMYK, YCCK
  CJPEG_DAMAGED,         // any other complaint or warning of libjpeg: `message` has it
  CJPEG_NO_MEMORY,
} CJPEGStatus;

typedef struct {
  uint32_t width;  // as stored, before `orientation` is applied
  uint32_t height;
  uint32_t bit_depth;    // of one sample
  uint32_t components;   // 1 gray, 3 colours, 4 CMYK or YCCK
  uint32_t orientation;  // EXIF's, 1...8; 1 where the file has none
} CJPEGHeader;

// Reads what stands before the pixels. Where the image is refused for its size, depth or colours, `header` holds what
// the file claims.
CJPEGStatus cjpeg_read_header(const uint8_t *bytes, size_t count, CJPEGHeader *header, char *message);

// Reads an image as width x height gray values, as Pillow's convert("L") has them; not turned by its orientation.
CJPEGStatus cjpeg_read_gray8(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t pixel_count, char *message);

// Writes an 8-bit gray image, quality 1...100, into memory that the caller gives back to cjpeg_free.
CJPEGStatus cjpeg_write_gray8(
  const uint8_t *pixels, uint32_t width, uint32_t height, int32_t quality, uint8_t **bytes, size_t *count);

void cjpeg_free(uint8_t *bytes);
