#ifdef SALAD_DICOM

#include "dcmtk.h"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcvrcs.h>
#include <dcmtk/dcmdata/dcvrus.h>
#include <dcmtk/dcmjpls/djcodecd.h>
#include <dcmtk/dcmjpls/djcparam.h>

// The value representations are given, so that no dictionary is loaded.
static void insert(DcmItem &item, const DcmTagKey &key, uint32_t value) {
  DcmUnsignedShort *element = new DcmUnsignedShort(DcmTag(key, EVR_US));
  element->putUint16(static_cast<Uint16>(value), 0);
  item.insert(element);
}

// A data set that says what the caller found in the compressed bytes: the decoder trusts it.
static void describe(DcmItem &item, const CDICOMFrame *frame) {
  insert(item, DCM_SamplesPerPixel, 1);
  insert(item, DCM_Rows, frame->rows);
  insert(item, DCM_Columns, frame->columns);
  insert(item, DCM_BitsAllocated, 8 * frame->bytes_per_sample);
  insert(item, DCM_BitsStored, frame->precision);
  DcmCodeString *interpretation = new DcmCodeString(DcmTag(DCM_PhotometricInterpretation, EVR_CS));
  interpretation->putString("MONOCHROME2");
  item.insert(interpretation);
}

CDICOMStatus cdicom_decode_jpeg_ls(const CDICOMFrame *frame, void *samples, char *message) {
  return guarded(message, [=] {
    if (frame->count > UINT32_MAX) return CDICOM_TRUNCATED;
    DcmItem item;
    describe(item, frame);
    DcmPixelSequence fragments(DCM_PixelSequenceTag);
    fragments.insert(new DcmPixelItem(DCM_PixelItemTag));  // the offset table
    DcmPixelItem *fragment = new DcmPixelItem(DCM_PixelItemTag);
    fragments.insert(fragment);
    OFCondition result = fragment->putUint8Array(frame->bytes, static_cast<Uint32>(frame->count));
    if (result.good()) {
      const DJLSCodecParameter parameters;
      DJLSLosslessDecoder decoder;
      Uint32 first = 1;
      OFString model;
      result = static_cast<const DJLSDecoderBase &>(decoder).decodeFrame(
        nullptr, &fragments, &parameters, &item, 0, first, samples,
        frame->columns * frame->rows * frame->bytes_per_sample, model);
    }
    return status_of(result, message);
  });
}

#endif
