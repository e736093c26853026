// swift-tools-version: 6.2
import PackageDescription

// SOFTADASTRA_ENGINE_ONLY=1 leaves out networking, TLS and the command line, and with them every
// dependency: the engine's modules then build and test in seconds, also under sanitizers and fuzzers.
// SOFTADASTRA_STRICT=1 turns warnings in our own targets into errors; CI builds that way.
let engineOnly = Context.environment["SOFTADASTRA_ENGINE_ONLY"] == "1"
let strict = Context.environment["SOFTADASTRA_STRICT"] == "1"

/// For targets with Foundation in reach: which module then owns a C struct of the system, as `stat`, depends on what
/// the compiler loaded first, so that no import is right in every build.
let houseBesideFoundation: [SwiftSetting] =
  [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ] + (strict ? [.treatAllWarnings(as: .error)] : [])
  // The simulator's build alone has the switches of `DeliberateFault`.
  + (engineOnly ? [.define("SOFTADASTRA_FAULTS")] : [])

let house: [SwiftSetting] = [.enableUpcomingFeature("MemberImportVisibility")] + houseBesideFoundation

/// A module of ours: its folder is named as in the architecture, its Swift name carries the prefix.
func module(_ folder: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(
    name: "Softadastra\(folder)", dependencies: dependencies, path: "Sources/\(folder)",
    swiftSettings: house)
}

func tests(_ folder: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: "\(folder)Tests", dependencies: dependencies + ["TestSupport"], path: "Tests/\(folder)Tests",
    exclude: exclude, swiftSettings: house)
}

/// One concept each, for readers. Run one with: swift run example-store-put-get
func example(_ folder: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: "example-\(folder)", dependencies: dependencies, path: "share/examples/\(folder)")
}

let engineTargets: [Target] = [
  .systemLibrary(
    name: "CXXHash", path: "Sources/CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
  .systemLibrary(
    name: "CLZ4", path: "Sources/CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
  .target(name: "CLinux", path: "Sources/CLinux"),

  module("Core", ["CXXHash", "CLinux"]),
  module("FS", ["SoftadastraCore", "CLinux"]),
  module("WAL", ["SoftadastraCore"]),
  module("Store", ["SoftadastraCore", "SoftadastraWAL"]),
  module("Sync", ["SoftadastraCore", "SoftadastraStore"]),
  module("Metadata", ["SoftadastraCore"]),
  module("Mirror", ["SoftadastraCore", "SoftadastraFS", "SoftadastraStore", "SoftadastraSync"]),
  module("Replica", ["SoftadastraCore", "SoftadastraStore", "SoftadastraSync", "SoftadastraMirror"]),

  .target(
    name: "TestSupport",
    dependencies: [
      "SoftadastraCore", "SoftadastraFS", "SoftadastraWAL", "SoftadastraStore", "SoftadastraSync", "SoftadastraMirror",
    ],
    path: "Tests/TestSupport", swiftSettings: house),
  .target(
    name: "Simulation",
    dependencies: [
      "SoftadastraCore", "SoftadastraFS", "SoftadastraWAL", "SoftadastraStore", "SoftadastraSync", "SoftadastraMirror",
      "SoftadastraReplica", "TestSupport",
    ],
    path: "Tests/Simulation", swiftSettings: house),
  .executableTarget(
    name: "softadastra-sim", dependencies: ["Simulation", "SoftadastraCore"], path: "Tests/Simulator",
    swiftSettings: house),
  tests("Core", ["SoftadastraCore"]),
  tests("FS", ["SoftadastraCore", "SoftadastraFS"]),
  tests("WAL", ["SoftadastraCore", "SoftadastraWAL"]),
  tests("Store", ["SoftadastraCore", "SoftadastraWAL", "SoftadastraStore"]),
  tests("Sync", ["SoftadastraCore", "SoftadastraStore", "SoftadastraSync"]),
  tests("Metadata", ["SoftadastraCore", "SoftadastraMetadata"]),
  tests("Mirror", ["SoftadastraCore", "SoftadastraFS", "SoftadastraStore", "SoftadastraSync", "SoftadastraMirror"]),
  tests(
    "Replica",
    [
      "SoftadastraCore", "SoftadastraFS", "SoftadastraStore", "SoftadastraSync", "SoftadastraMirror",
      "SoftadastraReplica",
    ]
  ),
]

let nodeTargets: [Target] = [
  module(
    "Transport",
    [
      "SoftadastraCore", "SoftadastraSync", "CLZ4",
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOPosix", package: "swift-nio"),
      .product(name: "NIOTLS", package: "swift-nio"),
      .product(name: "NIOSSL", package: "swift-nio-ssl"),
      .product(name: "X509", package: "swift-certificates"),
      .product(name: "SwiftASN1", package: "swift-asn1"),
      .product(name: "Crypto", package: "swift-crypto"),
      .product(name: "Logging", package: "swift-log"),
    ]),
  module(
    "Discovery",
    [
      "SoftadastraCore", "SoftadastraTransport", "CLinux",
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOPosix", package: "swift-nio"),
      .product(name: "Crypto", package: "swift-crypto"),
      .product(name: "Logging", package: "swift-log"),
    ]),
  module(
    "Node",
    [
      "SoftadastraCore", "SoftadastraFS", "SoftadastraWAL", "SoftadastraStore", "SoftadastraSync",
      "SoftadastraTransport", "SoftadastraDiscovery", "SoftadastraMetadata", "SoftadastraMirror", "SoftadastraReplica",
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOPosix", package: "swift-nio"),
      .product(name: "Crypto", package: "swift-crypto"),
      .product(name: "Logging", package: "swift-log"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      .product(name: "TOMLKit", package: "TOMLKit"),
    ]),
  .target(
    name: "Softadastra", dependencies: ["SoftadastraCore", "SoftadastraStore", "SoftadastraNode"], path: "Sources/SDK"),
  module(
    "CLI",
    [
      "Softadastra", "SoftadastraCore", "SoftadastraFS", "SoftadastraWAL", "SoftadastraStore", "SoftadastraNode",
      "SoftadastraDiscovery",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
      .product(name: "Logging", package: "swift-log"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      .product(name: "UnixSignals", package: "swift-service-lifecycle"),
    ]),
  .executableTarget(
    name: "softadastra", dependencies: ["SoftadastraCLI"], path: "Sources/softadastra"),
  .executableTarget(
    name: "softadastra-crashes", dependencies: ["SoftadastraCore", "SoftadastraCLI", "TestSupport", "CLinux"],
    path: "Tests/Crashes"),
  tests(
    "Transport",
    [
      "SoftadastraCore", "SoftadastraTransport",
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOPosix", package: "swift-nio"),
      .product(name: "NIOSSL", package: "swift-nio-ssl"),
      .product(name: "X509", package: "swift-certificates"),
      .product(name: "SwiftASN1", package: "swift-asn1"),
      .product(name: "Crypto", package: "swift-crypto"),
      .product(name: "Logging", package: "swift-log"),
    ]),
  tests(
    "Discovery",
    [
      "SoftadastraCore", "SoftadastraTransport", "SoftadastraDiscovery",
      .product(name: "Logging", package: "swift-log"),
    ]),
  tests(
    "Node",
    [
      "SoftadastraCore", "SoftadastraNode", "Softadastra", "SoftadastraWAL", "SoftadastraTransport",
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "Logging", package: "swift-log"),
    ]),
  tests(
    "CLI",
    [
      "SoftadastraCore", "SoftadastraNode", "SoftadastraCLI",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ],
    exclude: ["Golden"]),
  tests("Integration", ["SoftadastraCore", "SoftadastraNode", "SoftadastraCLI", "softadastra"]),

  example("store-put-get", ["Softadastra"]),
  example("store-recovery", ["SoftadastraCore", "SoftadastraWAL", "SoftadastraStore"]),
  example("fs-scan", ["SoftadastraCore", "SoftadastraFS"]),
  example("wal-write-read", ["SoftadastraCore", "SoftadastraWAL"]),
  example("sync-local-operation", ["SoftadastraCore", "SoftadastraStore", "SoftadastraSync"]),
  example("transport-client-server", ["Softadastra"]),
  example(
    "discovery-announce-listen",
    [
      "SoftadastraCore", "SoftadastraTransport", "SoftadastraDiscovery",
      .product(name: "Logging", package: "swift-log"),
    ]),
]

for target in nodeTargets { target.swiftSettings = houseBesideFoundation }

let package = Package(
  name: "softadastra",
  products: [
    .library(name: "SoftadastraCore", targets: ["SoftadastraCore"]),
    .library(name: "SoftadastraFS", targets: ["SoftadastraFS"]),
    .library(name: "SoftadastraWAL", targets: ["SoftadastraWAL"]),
    .library(name: "SoftadastraStore", targets: ["SoftadastraStore"]),
    .library(name: "SoftadastraSync", targets: ["SoftadastraSync"]),
    .library(name: "SoftadastraMetadata", targets: ["SoftadastraMetadata"]),
    .library(name: "SoftadastraMirror", targets: ["SoftadastraMirror"]),
    .library(name: "SoftadastraReplica", targets: ["SoftadastraReplica"]),
  ]
    + (engineOnly
      ? []
      : [
        .library(name: "SoftadastraTransport", targets: ["SoftadastraTransport"]),
        .library(name: "SoftadastraDiscovery", targets: ["SoftadastraDiscovery"]),
        .library(name: "SoftadastraNode", targets: ["SoftadastraNode"]),
        .library(name: "Softadastra", targets: ["Softadastra"]),
        .executable(name: "softadastra", targets: ["softadastra"]),
      ]),
  dependencies: engineOnly
    ? []
    : [
      .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
      .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
      .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
      .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
      .package(url: "https://github.com/apple/swift-asn1", from: "1.3.0"),
      .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
      .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
      .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
      .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
  targets: engineTargets + (engineOnly ? [] : nodeTargets),
  swiftLanguageModes: [.v6]
)
