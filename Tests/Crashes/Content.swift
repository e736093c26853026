import SoftadastraCore
import TestSupport

/// Contents that prove themselves: a head with a number that no other content has, and bytes that follow from it.
///
/// A file that holds a part of one, or parts of two, is told from a whole one without knowing what was written.
enum Content {
  private static let magic: [UInt8] = Array("whole content: ".utf8)
  private static let headCount = 48

  static func make(number: Int, count: Int) -> [UInt8] {
    let count = max(count, headCount)
    var text = "whole content: \(number) of \(count) bytes"
    while text.utf8.count < headCount - 1 { text += " " }
    return Array((text + "\n").utf8) + body(number, count - headCount)
  }

  private static func body(_ number: Int, _ count: Int) -> [UInt8] {
    var random = SeededRandom(seed: UInt64(number))
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// The number, if it is one whole content and nothing else.
  static func number(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= headCount, bytes.starts(with: magic),
      let number = Int(String(decoding: bytes[magic.count..<headCount].prefix { $0 != 0x20 }, as: UTF8.self))
    else { return nil }
    return make(number: number, count: bytes.count) == bytes ? number : nil
  }

  /// For messages.
  static func describe(_ bytes: [UInt8]) -> String {
    let start = String(decoding: bytes.prefix(headCount).map { $0 >= 0x20 && $0 < 0x7F ? $0 : 0x2E }, as: UTF8.self)
    return "\"\(start)\" (\(String(Checksum.xxh3(bytes), radix: 16)))"
  }
}
