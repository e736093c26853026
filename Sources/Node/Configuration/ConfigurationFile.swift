internal import Glibc
internal import SoftadastraCore
internal import TOMLKit

/// The configuration file: TOML with the settings at the top level.
///
/// An unknown setting, a wrong type or a value out of range refuses the whole file, with one line
/// `path:line:column: …`: a typo must not quietly mean the default.
struct ConfigurationFile {
  static let maxBytes = 1 << 20

  /// The settings present, with the line each stands in.
  let settings: [SettingKey: (value: SettingValue, line: Int)]

  /// Nil if there is no such file.
  static func read(_ path: String) throws(SoftadastraError) -> ConfigurationFile? {
    guard let bytes = try contents(path) else { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw SoftadastraError(.invalid, "cannot read", at: BytePath.escape(path.utf8), why: "it is no UTF-8 text")
    }
    return try ConfigurationFile(text, path: path)
  }

  init(_ text: String, path: String) throws(SoftadastraError) {
    let table: TOMLTable
    do {
      table = try TOMLTable(string: text)
    } catch let error as TOMLParseError {
      throw Self.refusal(path, error.source.begin.line, error.source.begin.column, error.description)
    } catch {
      throw Self.refusal(path, 1, 1, "\(error)")
    }
    let positions = TOMLKeyPositions(text)
    var settings: [SettingKey: (value: SettingValue, line: Int)] = [:]
    // In the order of the file, so that the first mistake is the one that is named.
    let keys = table.keys.map { ($0, positions.first(of: $0)) }
    for (name, position) in keys.sorted(by: { $0.1 < $1.1 }) {
      guard let key = SettingKey(rawValue: name) else {
        throw Self.refusal(
          path, position.line, position.column, "unknown setting '\(name)'",
          hint: "the settings are: " + SettingKey.allCases.map(\.rawValue).joined(separator: ", "))
      }
      guard let value = table[name].flatMap(Self.value) else {
        throw Self.refusal(
          path, position.line, position.column, "setting '\(name)' takes \(SettingRules.expected(key))")
      }
      if let why = SettingRules.refusal(value, for: key) {
        throw Self.refusal(path, position.line, position.column, "setting '\(name)' \(why)")
      }
      settings[key] = (value, position.line)
    }
    self.settings = settings
  }

  private static func value(_ found: any TOMLValueConvertible) -> SettingValue? {
    switch found.type {
    case .string: return found.string.map { .text($0) }
    case .int: return found.int.map { .number($0) }
    case .bool: return found.bool.map { .flag($0) }
    case .array:
      guard let array = found.array else { return nil }
      var list: [String] = []
      for element in array {
        guard element.type == .string, let text = element.string else { return nil }
        list.append(text)
      }
      return .list(list)
    default: return nil
    }
  }

  private static func refusal(_ path: String, _ line: Int, _ column: Int, _ why: String, hint: String = "")
    -> SoftadastraError
  {
    SoftadastraError(.invalid, "\(BytePath.escape(path.utf8)):\(line):\(column)", why: why, hint: hint)
  }

  private static func contents(_ path: String) throws(SoftadastraError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw .system(errno, "cannot read", at: BytePath.escape(path.utf8))
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      guard count >= 0 else { throw .system(errno, "cannot read", at: BytePath.escape(path.utf8)) }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
      guard bytes.count <= maxBytes else {
        throw SoftadastraError(
          .invalid, "cannot read", at: BytePath.escape(path.utf8), why: "it is larger than \(maxBytes) bytes")
      }
    }
  }
}
