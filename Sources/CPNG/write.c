#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "CPNG.h"
#include "message.h"

typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
  png_structp png;
  png_infop info;
  Complaint complaint;
} Writer;

static void append(png_structp png, png_bytep source, size_t length) {
  Writer *writer = png_get_io_ptr(png);
  if (length > writer->capacity - writer->count) {
    size_t capacity = 2 * writer->capacity + length + 4096;
    uint8_t *grown = realloc(writer->bytes, capacity);
    if (grown == NULL) png_error(png, "out of memory");
    writer->bytes = grown;
    writer->capacity = capacity;
  }
  memcpy(writer->bytes + writer->count, source, length);
  writer->count += length;
}

static void flush(png_structp png) { (void)png; }

// The only function that libpng jumps to. It changes no variable that is used after the jump.
static CPNGStatus write_guarded(
  Writer *writer, const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels) {
  png_structp png = writer->png;
  if (setjmp(png_jmpbuf(png))) return CPNG_DAMAGED;
  png_set_write_fn(png, writer, append, flush);
  png_set_IHDR(
    png, writer->info, width, height, 8, channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
    PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  // Both are fixed, so that the bytes follow from the pixels (and the version of zlib) alone.
  png_set_compression_level(png, 6);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
  png_write_info(png, writer->info);
  for (size_t y = 0; y < height; y++) png_write_row(png, pixels + y * width * channels);
  png_write_end(png, NULL);
  return CPNG_OK;
}

CPNGStatus cpng_write(
  const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, uint8_t **bytes, size_t *count,
  char *message) {
  Writer writer = {0};
  CPNGStatus status = CPNG_NO_MEMORY;
  writer.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writer.complaint, cpng_on_error, cpng_on_warning);
  if (writer.png != NULL) writer.info = png_create_info_struct(writer.png);
  if (writer.info != NULL) status = write_guarded(&writer, pixels, width, height, channels);
  if (writer.png != NULL) png_destroy_write_struct(&writer.png, &writer.info);
  memcpy(message, writer.complaint.text, CPNG_MESSAGE_SIZE);
  if (status != CPNG_OK) {
    free(writer.bytes);
    return status;
  }
  *bytes = writer.bytes;
  *count = writer.count;
  return CPNG_OK;
}

void cpng_free(uint8_t *bytes) { free(bytes); }
