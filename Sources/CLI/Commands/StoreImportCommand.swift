internal import ArgumentParser
internal import FoundationEssentials
internal import SoftadastraCore
internal import SoftadastraNode

struct StoreImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Put all values of JSON lines from stdin.",
    discussion: """
      Each line is an object with 'key' and either 'value' (text) or 'valueBase64', as 'store export' prints them. All \
      lines are read and checked before the first value is put.

      Example:
        softadastra store import < values.jsonl
      """)

  /// The input is held in memory until all of it has been checked.
  static let maxInputBytes = 1 << 30

  struct Line: Decodable {
    var key: String
    var keyBase64: String?
    var value: String?
    var valueBase64: String?
  }

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let input = try Input.all(limit: Self.maxInputBytes + 1)
    guard input.count <= Self.maxInputBytes else {
      throw CommandFailure("the input is larger than 1 GiB", hint: "import it in parts")
    }
    let entries = try Self.parse(input)
    try await NodeAccess.with(try global.configuration(), create: true) { node in
      for (key, value) in entries { _ = try await node.put(key: key, value: value, ifVersion: nil) }
    }
    Output.message(entries.count == 1 ? "1 value put" : "\(entries.count) values put")
  }

  static func parse(_ input: [UInt8]) throws -> [(key: [UInt8], value: [UInt8])] {
    var entries: [(key: [UInt8], value: [UInt8])] = []
    let lines = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (number, line) in zip(1..., lines) where !line.isEmpty {
      guard let parsed = try? JSONDecoder().decode(Line.self, from: Data(line)) else {
        throw CommandFailure("stdin:\(number): no JSON object with 'key' and a value; nothing was put")
      }
      let key = parsed.keyBase64.map { Data(base64Encoded: $0).map { Array($0) } } ?? Array(parsed.key.utf8)
      let value =
        parsed.valueBase64.map { Data(base64Encoded: $0).map { Array($0) } } ?? parsed.value.map { Array($0.utf8) }
      guard let key, !key.isEmpty, key.count <= Bounds.maxValueKeyBytes else {
        throw CommandFailure("stdin:\(number): the key is empty, too long or no base64; nothing was put")
      }
      guard let value, value.count <= Bounds.maxValueBytes else {
        throw CommandFailure("stdin:\(number): the value is missing, above 8 MiB or no base64; nothing was put")
      }
      entries.append((key, value))
    }
    return entries
  }
}
