internal import ArgumentParser
internal import FoundationEssentials
internal import SoftadastraCore
internal import SoftadastraNode

struct StoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Keep values under keys, replicated to all members of the group.",
    subcommands: [
      StorePutCommand.self, StoreGetCommand.self, StoreRemoveCommand.self, StoreListCommand.self,
      StoreWatchCommand.self, StoreExportCommand.self, StoreImportCommand.self,
    ])

  @OptionGroup var global: GlobalOptions

  /// Keys a request of the list commands.
  static let pageSize = 1000

  static func checkKey(_ key: String) throws {
    guard !key.isEmpty else { throw CommandFailure.usage("the key is empty", hint: "a key has 1 to 65536 bytes") }
    guard key.utf8.count <= Bounds.maxValueKeyBytes else {
      throw CommandFailure.usage("the key is longer than \(Bounds.maxValueKeyBytes) bytes")
    }
  }

  static func checkValue(_ value: [UInt8]) throws {
    guard value.count <= Bounds.maxValueBytes else {
      throw CommandFailure(
        "the value is larger than 8 MiB", hint: "put large content into a file in a watched folder")
    }
  }

  /// All values below the prefix, page by page.
  static func each(
    _ prefix: String, of node: any NodeService, _ body: (ValueReport) async throws -> Void
  ) async throws {
    var after: [UInt8]?
    while true {
      let page = try await node.list(prefix: Array(prefix.utf8), after: after, limit: pageSize)
      for value in page { try await body(value) }
      guard page.count == pageSize, let last = page.last else { return }
      after = last.keyBytes
    }
  }
}

extension ValueReport {
  var keyBytes: [UInt8] {
    if let keyBase64, let data = Data(base64Encoded: keyBase64) { return Array(data) }
    return Array(key.utf8)
  }

  var valueBytes: [UInt8]? {
    valueBase64.flatMap { Data(base64Encoded: $0) }.map { Array($0) }
  }
}
