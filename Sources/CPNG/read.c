#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "CPNG.h"
#include "message.h"

// The parts of a file that are known without libpng: signature, length and name of the first chunk, its contents.
enum { SIGNATURE_SIZE = 8, IHDR_NAME = 12, IHDR_WIDTH = 16, IHDR_HEIGHT = 20, IHDR_DEPTH = 24, IHDR_END = 33 };

// deflate's best: one bit for the distance and one for the length of 258 bytes.
enum { MAX_DEFLATE_RATIO = 1032 };

// Everything that outlives a longjmp lives here, behind a pointer: locals of a function that calls setjmp are
// indeterminate after the jump.
typedef struct {
  const uint8_t *bytes;
  size_t count;
  size_t position;
  bool ended_early;

  png_structp png;
  png_infop info;
  uint8_t *row;
  CPNGHeader header;
  int colour_type;
  uint8_t gray[256];  // of a palette index, or of a gray sample of at most 8 bits

  Complaint complaint;
} Reader;

static void read_bytes(png_structp png, png_bytep destination, size_t length) {
  Reader *reader = png_get_io_ptr(png);
  if (length > reader->count - reader->position) {
    reader->ended_early = true;
    png_error(png, "the file ends early");
  }
  memcpy(destination, reader->bytes + reader->position, length);
  reader->position += length;
}

// Signature and size, before libpng allocates anything.
static CPNGStatus check_size(Reader *reader) {
  const uint8_t *bytes = reader->bytes;
  size_t known = reader->count < SIGNATURE_SIZE ? reader->count : SIGNATURE_SIZE;
  if (known == 0 || png_sig_cmp(bytes, 0, known) != 0) return CPNG_NOT_PNG;
  if (reader->count < IHDR_END) return CPNG_TRUNCATED;
  if (memcmp(bytes + IHDR_NAME, "IHDR", 4) != 0) return CPNG_OK;  // libpng has the words for it

  uint64_t width = png_get_uint_32(bytes + IHDR_WIDTH);
  uint64_t height = png_get_uint_32(bytes + IHDR_HEIGHT);
  reader->header.width = (uint32_t)width;
  reader->header.height = (uint32_t)height;
  if (width > CPNG_MAX_SIDE || height > CPNG_MAX_SIDE || width * height > CPNG_MAX_PIXELS) return CPNG_TOO_LARGE;
  // Even the best compression could not bring this many pixels into so few bytes.
  if (width * height * bytes[IHDR_DEPTH] / 8 / MAX_DEFLATE_RATIO > reader->count) return CPNG_TRUNCATED;
  return CPNG_OK;
}

// All chunks up to the pixels, and the table of gray values.
static void read_info(Reader *reader) {
  png_structp png = reader->png;
  png_infop info = reader->info;
  png_set_read_fn(png, reader, read_bytes);
  png_set_user_limits(png, CPNG_MAX_SIDE, CPNG_MAX_SIDE);
  // Text, profiles, gamma and dates are not needed, so their contents cannot do harm.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, (png_const_bytep) "sBIT", 1);
  // Some writers declare a smaller window than they use; Pillow reads their files.
  png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
  png_read_info(png, info);

  reader->header.width = png_get_image_width(png, info);
  reader->header.height = png_get_image_height(png, info);
  reader->header.bit_depth = png_get_bit_depth(png, info);
  reader->colour_type = png_get_color_type(png, info);
  png_color_8p significant = NULL;
  if (png_get_sBIT(png, info, &significant) != 0) {
    // Of colours the finest.
    const png_byte bits[] = {significant->gray, significant->red, significant->green, significant->blue};
    for (size_t i = reader->colour_type & PNG_COLOR_MASK_COLOR ? 1 : 0, end = i == 0 ? 1 : 4; i < end; i++) {
      if (bits[i] > reader->header.significant_bits) reader->header.significant_bits = bits[i];
    }
  }

  if (reader->colour_type == PNG_COLOR_TYPE_PALETTE) {
    png_colorp palette = NULL;
    int entries = 0;
    png_get_PLTE(png, info, &palette, &entries);
    // An index beyond the palette stays black, as in Pillow.
    for (int i = 0; i < entries; i++) {
      png_color c = palette[i];
      reader->gray[i] = (uint8_t)((c.red * 19595 + c.green * 38470 + c.blue * 7471 + 0x8000) >> 16);
    }
  } else if (reader->header.bit_depth <= 8) {
    int largest = (1 << reader->header.bit_depth) - 1;
    for (int i = 0; i <= largest; i++) reader->gray[i] = (uint8_t)(i * 255 / largest);
  }
}

static void gray8_from_row(const Reader *reader, size_t columns, uint8_t *pixels, size_t step) {
  const uint8_t *row = reader->row;
  size_t channels = png_get_channels(reader->png, reader->info);
  if (channels >= 3) {
    for (size_t x = 0; x < columns; x++, row += channels, pixels += step) {
      *pixels = (uint8_t)((row[0] * 19595 + row[1] * 38470 + row[2] * 7471 + 0x8000) >> 16);
    }
  } else {
    for (size_t x = 0; x < columns; x++, row += channels, pixels += step) *pixels = reader->gray[*row];
  }
}

// Samples are big-endian.
static inline uint32_t sample16(const uint8_t *bytes) { return (uint32_t)bytes[0] << 8 | bytes[1]; }

static void float_from_row(const Reader *reader, size_t columns, float *pixels, size_t step) {
  const uint8_t *row = reader->row;
  size_t channels = png_get_channels(reader->png, reader->info);
  if (channels >= 3) {
    for (size_t x = 0; x < columns; x++, row += 2 * channels, pixels += step) {
      // The weights add up to 65536: white is exactly 1.
      double sum = sample16(row) * 19595.0 + sample16(row + 2) * 38470.0 + sample16(row + 4) * 7471.0;
      *pixels = (float)(sum / (65536.0 * 65535.0));
    }
  } else {
    for (size_t x = 0; x < columns; x++, row += 2 * channels, pixels += step) {
      *pixels = (float)(sample16(row) / 65535.0);
    }
  }
}

// The pixels, and the chunks behind them. Exactly one of `eight_bit` and `floating` is not NULL.
static void read_pixels(Reader *reader, uint8_t *eight_bit, float *floating, size_t pixel_count) {
  png_structp png = reader->png;
  size_t width = reader->header.width;
  size_t height = reader->header.height;
  if (width * height != pixel_count) png_error(png, "the size of the image is not the one expected");
  if ((reader->header.bit_depth == 16) != (floating != NULL)) png_error(png, "the bit depth is not the one expected");

  png_set_packing(png);  // samples of 1, 2 and 4 bits take a byte each
  // Without png_set_interlace_handling libpng gives the seven small images of Adam7 as they are:
  // their pixels go straight to their places, and no second image is needed.
  bool interlaced = png_get_interlace_type(png, reader->info) == PNG_INTERLACE_ADAM7;
  png_read_update_info(png, reader->info);
  if (!interlaced && eight_bit != NULL && reader->colour_type == PNG_COLOR_TYPE_GRAY && reader->header.bit_depth == 8) {
    // As most radiographs are: the rows are the pixels.
    for (size_t y = 0; y < height; y++) png_read_row(png, eight_bit + y * width, NULL);
    png_read_end(png, NULL);
    return;
  }
  reader->row = png_malloc(png, png_get_rowbytes(png, reader->info));

  for (int pass = 0; pass < (interlaced ? PNG_INTERLACE_ADAM7_PASSES : 1); pass++) {
    size_t columns = interlaced ? PNG_PASS_COLS(width, pass) : width;
    size_t rows = interlaced ? PNG_PASS_ROWS(height, pass) : height;
    if (columns == 0) continue;
    for (size_t y = 0; y < rows; y++) {
      png_read_row(png, reader->row, NULL);
      size_t start =
        interlaced ? PNG_ROW_FROM_PASS_ROW(y, pass) * width + PNG_COL_FROM_PASS_COL((size_t)0, pass) : y * width;
      size_t step = interlaced ? (size_t)1 << PNG_PASS_COL_SHIFT(pass) : 1;
      if (floating != NULL) {
        float_from_row(reader, columns, floating + start, step);
      } else {
        gray8_from_row(reader, columns, eight_bit + start, step);
      }
    }
  }
  // The last chunk of pixels is checked only on the way to the end.
  png_read_end(png, NULL);
}

// The only function that libpng jumps to. It changes no local variable.
static CPNGStatus read_guarded(Reader *reader, uint8_t *eight_bit, float *floating, size_t pixel_count) {
  if (setjmp(png_jmpbuf(reader->png))) return reader->ended_early ? CPNG_TRUNCATED : CPNG_DAMAGED;
  read_info(reader);
  if (eight_bit != NULL || floating != NULL) read_pixels(reader, eight_bit, floating, pixel_count);
  return CPNG_OK;
}

static CPNGStatus read_image(Reader *reader, uint8_t *eight_bit, float *floating, size_t pixel_count, char *message) {
  CPNGStatus status = check_size(reader);
  if (status == CPNG_OK) {
    reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader->complaint, cpng_on_error, cpng_on_warning);
    if (reader->png == NULL) return CPNG_NO_MEMORY;
    reader->info = png_create_info_struct(reader->png);
    status = reader->info == NULL ? CPNG_NO_MEMORY : read_guarded(reader, eight_bit, floating, pixel_count);
    png_free(reader->png, reader->row);
    png_destroy_read_struct(&reader->png, &reader->info, NULL);
  }
  memcpy(message, reader->complaint.text, CPNG_MESSAGE_SIZE);
  return status;
}

CPNGStatus cpng_read_header(const uint8_t *bytes, size_t count, CPNGHeader *header, char *message) {
  Reader reader = {.bytes = bytes, .count = count};
  CPNGStatus status = read_image(&reader, NULL, NULL, 0, message);
  *header = reader.header;
  return status;
}

CPNGStatus cpng_read_gray8(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t pixel_count, char *message) {
  Reader reader = {.bytes = bytes, .count = count};
  return read_image(&reader, pixels, NULL, pixel_count, message);
}

CPNGStatus cpng_read_gray_float(const uint8_t *bytes, size_t count, float *pixels, size_t pixel_count, char *message) {
  Reader reader = {.bytes = bytes, .count = count};
  return read_image(&reader, NULL, pixels, pixel_count, message);
}
