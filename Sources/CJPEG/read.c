#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "CJPEG.h"
#include "orientation.h"

#ifndef JCS_EXTENSIONS
#error libjpeg-turbo is needed, found another libjpeg: install libjpeg-turbo and its headers
#endif

// The fewest bits of a block of 64 pixels: one for its DC. The densest component may have a quarter of the image's
// columns or rows.
enum { MAX_PIXELS_PER_BYTE = 64 * 8 * 4 };

// Everything that outlives a longjmp lives here, behind a pointer: locals of a function that calls setjmp are
// indeterminate after the jump.
typedef struct {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  jmp_buf jump;

  const uint8_t *bytes;
  size_t count;
  CJPEGHeader header;
  uint8_t *row;

  CJPEGStatus status;  // what the jump reports
  char message[JMSG_LENGTH_MAX];
} Reader;

static _Noreturn void stop(Reader *reader, CJPEGStatus status) {
  reader->status = status;
  longjmp(reader->jump, 1);
}

static void on_error(j_common_ptr jpeg) {
  Reader *reader = jpeg->client_data;
  switch (jpeg->err->msg_code) {
  case JERR_BAD_PRECISION: reader->header.bit_depth = (uint32_t)jpeg->err->msg_parm.i[0]; stop(reader, CJPEG_BIT_DEPTH);
  case JERR_ARITH_NOTIMPL: stop(reader, CJPEG_ARITHMETIC);
  case JERR_SOF_UNSUPPORTED: stop(reader, CJPEG_PROCESS);
  default: jpeg->err->format_message(jpeg, reader->message); stop(reader, CJPEG_DAMAGED);
  }
}

// Below 0 is a warning: corrupt data that libjpeg would paint over. Above 0 are traces.
static void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  // A newer version's number, or another number for the colours, says nothing of damage.
  if (jpeg->err->msg_code == JWRN_JFIF_MAJOR || jpeg->err->msg_code == JWRN_ADOBE_XFORM) return;
  on_error(jpeg);
}

static void print_nothing(j_common_ptr jpeg) { (void)jpeg; }

static void take_no_notice(j_decompress_ptr jpeg) { (void)jpeg; }

// The whole file is in memory: who asks for more is beyond its end.
static boolean end_early(j_decompress_ptr jpeg) { stop(jpeg->client_data, CJPEG_TRUNCATED); }

static void skip(j_decompress_ptr jpeg, long count) {
  if (count <= 0) return;
  if ((size_t)count > jpeg->src->bytes_in_buffer) stop(jpeg->client_data, CJPEG_TRUNCATED);
  jpeg->src->next_input_byte += count;
  jpeg->src->bytes_in_buffer -= (size_t)count;
}

static void watch_scans(j_common_ptr jpeg) {
  if (((j_decompress_ptr)jpeg)->input_scan_number > CJPEG_MAX_SCANS) stop(jpeg->client_data, CJPEG_TOO_MANY_SCANS);
}

static void read_header(Reader *reader) {
  j_decompress_ptr jpeg = &reader->jpeg;
  jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(jpeg, TRUE);

  CJPEGHeader *header = &reader->header;
  header->width = jpeg->image_width;
  header->height = jpeg->image_height;
  header->bit_depth = (uint32_t)jpeg->data_precision;
  header->components = (uint32_t)jpeg->num_components;
  header->orientation = 0;
  for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker != NULL; marker = marker->next) {
    if (header->orientation == 0) header->orientation = cjpeg_orientation(marker->data, marker->data_length);
  }
  if (header->orientation == 0) header->orientation = 1;

  uint64_t pixels = (uint64_t)header->width * header->height;
  if (header->width > CJPEG_MAX_SIDE || header->height > CJPEG_MAX_SIDE || pixels > CJPEG_MAX_PIXELS) {
    stop(reader, CJPEG_TOO_LARGE);
  }
  if (jpeg->arith_code) stop(reader, CJPEG_ARITHMETIC);
  if (header->bit_depth != 8) stop(reader, CJPEG_BIT_DEPTH);
  if (header->components != 1 && header->components != 3) stop(reader, CJPEG_COLOURS);
  // Even the best compression could not bring this many pixels into so few bytes.
  if (pixels / MAX_PIXELS_PER_BYTE > reader->count) stop(reader, CJPEG_TRUNCATED);
}

static void read_pixels(Reader *reader, uint8_t *pixels, size_t pixel_count) {
  j_decompress_ptr jpeg = &reader->jpeg;
  size_t width = reader->header.width;
  if (width * reader->header.height != pixel_count) ERREXIT(jpeg, JERR_IMAGE_TOO_BIG);
  bool gray = reader->header.components == 1;
  // With a fourth byte, which it leaves alone, the sums below fit vectors.
  jpeg->out_color_space = gray ? JCS_GRAYSCALE : JCS_EXT_RGBX;
  // As Pillow: the accurate transform at full size. Its own reduced sizes are up to 5 gray levels off after the resize.
  jpeg->dct_method = JDCT_ISLOW;
  jpeg_start_decompress(jpeg);
  if (!gray) {
    reader->row = malloc(4 * width);
    if (reader->row == NULL) ERREXIT1(jpeg, JERR_OUT_OF_MEMORY, 0);
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *destination = pixels + jpeg->output_scanline * width;
    JSAMPROW row = gray ? destination : reader->row;
    jpeg_read_scanlines(jpeg, &row, 1);
    if (gray) continue;
    for (size_t x = 0; x < width; x++) {
      const uint8_t *rgb = row + 4 * x;
      destination[x] = (uint8_t)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
    }
  }
  // Reads on to the end of the image: a file without it was cut short.
  jpeg_finish_decompress(jpeg);
}

// The only function that is jumped to. It changes no local variable.
static CJPEGStatus read_guarded(Reader *reader, uint8_t *pixels, size_t pixel_count) {
  if (setjmp(reader->jump)) return reader->status;
  jpeg_create_decompress(&reader->jpeg);
  reader->jpeg.client_data = reader;
  reader->jpeg.src = &reader->source;
  reader->jpeg.progress = &reader->progress;
  read_header(reader);
  if (pixels != NULL) read_pixels(reader, pixels, pixel_count);
  return CJPEG_OK;
}

static CJPEGStatus read_image(Reader *reader, uint8_t *pixels, size_t pixel_count, char *message) {
  reader->jpeg.err = jpeg_std_error(&reader->errors);
  reader->errors.error_exit = on_error;
  reader->errors.emit_message = on_message;
  reader->errors.output_message = print_nothing;
  reader->jpeg.client_data = reader;
  reader->source.next_input_byte = reader->bytes;
  reader->source.bytes_in_buffer = reader->count;
  reader->source.init_source = take_no_notice;
  reader->source.fill_input_buffer = end_early;
  reader->source.skip_input_data = skip;
  reader->source.resync_to_restart = jpeg_resync_to_restart;
  reader->source.term_source = take_no_notice;
  reader->progress.progress_monitor = watch_scans;
  CJPEGStatus status = read_guarded(reader, pixels, pixel_count);
  jpeg_destroy_decompress(&reader->jpeg);
  free(reader->row);
  snprintf(message, CJPEG_MESSAGE_SIZE, "%.*s", CJPEG_MESSAGE_SIZE - 1, reader->message);
  return status;
}

CJPEGStatus cjpeg_read_header(const uint8_t *bytes, size_t count, CJPEGHeader *header, char *message) {
  Reader reader = {.bytes = bytes, .count = count};
  CJPEGStatus status = read_image(&reader, NULL, 0, message);
  *header = reader.header;
  return status;
}

CJPEGStatus cjpeg_read_gray8(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t pixel_count, char *message) {
  Reader reader = {.bytes = bytes, .count = count};
  return read_image(&reader, pixels, pixel_count, message);
}
