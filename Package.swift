// swift-tools-version: 6.1

import PackageDescription

// Headers that the kernels' targets share, beside the one of CVectors that Swift may import.
let vectors: [CSetting] = [.headerSearchPath("../CVectors")]
// Tests that start programs and compare what they say: compiling them takes a third of the time so, running them no more.
let unoptimised: [SwiftSetting] = [.unsafeFlags(["-Onone"])]

// Each target knows only those above it; README.md draws the flow of data through them.
let package = Package(
  name: "salad",
  products: [
    .executable(name: "salad", targets: ["salad"]),
    .library(name: "SALAD", targets: ["SALAD"]),
    .library(name: "MPI", targets: ["MPI"]),
    .library(name: "Safetensors", targets: ["Safetensors"]),
  ],
  traits: [
    // Images as hospitals have them, through dcmtk. Without it: --disable-default-traits.
    "DICOM",
    // `salad serve`, and the packages that it alone wants.
    "Server",
    .default(enabledTraits: ["DICOM", "Server"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
  ],
  targets: [
    // C at the edge: one Swift file talks to each.
    .systemLibrary(
      name: "CMPI", path: "CMPI", pkgConfig: "ompi-c",
      providers: [.apt(["libopenmpi-dev"]), .brew(["open-mpi"])]),
    .systemLibrary(
      name: "LibPNG", pkgConfig: "libpng",
      providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "LibJPEG", pkgConfig: "libjpeg",
      providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(
      name: "LibTIFF", pkgConfig: "libtiff-4",
      providers: [.apt(["libtiff-dev"]), .brew(["libtiff"])]),
    .systemLibrary(
      name: "LibCrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
    .target(name: "CPNG", dependencies: ["LibPNG"]),
    .systemLibrary(
      name: "LibOpenJPEG", pkgConfig: "libopenjp2",
      providers: [.apt(["libopenjp2-7-dev"]), .brew(["openjpeg"])]),
    // dcmtk's pkg-config file names all of its two dozen libraries. Empty without the trait.
    .target(
      name: "CDICOM", dependencies: [.target(name: "LibOpenJPEG", condition: .when(traits: ["DICOM"]))],
      cxxSettings: [.define("SALAD_DICOM", .when(traits: ["DICOM"]))],
      linkerSettings: ["dcmjpeg", "dcmjpls", "dcmdata", "oflog", "ofstd", "z"].map {
        .linkedLibrary($0, .when(traits: ["DICOM"]))
      }),
    .target(name: "CJPEG", dependencies: ["LibJPEG"]),
    .target(name: "CTIFF", dependencies: ["LibTIFF"]),
    // The level of the CPU's instructions that all the following use.
    .target(name: "CVectors"),
    // Loaded by name when it is asked for, so that nothing links it.
    .target(
      name: "COpenBLAS", dependencies: ["CVectors"],
      linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    // Debian's libdnnl-dev has no pkg-config file.
    .target(
      name: "COneDNN", dependencies: ["CVectors"],
      linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp"), .linkedLibrary("pthread")]),
    // Of the program alone: a library has no business with its users' allocator.
    .target(name: "CAllocation"),
    // Vector loops, a target for each of their owners.
    .target(name: "CSumKernels", dependencies: ["CVectors"], cSettings: vectors),
    .target(name: "CResizeKernels", dependencies: ["CVectors"], cSettings: vectors),
    .target(name: "CNetworkKernels", dependencies: ["CVectors"], cSettings: vectors),
    .target(name: "CBankKernels", dependencies: ["CVectors"], cSettings: vectors),

    .target(name: "Platform", dependencies: ["LibCrypto", "CVectors"]),
    .target(name: "MPI", dependencies: ["CMPI", "Platform"]),
    .target(name: "ExactSum", dependencies: ["CSumKernels", "Platform", "MPI"]),
    .target(name: "Safetensors", dependencies: ["Platform"]),
    .target(
      name: "Radiographs",
      dependencies: [
        "CPNG", "CJPEG", "CTIFF", .target(name: "CDICOM", condition: .when(traits: ["DICOM"])), "CResizeKernels",
        "Platform",
      ]),
    .target(
      name: "Autoencoder",
      dependencies: ["COneDNN", "CNetworkKernels", "Platform", "ExactSum", "Safetensors", "Radiographs"]),
    .target(
      name: "MemoryBank",
      dependencies: ["COpenBLAS", "CBankKernels", "Platform", "MPI", "ExactSum", "Safetensors", "Radiographs"]),
    .target(name: "Pages", dependencies: ["Platform"]),
    .target(
      name: "SALAD",
      dependencies: [
        "MPI", "ExactSum", "Safetensors", "Radiographs", "Platform", "Autoencoder", "MemoryBank", "Pages",
        .product(name: "Logging", package: "swift-log"),
      ]),
    // HTTP in front of a scorer. Empty without the trait.
    .target(
      name: "Serving",
      dependencies: [
        "Platform", "Radiographs", "MemoryBank", "SALAD",
        .product(name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["Server"])),
        .product(name: "HummingbirdCore", package: "hummingbird", condition: .when(traits: ["Server"])),
        .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Server"])),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras", condition: .when(traits: ["Server"])),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: .when(traits: ["Server"])),
        .product(name: "Metrics", package: "swift-metrics", condition: .when(traits: ["Server"])),
        .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Server"])),
      ],
      resources: [.embedInCode("Resources/page.html"), .embedInCode("Resources/openapi.json")]),
    .executableTarget(
      name: "salad",
      dependencies: [
        "CAllocation", "Platform", "MPI", "ExactSum", "Radiographs", "Autoencoder", "MemoryBank", "SALAD",
        .target(name: "Serving", condition: .when(traits: ["Server"])),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "TOMLKit", package: "TOMLKit"),
      ]),

    // Started under mpirun by the tests that need several ranks.
    .executableTarget(
      name: "ranks",
      dependencies: [
        "Platform", "MPI", "ExactSum", "Safetensors", "Radiographs", "Autoencoder", "MemoryBank", "SALAD",
        "ParitySupport", "RanksSupport",
      ],
      path: "Tests/Ranks"),
    // Takes the steps of a fixture that PyTorch made, and compares.
    .target(
      name: "ParitySupport",
      dependencies: [
        "Platform", "MPI", "ExactSum", "Safetensors", "Radiographs", "Autoencoder", "MemoryBank", "SALAD",
      ],
      path: "Tests/ParitySupport"),
    // Starts programs and `mpirun`, on this host and on hosts made of network namespaces.
    .target(name: "RanksSupport", path: "Tests/RanksSupport"),
    .testTarget(name: "PlatformTests", dependencies: ["Platform"]),
    .testTarget(name: "MPITests", dependencies: ["RanksSupport", "ranks"]),
    .testTarget(name: "ExactSumTests", dependencies: ["ExactSum", "CSumKernels", "RanksSupport", "ranks"]),
    .testTarget(
      name: "SafetensorsTests", dependencies: ["Safetensors"], resources: [.copy("Fixtures")]),
    .testTarget(
      name: "RadiographsTests", dependencies: ["Radiographs", "Platform", "Safetensors"], resources: [.copy("Fixtures")]
    ),
    .testTarget(
      name: "AutoencoderTests",
      dependencies: ["Autoencoder", "CNetworkKernels", "Platform", "Radiographs", "Safetensors"]),
    .testTarget(
      name: "MemoryBankTests",
      dependencies: [
        "MemoryBank", "CBankKernels", "Platform", "ExactSum", "Radiographs", "Safetensors", "RanksSupport", "ranks",
      ]),
    // Reads pages as an XML parser does.
    .target(name: "PagesSupport", path: "Tests/PagesSupport"),
    .testTarget(name: "PagesTests", dependencies: ["Pages", "PagesSupport"]),
    .testTarget(
      name: "SALADTests",
      dependencies: [
        "SALAD", "Platform", "MPI", "Safetensors", "Radiographs", "Autoencoder", "MemoryBank", "RanksSupport", "ranks",
      ],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "ParityTests",
      dependencies: ["ParitySupport", "Autoencoder", "RanksSupport", "ranks"], resources: [.copy("Fixtures")]),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "salad", "Autoencoder", "PagesSupport", "Platform", "Radiographs", "RanksSupport", "SALAD", "Safetensors",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: unoptimised),
    .testTarget(
      name: "ServingTests",
      dependencies: [
        "salad", "Radiographs", "RanksSupport", .target(name: "Serving", condition: .when(traits: ["Server"])),
        .product(name: "Metrics", package: "swift-metrics", condition: .when(traits: ["Server"])),
      ],
      swiftSettings: unoptimised),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
