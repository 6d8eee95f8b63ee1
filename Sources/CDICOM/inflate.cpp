#ifdef SALAD_DICOM

#include <zlib.h>

#include <algorithm>
#include <cstdlib>

#include "CDICOM.h"

// At most doubled each time, so that no more is allocated than twice what the bytes unfold to.
enum { FIRST_SIZE = 1 << 16 };

CDICOMStatus cdicom_inflate(
  const uint8_t *bytes, size_t count, size_t limit, uint8_t **inflated, size_t *inflated_count) {
  *inflated = nullptr;
  *inflated_count = 0;
  if (count > UINT32_MAX) return CDICOM_TOO_LARGE;
  z_stream stream = {};
  stream.next_in = const_cast<uint8_t *>(bytes);
  stream.avail_in = static_cast<uInt>(count);
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return CDICOM_NO_MEMORY;
  CDICOMStatus status = CDICOM_TRUNCATED;
  size_t size = 0;
  size_t filled = 0;
  while (true) {
    if (filled == size) {
      if (size == limit) {
        status = CDICOM_TOO_LARGE;
        break;
      }
      size = std::min<size_t>(limit, size == 0 ? FIRST_SIZE : 2 * size);
      uint8_t *larger = static_cast<uint8_t *>(realloc(*inflated, size));
      if (larger == nullptr) {
        status = CDICOM_NO_MEMORY;
        break;
      }
      *inflated = larger;
    }
    size_t room = std::min<size_t>(size - filled, 1 << 30);
    stream.next_out = *inflated + filled;
    stream.avail_out = static_cast<uInt>(room);
    int result = inflate(&stream, Z_NO_FLUSH);
    filled += room - stream.avail_out;
    if (result == Z_STREAM_END) {
      status = CDICOM_OK;
      break;
    }
    if (result == Z_DATA_ERROR || result == Z_NEED_DICT) {
      status = CDICOM_DAMAGED;
      break;
    }
    // Nothing more to read, though there is room to write.
    if (result == Z_BUF_ERROR || (stream.avail_in == 0 && stream.avail_out > 0)) break;
  }
  inflateEnd(&stream);
  *inflated_count = filled;
  return status;
}

void cdicom_free(uint8_t *bytes) { free(bytes); }

#endif
