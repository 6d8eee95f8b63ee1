import Foundation

/// What libFuzzer calls with bytes of its own making. A target fails by a trap, or by what the sanitizers see.
///
/// FUZZ_TARGET names one of `Target.all`; FUZZ_FOLDER is a folder for its files, in memory where that can be. With
/// FUZZ_SEEDS the program writes the target's first inputs into that folder instead.
struct Target: Sendable {
  let name: String
  /// Files to start from, by name.
  let seeds: @Sendable () throws -> [String: [UInt8]]
  /// Takes any bytes.
  let run: @Sendable (_ bytes: [UInt8], _ folder: String) -> Void

  static let all = [png, jpeg, tiff, dicom, safetensors, json, names]

  /// The one that is asked for.
  static let chosen: Target = {
    let name = variable("FUZZ_TARGET")
    guard let target = all.first(where: { $0.name == name }) else {
      fatalError("FUZZ_TARGET is \(name): give one of \(all.map(\.name).joined(separator: ", "))")
    }
    return target
  }()
  static let folder = variable("FUZZ_FOLDER")

  fileprivate static func variable(_ name: String) -> String { ProcessInfo.processInfo.environment[name] ?? "" }
}

@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>>>
) -> Int32 {
  let seeds = Target.variable("FUZZ_SEEDS")
  guard !seeds.isEmpty else { return 0 }
  do {
    for (name, bytes) in try Target.chosen.seeds() {
      try Data(bytes).write(to: URL(fileURLWithPath: seeds + "/" + name))
    }
  } catch {
    fatalError("no seeds: \(error)")
  }
  exit(0)
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  Target.chosen.run(Array(UnsafeBufferPointer(start: bytes, count: count)), Target.folder)
  return 0
}
