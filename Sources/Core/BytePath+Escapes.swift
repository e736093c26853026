extension BytePath {
  /// The bytes that `escape` may have shown as this text: each `\xNN` becomes its byte.
  ///
  /// Not quite the inverse, since a name may hold a backslash itself: callers try the text as it stands first.
  public static func unescape(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if index + 3 < bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "x"),
        let value = UInt8(String(decoding: bytes[(index + 2)...(index + 3)], as: UTF8.self), radix: 16)
      {
        out.append(value)
        index += 4
      } else {
        out.append(bytes[index])
        index += 1
      }
    }
    return out
  }
}
