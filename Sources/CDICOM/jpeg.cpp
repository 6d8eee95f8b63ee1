#ifdef SALAD_DICOM

#include "dcmtk.h"

#include <dcmtk/dcmjpeg/djcparam.h>
#include <dcmtk/dcmjpeg/djdijg12.h>
#include <dcmtk/dcmjpeg/djdijg16.h>
#include <dcmtk/dcmjpeg/djdijg8.h>

template <typename Decoder> static CDICOMStatus decode(const CDICOMFrame *frame, void *samples, char *message) {
  // A gray image has no colour space to convert.
  const DJCodecParameter parameters(ECC_lossyYCbCr, EDC_never, EUC_never, EPC_default);
  Decoder decoder(parameters, OFFalse);
  OFCondition result = decoder.init();
  if (result.good()) {
    // The decoder only reads what it takes as not constant.
    result = decoder.decode(
      const_cast<Uint8 *>(frame->bytes), static_cast<Uint32>(frame->count), static_cast<Uint8 *>(samples),
      frame->columns * frame->rows * frame->bytes_per_sample, OFFalse);
  }
  if (result == EJ_Suspension) return CDICOM_TRUNCATED;
  return status_of(result, message);
}

CDICOMStatus cdicom_decode_jpeg(const CDICOMFrame *frame, void *samples, char *message) {
  return guarded(message, [=] {
    if (frame->count > UINT32_MAX) return CDICOM_TRUNCATED;
    if (frame->precision <= 8) return decode<DJDecompressIJG8Bit>(frame, samples, message);
    if (frame->precision <= 12) return decode<DJDecompressIJG12Bit>(frame, samples, message);
    return decode<DJDecompressIJG16Bit>(frame, samples, message);
  });
}

#endif
