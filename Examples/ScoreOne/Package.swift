// swift-tools-version: 6.1

import PackageDescription

// swift run -c release --package-path Examples/ScoreOne ScoreOne DEPLOY IMAGE
let package = Package(
  name: "ScoreOne",
  // By its name, whatever the folder of the clone is called.
  dependencies: [.package(name: "salad", path: "../..")],
  targets: [
    .executableTarget(
      name: "ScoreOne",
      dependencies: [.product(name: "SALAD", package: "salad"), .product(name: "MPI", package: "salad")])
  ],
  swiftLanguageModes: [.v6]
)
