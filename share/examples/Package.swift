// swift-tools-version: 6.2
import PackageDescription

/// One concept each. Run one with: swift run --package-path share/examples store-put-get
func example(_ name: String, _ products: [String]) -> Target {
  .executableTarget(
    name: name, dependencies: products.map { .product(name: $0, package: "softadastra") }, path: "Sources/\(name)")
}

let package = Package(
  name: "softadastra-examples",
  dependencies: [
    .package(name: "softadastra", path: "../.."),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    example("store-put-get", ["Softadastra"]),
    example("store-recovery", ["SoftadastraCore", "SoftadastraWAL", "SoftadastraStore"]),
    example("fs-scan", ["SoftadastraCore", "SoftadastraFS"]),
    example("wal-write-read", ["SoftadastraCore", "SoftadastraWAL"]),
    example("sync-local-operation", ["SoftadastraCore", "SoftadastraStore", "SoftadastraSync"]),
    example("transport-client-server", ["Softadastra"]),
    .executableTarget(
      name: "discovery-announce-listen",
      dependencies: [
        .product(name: "SoftadastraCore", package: "softadastra"),
        .product(name: "SoftadastraTransport", package: "softadastra"),
        .product(name: "SoftadastraDiscovery", package: "softadastra"),
        .product(name: "Logging", package: "swift-log"),
      ], path: "Sources/discovery-announce-listen"),
  ],
  swiftLanguageModes: [.v6]
)
