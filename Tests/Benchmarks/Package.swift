// swift-tools-version: 6.2
import PackageDescription

// Nested, so that nobody who uses Softadastra resolves what only measuring needs. See share/doc/performance.md.
//
// SOFTADASTRA_ENGINE_ONLY=1 leaves out what needs networking, here as in the package above: that is the short form, built
// in a minute. The yardsticks are C libraries from Debian: libsqlite3-dev, liblmdb-dev, librocksdb-dev.
let engineOnly = Context.environment["SOFTADASTRA_ENGINE_ONLY"] == "1"

let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

func ours(_ names: String...) -> [Target.Dependency] {
  names.map { .product(name: $0, package: "softadastra") }
}

let package = Package(
  name: "softadastra-benchmarks",
  dependencies: [
    .package(name: "softadastra", path: "../.."),
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ]
    + (engineOnly
      ? []
      : [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
      ]),
  targets: [
    .systemLibrary(
      name: "CYardsticks", path: "Sources/CYardsticks",
      providers: [.apt(["libsqlite3-dev", "liblmdb-dev", "librocksdb-dev", "liblz4-dev"])]),
    // What ours is measured beside: the kernel and other people's databases.
    .target(
      name: "Yardsticks",
      dependencies: ["CYardsticks"] + ours("SoftadastraCore", "SoftadastraWAL", "SoftadastraStore"),
      path: "Sources/Yardsticks", swiftSettings: house),
    .executableTarget(
      name: "softadastra-benchmarks",
      dependencies: ["Yardsticks", "CYardsticks", .product(name: "Benchmark", package: "benchmark")]
        + ours("SoftadastraCore", "SoftadastraFS", "SoftadastraWAL", "SoftadastraStore", "SoftadastraSync")
        + (engineOnly
          ? []
          : ours("SoftadastraTransport") + [
            .product(name: "NIOCore", package: "swift-nio"), .product(name: "Logging", package: "swift-log"),
          ]),
      path: "Sources/Benchmarks", exclude: engineOnly ? ["Transport"] : [],
      swiftSettings: house + (engineOnly ? [] : [.define("TRANSPORT")])),
    .executableTarget(
      name: "compare-stores",
      dependencies: ["Yardsticks"] + ours("SoftadastraCore", "SoftadastraWAL", "SoftadastraStore"),
      path: "Sources/Comparison", swiftSettings: house),
  ],
  swiftLanguageModes: [.v6]
)
