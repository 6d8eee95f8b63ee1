import Foundation

/// The folder that holds real data sets, when there is one.
enum TestData {
  /// `SALAD_TEST_DATA`, else `../shared` beside the package; nil, and a line that says so, when neither is there.
  static var folder: String? {
    let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder =
      ProcessInfo.processInfo.environment["SALAD_TEST_DATA"]
      ?? package.deletingLastPathComponent().appending(path: "shared").path
    guard FileManager.default.fileExists(atPath: "\(folder)/kermany-cxr") else {
      print("Skipped: \(folder) holds no kermany-cxr; name the folder of real X-rays in SALAD_TEST_DATA.")
      return nil
    }
    return folder
  }
}
