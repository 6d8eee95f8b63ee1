#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CTIFF.h"
#include "memory.h"

// deflate's best; JPEG's is 2048 pixels a byte, and of LZW a code of 12 bits stands for at most 4096 bytes.
enum { MAX_BYTES_PER_BYTE = 4096 };

typedef struct {
  Memory memory;
  TIFF *tiff;
  CTIFFHeader header;
  uint16_t samples;  // of a pixel, those that are not read among them
  uint8_t *buffer;   // one strip or tile
} Reader;

static CTIFFStatus unsupported(Reader *reader, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reader->memory.message, sizeof reader->memory.message, format, arguments);
  va_end(arguments);
  return CTIFF_UNSUPPORTED;
}

static CTIFFStatus damaged(const Reader *reader) {
  return reader->memory.ended_early ? CTIFF_TRUNCATED : CTIFF_DAMAGED;
}

static const char *name_of_photometric(uint16_t photometric) {
  switch (photometric) {
  case PHOTOMETRIC_PALETTE: return "a palette";
  case PHOTOMETRIC_MASK: return "a transparency mask";
  case PHOTOMETRIC_SEPARATED: return "CMYK colours";
  case PHOTOMETRIC_YCBCR: return "YCbCr colours";
  case PHOTOMETRIC_CIELAB:
  case PHOTOMETRIC_ICCLAB:
  case PHOTOMETRIC_ITULAB: return "Lab colours";
  case PHOTOMETRIC_LOGL:
  case PHOTOMETRIC_LOGLUV: return "logarithmic gray";
  default: return NULL;
  }
}

// What the pixels mean: gray or RGB of whole numbers.
static CTIFFStatus check_kind(Reader *reader) {
  TIFF *tiff = reader->tiff;
  uint16_t bits = 1, samples = 1, format = SAMPLEFORMAT_UINT, planes = PLANARCONFIG_CONTIG, photometric = 0;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planes);
  if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric)) {
    return unsupported(reader, "one that does not say what its samples mean");
  }
  reader->header.bit_depth = bits;
  reader->samples = samples;
  switch (photometric) {
  case PHOTOMETRIC_MINISBLACK:
  case PHOTOMETRIC_MINISWHITE:
    reader->header.colours = 1;
    reader->header.inverted = photometric == PHOTOMETRIC_MINISWHITE;
    break;
  case PHOTOMETRIC_RGB: reader->header.colours = 3; break;
  default: {
    const char *name = name_of_photometric(photometric);
    if (name != NULL) return unsupported(reader, "%s", name);
    return unsupported(reader, "samples of kind %d", photometric);
  }
  }
  // SAMPLEFORMAT_VOID says that nobody knows: whole numbers, then, as where the tag is missing.
  if (format == SAMPLEFORMAT_IEEEFP) return unsupported(reader, "floating-point samples");
  if (format == SAMPLEFORMAT_INT) return unsupported(reader, "samples with a sign");
  if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) return unsupported(reader, "complex samples");
  if (bits != 8 && bits != 16) return unsupported(reader, "%d bits a sample", bits);
  if (samples < reader->header.colours) return unsupported(reader, "RGB of %d samples a pixel", samples);
  if (samples > reader->header.colours + 1) return unsupported(reader, "%d samples a pixel", samples);
  if (samples > 1 && planes != PLANARCONFIG_CONTIG) return unsupported(reader, "colours in planes of their own");
  return CTIFF_OK;
}

static CTIFFStatus check_compression(Reader *reader) {
  uint16_t compression = COMPRESSION_NONE;
  TIFFGetFieldDefaulted(reader->tiff, TIFFTAG_COMPRESSION, &compression);
  switch (compression) {
  case COMPRESSION_NONE:
  case COMPRESSION_LZW:
  case COMPRESSION_PACKBITS:
  case COMPRESSION_DEFLATE:
  case COMPRESSION_ADOBE_DEFLATE:
  case COMPRESSION_JPEG: break;
  default: return unsupported(reader, "compression %d", compression);
  }
  return TIFFIsCODECConfigured(compression) ? CTIFF_OK : unsupported(reader, "compression %d", compression);
}

static CTIFFStatus read_header(Reader *reader) {
  CTIFFHeader *header = &reader->header;
  reader->tiff = ctiff_open(&reader->memory);
  if (reader->tiff == NULL) return damaged(reader);
  uint32_t width = 0, height = 0;
  if (
    !TIFFGetField(reader->tiff, TIFFTAG_IMAGEWIDTH, &width) ||
    !TIFFGetField(reader->tiff, TIFFTAG_IMAGELENGTH, &height)) {
    return unsupported(reader, "one without a size");
  }
  header->width = width;
  header->height = height;
  uint16_t orientation = ORIENTATION_TOPLEFT;
  TIFFGetFieldDefaulted(reader->tiff, TIFFTAG_ORIENTATION, &orientation);
  header->orientation = orientation;
  uint64_t pixels = (uint64_t)width * height;
  if (pixels == 0) return unsupported(reader, "one without pixels");
  if (width > CTIFF_MAX_SIDE || height > CTIFF_MAX_SIDE || pixels > CTIFF_MAX_PIXELS) return CTIFF_TOO_LARGE;
  CTIFFStatus status = check_kind(reader);
  if (status == CTIFF_OK) status = check_compression(reader);
  if (status != CTIFF_OK) return status;
  // Even the best compression could not bring this many pixels into so few bytes.
  if (pixels * reader->samples * (header->bit_depth / 8) / MAX_BYTES_PER_BYTE > reader->memory.count) {
    return CTIFF_TRUNCATED;
  }
  return CTIFF_OK;
}

// libtiff gives samples in the machine's order.
static inline uint32_t sample16(const uint8_t *bytes) {
  uint16_t sample;
  memcpy(&sample, bytes, sizeof sample);
  return sample;
}

static void gray8_from_row(const Reader *reader, const uint8_t *row, size_t columns, uint8_t *pixels) {
  size_t step = reader->samples;
  if (reader->header.colours == 3) {
    for (size_t x = 0; x < columns; x++, row += step) {
      pixels[x] = (uint8_t)((row[0] * 19595 + row[1] * 38470 + row[2] * 7471 + 0x8000) >> 16);
    }
  } else if (step == 1) {
    memcpy(pixels, row, columns);
  } else {
    for (size_t x = 0; x < columns; x++, row += step) pixels[x] = *row;
  }
}

static void float_from_row(const Reader *reader, const uint8_t *row, size_t columns, float *pixels) {
  size_t step = 2 * (size_t)reader->samples;
  if (reader->header.colours == 3) {
    for (size_t x = 0; x < columns; x++, row += step) {
      // The weights add up to 65536: white is exactly 1.
      double sum = sample16(row) * 19595.0 + sample16(row + 2) * 38470.0 + sample16(row + 4) * 7471.0;
      pixels[x] = (float)(sum / (65536.0 * 65535.0));
    }
  } else {
    for (size_t x = 0; x < columns; x++, row += step) pixels[x] = (float)(sample16(row) / 65535.0);
  }
}

// A part of the image, of which `rows` and `columns` lie within it: from the buffer, whose rows take `row_bytes`.
static void place(
  const Reader *reader, size_t left, size_t top, size_t columns, size_t rows, size_t row_bytes, uint8_t *eight_bit,
  float *floating) {
  for (size_t y = 0; y < rows; y++) {
    const uint8_t *row = reader->buffer + y * row_bytes;
    size_t start = (top + y) * reader->header.width + left;
    if (floating != NULL) {
      float_from_row(reader, row, columns, floating + start);
    } else {
      gray8_from_row(reader, row, columns, eight_bit + start);
    }
  }
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static CTIFFStatus read_strips(Reader *reader, uint8_t *eight_bit, float *floating) {
  TIFF *tiff = reader->tiff;
  size_t width = reader->header.width, height = reader->header.height;
  uint32_t per_strip = 0;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &per_strip);
  if (per_strip == 0) return unsupported(reader, "strips of no rows");
  size_t rows_per_strip = least(per_strip, height);
  size_t row_bytes = width * reader->samples * (reader->header.bit_depth / 8);
  if ((size_t)TIFFScanlineSize64(tiff) != row_bytes) return unsupported(reader, "rows of an unusual kind");
  reader->buffer = malloc(rows_per_strip * row_bytes);
  if (reader->buffer == NULL) return CTIFF_NO_MEMORY;
  uint32_t strip = 0;
  for (size_t top = 0; top < height; top += rows_per_strip, strip++) {
    size_t rows = least(rows_per_strip, height - top);
    tmsize_t expected = (tmsize_t)(rows * row_bytes);
    if (TIFFReadEncodedStrip(tiff, strip, reader->buffer, expected) != expected) return damaged(reader);
    if (reader->memory.has_complaint) return damaged(reader);
    place(reader, 0, top, width, rows, row_bytes, eight_bit, floating);
  }
  return CTIFF_OK;
}

static CTIFFStatus read_tiles(Reader *reader, uint8_t *eight_bit, float *floating) {
  TIFF *tiff = reader->tiff;
  size_t width = reader->header.width, height = reader->header.height;
  uint32_t tile_width = 0, tile_height = 0;
  TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
  TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height);
  if (tile_width == 0 || tile_height == 0) return unsupported(reader, "tiles without pixels");
  if (
    tile_width > CTIFF_MAX_SIDE || tile_height > CTIFF_MAX_SIDE ||
    (uint64_t)tile_width * tile_height > CTIFF_MAX_PIXELS) {
    return unsupported(reader, "tiles of %u x %u", tile_width, tile_height);
  }
  size_t row_bytes = (size_t)tile_width * reader->samples * (reader->header.bit_depth / 8);
  size_t size = row_bytes * tile_height;
  if ((size_t)TIFFTileSize64(tiff) != size) return unsupported(reader, "tiles of an unusual kind");
  if (size / MAX_BYTES_PER_BYTE > reader->memory.count) return CTIFF_TRUNCATED;
  reader->buffer = malloc(size);
  if (reader->buffer == NULL) return CTIFF_NO_MEMORY;
  uint32_t tile = 0;
  for (size_t top = 0; top < height; top += tile_height) {
    for (size_t left = 0; left < width; left += tile_width, tile++) {
      if (TIFFReadEncodedTile(tiff, tile, reader->buffer, (tmsize_t)size) != (tmsize_t)size) return damaged(reader);
      if (reader->memory.has_complaint) return damaged(reader);
      place(
        reader, left, top, least(tile_width, width - left), least(tile_height, height - top), row_bytes, eight_bit,
        floating);
    }
  }
  return CTIFF_OK;
}

// Exactly one of `eight_bit` and `floating` is not NULL, or neither for the header alone.
static CTIFFStatus read_image(Reader *reader, uint8_t *eight_bit, float *floating, size_t pixel_count, char *message) {
  CTIFFStatus status = read_header(reader);
  if (status == CTIFF_OK && (eight_bit != NULL || floating != NULL)) {
    const CTIFFHeader *header = &reader->header;
    bool fits =
      (size_t)header->width * header->height == pixel_count && (header->bit_depth == 16) == (floating != NULL);
    // What was said of the directory, of tags that nobody knows, says nothing of the pixels.
    reader->memory.has_complaint = reader->memory.ended_early = false;
    reader->memory.warnings_are_errors = true;
    if (!fits) {
      status = unsupported(reader, "another size than expected");
    } else if (TIFFIsTiled(reader->tiff)) {
      status = read_tiles(reader, eight_bit, floating);
    } else {
      status = read_strips(reader, eight_bit, floating);
    }
  }
  if (reader->tiff != NULL) TIFFClose(reader->tiff);
  free(reader->buffer);
  memcpy(message, reader->memory.message, CTIFF_MESSAGE_SIZE);
  return status;
}

CTIFFStatus ctiff_read_header(const uint8_t *bytes, size_t count, CTIFFHeader *header, char *message) {
  Reader reader = {.memory = {.bytes = bytes, .count = count}};
  CTIFFStatus status = read_image(&reader, NULL, NULL, 0, message);
  *header = reader.header;
  return status;
}

CTIFFStatus ctiff_read_gray8(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t pixel_count, char *message) {
  Reader reader = {.memory = {.bytes = bytes, .count = count}};
  return read_image(&reader, pixels, NULL, pixel_count, message);
}

CTIFFStatus ctiff_read_gray_float(
  const uint8_t *bytes, size_t count, float *pixels, size_t pixel_count, char *message) {
  Reader reader = {.memory = {.bytes = bytes, .count = count}};
  return read_image(&reader, NULL, pixels, pixel_count, message);
}
