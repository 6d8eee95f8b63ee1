#ifdef SALAD_DICOM

#include "dcmtk.h"

#include <dcmtk/dcmdata/dcerror.h>
#include <dcmtk/dcmdata/dcrledec.h>

// The number of segments and where each begins: sixteen little-endian words.
enum { HEADER_SIZE = 64, MAX_SEGMENTS = 15 };

static uint32_t word(const uint8_t *bytes) {
  return bytes[0] | static_cast<uint32_t>(bytes[1]) << 8 | static_cast<uint32_t>(bytes[2]) << 16 |
    static_cast<uint32_t>(bytes[3]) << 24;
}

CDICOMStatus cdicom_decode_rle(const CDICOMFrame *frame, void *samples, char *message) {
  return guarded(message, [=] {
    if (frame->count < HEADER_SIZE) return CDICOM_TRUNCATED;
    uint32_t segments = word(frame->bytes);
    if (segments != frame->bytes_per_sample) {
      snprintf(message, CDICOM_MESSAGE_SIZE, "%u segments for samples of %u bytes", segments, frame->bytes_per_sample);
      return CDICOM_DAMAGED;
    }
    size_t pixels = static_cast<size_t>(frame->columns) * frame->rows;
    DcmRLEDecoder decoder(pixels);
    for (uint32_t segment = 0; segment < segments; segment++) {
      size_t start = word(frame->bytes + 4 + 4 * segment);
      size_t end = segment + 1 < segments ? word(frame->bytes + 8 + 4 * segment) : frame->count;
      if (start < HEADER_SIZE || start > end) {
        say(message, "a segment that ends before it begins");
        return CDICOM_DAMAGED;
      }
      if (end > frame->count) return CDICOM_TRUNCATED;
      decoder.clear();
      // A padded segment may end within a run, or begin one too many: what matters is that all pixels are there.
      decoder.decompress(const_cast<uint8_t *>(frame->bytes) + start, end - start);
      if (decoder.size() < pixels) return CDICOM_TRUNCATED;
      // The first segment has the most significant bytes.
      const uint8_t *bytes = static_cast<const uint8_t *>(decoder.getOutputBuffer());
      uint8_t *place = static_cast<uint8_t *>(samples) + (segments - 1 - segment);
      for (size_t i = 0; i < pixels; i++) place[i * segments] = bytes[i];
    }
    return CDICOM_OK;
  });
}

#endif
