// swift-tools-version: 6.1

import PackageDescription

// A package of its own, so that nobody who builds salad builds this. `run` builds it, with sanitizers and libFuzzer, which
// brings the `main`.
let package = Package(
  name: "fuzzing",
  dependencies: [.package(name: "salad", path: "../..")],
  targets: [
    .executableTarget(
      name: "Fuzz",
      dependencies: [.product(name: "SALAD", package: "salad"), .product(name: "Safetensors", package: "salad")],
      swiftSettings: [.unsafeFlags(["-parse-as-library"])])
  ],
  swiftLanguageModes: [.v6]
)
