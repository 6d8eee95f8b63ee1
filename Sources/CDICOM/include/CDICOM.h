// The compressed pixels of a DICOM image to samples, by dcmtk's decoders (RLE, JPEG, JPEG-LS), by OpenJPEG (JPEG 2000)
// and by zlib (a data set that is deflated as a whole).
//
// The decoders are given one frame's compressed bytes and what the caller read in their header, never a file: dcmtk's
// reader of data sets allocates what a length field claims, and recurses as deep as sequences are nested. Nothing is
// registered and nothing is shared, so that threads decode side by side. No exception and no jump leaves a function
// here, and nothing is printed.

#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Bytes that a message takes at most, with its closing zero.
#define CDICOM_MESSAGE_SIZE 160

typedef enum {
  CDICOM_OK,
  CDICOM_TRUNCATED,  // the compressed bytes end before the image does
  CDICOM_DAMAGED,    // any other complaint: `message` has it
  CDICOM_TOO_LARGE,  // what is inflated is larger than it may be
  CDICOM_NO_MEMORY,
} CDICOMStatus;

// One gray frame. The caller has compared its header with all of this.
typedef struct {
  const uint8_t *bytes;
  size_t count;
  uint32_t columns;
  uint32_t rows;
  uint32_t precision;         // bits of a sample
  uint32_t bytes_per_sample;  // of the decoded ones: 1, 2 or 4
} CDICOMFrame;

// Each writes columns * rows samples of bytes_per_sample bytes in this machine's order; signed ones as two's complement.

CDICOMStatus cdicom_decode_rle(const CDICOMFrame *frame, void *samples, char *message);

// Sequential and lossless JPEG of 2 to 16 bits; up to 8 bits take 1 byte, more take 2.
CDICOMStatus cdicom_decode_jpeg(const CDICOMFrame *frame, void *samples, char *message);

// Likewise.
CDICOMStatus cdicom_decode_jpeg_ls(const CDICOMFrame *frame, void *samples, char *message);

// A codestream without a JP2 file around it.
CDICOMStatus cdicom_decode_jpeg_2000(const CDICOMFrame *frame, void *samples, char *message);

// Inflates into memory that the caller gives back to cdicom_free: at most `limit` bytes, and what there is of a stream
// that is cut short, too.
CDICOMStatus cdicom_inflate(
  const uint8_t *bytes, size_t count, size_t limit, uint8_t **inflated, size_t *inflated_count);

void cdicom_free(uint8_t *bytes);

#ifdef __cplusplus
}
#endif
