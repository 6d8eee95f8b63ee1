import Radiographs

extension DeploymentManifest {
  /// Of weights that came from elsewhere, with a bank of theirs.
  init(
    importing scoring: ScoringConfiguration, instructionSet: String, dataFingerprint: String, dimension: Int,
    imageIDs: [String], patients: [String?]?, pictures: [PictureHash]?, files: [Manifest.File],
    calibration: Calibration,
    selfTest: SelfTest
  ) {
    saladVersion = SALAD.saladVersion
    self.instructionSet = instructionSet
    reduction = nil
    self.dataFingerprint = dataFingerprint
    encoderHash = files.first { $0.name == Manifest.modelName }?.sha256 ?? ""
    step = 0
    bank = .refreshed
    rows = imageIDs.count
    self.dimension = dimension
    self.scoring = scoring
    self.files = files
    self.imageIDs = imageIDs
    imagePatients = ImagePatients.text(of: patients, imageIDs: imageIDs)
    imageHashes = pictures?.map(\.hexadecimal)
    self.calibration = calibration
    self.selfTest = selfTest
    identifying = pictures == nil ? [] : found
  }
}
