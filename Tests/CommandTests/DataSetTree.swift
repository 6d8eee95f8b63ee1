import Foundation
import Testing

/// The shared sample's phantoms in the layouts of published data sets, headers and paths as published.
struct DataSetTree {
  /// Absolute paths.
  let training: [String]
  let normal: [String]
  let anomalous: [String]

  init(_ sample: Sample) throws {
    func images(_ folder: String) throws -> [String] {
      try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".png") }.sorted()
        .map { "\(folder)/\($0)" }
    }
    training = try images(sample.data + "/train/good")
    normal = try images(sample.data + "/test/good")
    anomalous = try images(sample.data + "/test").filter { !$0.contains("/good/") }
  }

  private func copy(_ source: String, to path: String) throws {
    let folder = URL(filePath: path).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: source, toPath: path)
  }

  private func write(_ lines: [String], to path: String, end: String = "\n") throws {
    try Data(lines.map { $0 + end }.joined().utf8).write(to: URL(filePath: path))
  }

  /// NIH ChestX-ray14: two images a patient.
  func writeNIH(to root: String) throws {
    var (rows, lists) = ([String](), ["train_val_list": [String](), "test_list": [String]()])
    func add(_ images: [String], patient: Int, findings: [String], list: String) throws {
      for (index, image) in images.enumerated() {
        let id = patient + index / 2
        let name = String(format: "%08d_%03d.png", id, index % 2)
        try copy(image, to: "\(root)/images_0\(index % 2 == 0 ? "01" : "12")/images/\(name)")
        rows.append(
          "\(name),\(findings[index % findings.count]),\(index % 2),\(id),\(index % 2 == 0 ? "058Y" : "45"),"
            + "\(index % 3 == 0 ? "M" : "F"),\(index % 2 == 0 ? "PA" : "AP"),2682,2749,0.143,0.143\(index % 2 == 0 ? "," : "")"
        )
        lists[list]!.append(name)
      }
    }
    try add(training, patient: 1, findings: ["No Finding"], list: "train_val_list")
    try add(normal, patient: 1000, findings: ["No Finding"], list: "test_list")
    try add(anomalous, patient: 2000, findings: ["Effusion", "Effusion|Mass", "Pneumonia"], list: "test_list")
    let head =
      "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
      + "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
    try write([head] + rows, to: "\(root)/Data_Entry_2017.csv")
    for (name, names) in lists { try write(names, to: "\(root)/\(name).txt") }
  }

  /// MURA: three images a study, wrists and hands.
  func writeMURA(to root: String, tables: Bool = true) throws {
    var (paths, studies) = (["train": [String](), "valid": [String]()], ["train": [String](), "valid": [String]()])
    func add(_ images: [String], _ split: String, patient: Int, isPositive: Bool) throws {
      for (index, image) in images.enumerated() {
        let part = index / 3 % 2 == 0 ? "XR_WRIST" : "XR_HAND"
        let study =
          "\(split)/\(part)/\(String(format: "patient%05d", patient + index / 3))/study1_"
          + (isPositive ? "positive" : "negative")
        try copy(image, to: "\(root)/MURA-v1.1/\(study)/image\(index % 3 + 1).png")
        // What a Mac leaves in archives.
        try Data([0, 5, 22, 7]).write(to: URL(filePath: "\(root)/MURA-v1.1/\(study)/._image\(index % 3 + 1).png"))
        paths[split]!.append("MURA-v1.1/\(study)/image\(index % 3 + 1).png")
        let line = "MURA-v1.1/\(study)/,\(isPositive ? 1 : 0)"
        if !studies[split]!.contains(line) { studies[split]!.append(line) }
      }
    }
    try add(training, "train", patient: 1, isPositive: false)
    try add(normal, "valid", patient: 11185, isPositive: false)
    try add(anomalous, "valid", patient: 11300, isPositive: true)
    guard tables else { return }
    for split in ["train", "valid"] {
      try write(paths[split]!, to: "\(root)/MURA-v1.1/\(split)_image_paths.csv")
      try write(studies[split]!, to: "\(root)/MURA-v1.1/\(split)_labeled_studies.csv")
    }
  }

  /// A table as a spreadsheet saves it.
  func writeTable(to root: String) throws {
    var rows: [String] = []
    func add(_ images: [String], _ split: String, _ label: String) throws {
      for (index, image) in images.enumerated() {
        let name = "\(split)-\(label.prefix(3)), \(index).png"
        try copy(image, to: "\(root)/im/\(name)")
        rows.append("\(label),\"im/\(name)\",\"a \"\"note\"\"\",\(split),\(split)\(label.prefix(3))\(index / 2),PA")
      }
    }
    try add(training, "train", "normal")
    try add(normal, "test", "No Finding")
    try add(anomalous, "test", "effusion|mass")
    try write(["\u{FEFF}Label,path,note,split,patient,view"] + rows, to: "\(root)/salad.csv", end: "\r\n")
  }
}
