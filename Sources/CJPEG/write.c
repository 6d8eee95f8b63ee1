#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "CJPEG.h"

typedef struct {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  jmp_buf jump;
  unsigned char *bytes;
  unsigned long count;
} Writer;

static void on_error(j_common_ptr jpeg) { longjmp(((Writer *)jpeg->client_data)->jump, 1); }

static void print_nothing(j_common_ptr jpeg) { (void)jpeg; }

// The only function that is jumped to. It changes no local variable.
static CJPEGStatus write_guarded(
  Writer *writer, const uint8_t *pixels, uint32_t width, uint32_t height, int32_t quality) {
  if (setjmp(writer->jump)) return CJPEG_NO_MEMORY;
  j_compress_ptr jpeg = &writer->jpeg;
  jpeg_create_compress(jpeg);
  jpeg->client_data = writer;
  jpeg_mem_dest(jpeg, &writer->bytes, &writer->count);
  jpeg->image_width = width;
  jpeg->image_height = height;
  jpeg->input_components = 1;
  jpeg->in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults(jpeg);
  jpeg_set_quality(jpeg, quality, TRUE);
  jpeg_start_compress(jpeg, TRUE);
  while (jpeg->next_scanline < height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)jpeg->next_scanline * width);
    jpeg_write_scanlines(jpeg, &row, 1);
  }
  jpeg_finish_compress(jpeg);
  return CJPEG_OK;
}

CJPEGStatus cjpeg_write_gray8(
  const uint8_t *pixels, uint32_t width, uint32_t height, int32_t quality, uint8_t **bytes, size_t *count) {
  Writer writer = {0};
  writer.jpeg.err = jpeg_std_error(&writer.errors);
  writer.errors.error_exit = on_error;
  writer.errors.output_message = print_nothing;
  writer.jpeg.client_data = &writer;
  CJPEGStatus status = write_guarded(&writer, pixels, width, height, quality);
  jpeg_destroy_compress(&writer.jpeg);
  if (status != CJPEG_OK) {
    free(writer.bytes);
    return status;
  }
  *bytes = writer.bytes;
  *count = writer.count;
  return CJPEG_OK;
}

void cjpeg_free(uint8_t *bytes) { free(bytes); }
