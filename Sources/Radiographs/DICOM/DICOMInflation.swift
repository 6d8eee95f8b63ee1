#if DICOM
  import CDICOM
#endif

/// A deflated data set, inflated as far as its bytes go.
struct DICOMInflation {
  let bytes: [UInt8]
  /// Whether the end was reached.
  let isWhole: Bool

  /// - Parameter start: where the deflated bytes begin.
  init(_ file: [UInt8], from start: Int) throws(DICOMFault) {
    #if DICOM
      var inflated: UnsafeMutablePointer<UInt8>?
      var count = 0
      let status = file.withUnsafeBufferPointer { file in
        let deflated = UnsafeBufferPointer(rebasing: file[start...])
        return cdicom_inflate(deflated.baseAddress, deflated.count, FileBytes.largestFile, &inflated, &count)
      }
      defer { cdicom_free(inflated) }
      switch status {
      case CDICOM_OK, CDICOM_TRUNCATED: break
      case CDICOM_TOO_LARGE: throw .refused("expected at most \(FileBytes.largestFile) bytes when inflated, found more")
      case CDICOM_NO_MEMORY: throw .refused("no memory to inflate the data set")
      default: throw .damaged("deflated bytes that are damaged")
      }
      bytes = Array(UnsafeBufferPointer(start: inflated, count: count))
      isWhole = status == CDICOM_OK
    #else
      throw .refused("this build reads no DICOM")
    #endif
  }
}
