import Foundation
import Testing

/// The folder that holds real data sets, when there is one.
enum TestData {
  static let whereToFind: Comment =
    "SALAD_TEST_DATA, or ../shared beside the package, must hold kermany-cxr and nih-cxr."

  /// `SALAD_TEST_DATA`, else `../shared` beside the package; nil when the real X-rays are not there.
  static var folder: String? {
    let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder =
      ProcessInfo.processInfo.environment["SALAD_TEST_DATA"]
      ?? package.deletingLastPathComponent().appending(path: "shared").path
    let dataSets = ["kermany-cxr", "nih-cxr"]
    return dataSets.allSatisfy { FileManager.default.fileExists(atPath: "\(folder)/\($0)") } ? folder : nil
  }
}
