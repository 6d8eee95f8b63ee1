#ifdef SALAD_DICOM

#include <openjpeg.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "CDICOM.h"

namespace {

struct Source {
  const CDICOMFrame *frame;
  size_t position;
};

OPJ_SIZE_T read(void *destination, OPJ_SIZE_T count, void *data) {
  Source *source = static_cast<Source *>(data);
  size_t left = source->frame->count - source->position;
  if (left == 0) return static_cast<OPJ_SIZE_T>(-1);
  size_t length = std::min<size_t>(count, left);
  memcpy(destination, source->frame->bytes + source->position, length);
  source->position += length;
  return length;
}

OPJ_BOOL seek(OPJ_OFF_T position, void *data) {
  Source *source = static_cast<Source *>(data);
  if (position < 0 || static_cast<size_t>(position) > source->frame->count) return OPJ_FALSE;
  source->position = static_cast<size_t>(position);
  return OPJ_TRUE;
}

OPJ_OFF_T skip(OPJ_OFF_T count, void *data) {
  Source *source = static_cast<Source *>(data);
  OPJ_OFF_T position = static_cast<OPJ_OFF_T>(source->position) + count;
  return seek(position, data) ? count : -1;
}

// The first complaint says most. It ends with a line break.
void complain(const char *text, void *data) {
  char *message = static_cast<char *>(data);
  if (message[0] != 0) return;
  snprintf(message, CDICOM_MESSAGE_SIZE, "%s", text);
  message[strcspn(message, "\r\n")] = 0;
}

void ignore(const char *, void *) {}

// What has to be released.
struct Decoding {
  opj_stream_t *stream = nullptr;
  opj_codec_t *codec = nullptr;
  opj_image_t *image = nullptr;

  ~Decoding() {
    opj_image_destroy(image);
    if (codec != nullptr) opj_destroy_codec(codec);
    if (stream != nullptr) opj_stream_destroy(stream);
  }
};

template <typename Sample> void copy(const OPJ_INT32 *values, size_t count, void *samples) {
  Sample *place = static_cast<Sample *>(samples);
  for (size_t i = 0; i < count; i++) place[i] = static_cast<Sample>(values[i]);
}

}  // namespace

CDICOMStatus cdicom_decode_jpeg_2000(const CDICOMFrame *frame, void *samples, char *message) {
  message[0] = 0;
  Source source = {frame, 0};
  Decoding decoding;
  decoding.stream =
    opj_stream_create(std::min<size_t>(std::max<size_t>(frame->count, 64), OPJ_J2K_STREAM_CHUNK_SIZE), OPJ_TRUE);
  decoding.codec = opj_create_decompress(OPJ_CODEC_J2K);
  if (decoding.stream == nullptr || decoding.codec == nullptr) return CDICOM_NO_MEMORY;
  opj_stream_set_user_data(decoding.stream, &source, nullptr);
  opj_stream_set_user_data_length(decoding.stream, frame->count);
  opj_stream_set_read_function(decoding.stream, read);
  opj_stream_set_skip_function(decoding.stream, skip);
  opj_stream_set_seek_function(decoding.stream, seek);
  opj_set_error_handler(decoding.codec, complain, message);
  opj_set_warning_handler(decoding.codec, ignore, nullptr);
  opj_set_info_handler(decoding.codec, ignore, nullptr);

  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  // Strict: a codestream that is cut short is no image.
  if (
    !opj_setup_decoder(decoding.codec, &parameters) || !opj_decoder_set_strict_mode(decoding.codec, OPJ_TRUE) ||
    !opj_read_header(decoding.stream, decoding.codec, &decoding.image) ||
    !opj_decode(decoding.codec, decoding.stream, decoding.image) ||
    !opj_end_decompress(decoding.codec, decoding.stream)) {
    return CDICOM_DAMAGED;
  }
  const opj_image_t *image = decoding.image;
  const opj_image_comp_t &component = image->comps[0];
  if (
    image->numcomps != 1 || component.w != frame->columns || component.h != frame->rows ||
    component.prec != frame->precision || component.data == nullptr) {
    complain("the image is not the one that the header shows", message);
    return CDICOM_DAMAGED;
  }
  size_t count = static_cast<size_t>(frame->columns) * frame->rows;
  switch (frame->bytes_per_sample) {
  case 1: copy<uint8_t>(component.data, count, samples); break;
  case 2: copy<uint16_t>(component.data, count, samples); break;
  default: copy<uint32_t>(component.data, count, samples); break;
  }
  return CDICOM_OK;
}

#endif
