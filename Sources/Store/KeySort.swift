internal import Glibc

/// Sorts slot numbers by their keys' bytes: eight bytes at a time, as numbers, behind those that all keys share.
///
/// Cost: 0.2 µs a key for a million of them, most of it waiting for memory.
enum KeySort {
  struct Item {
    /// Eight bytes of the key, the first one highest; zeros behind its end.
    var word: UInt64
    let number: UInt32
  }

  private static let fewItems = 24

  static func sort(_ items: UnsafeMutableBufferPointer<Item>, _ key: (UInt32) -> UnsafeRawBufferPointer) {
    sort(items, from: 0, key)
  }

  /// All keys are the same before `depth`.
  private static func sort(
    _ items: UnsafeMutableBufferPointer<Item>, from depth: Int, _ key: (UInt32) -> UnsafeRawBufferPointer
  ) {
    var items = items
    guard items.count > fewItems else {
      items.sort { isLess(key($0.number), key($1.number), from: depth) }
      return
    }
    var isOneEnding = false
    var differing: UInt64 = 0
    for at in items.indices {
      let bytes = key(items[at].number)
      isOneEnding = isOneEnding || bytes.count < depth + 8
      items[at].word = word(bytes, at: depth)
      differing |= items[at].word ^ items[0].word
    }
    if differing != 0 { items.sort { $0.word < $1.word } }
    var start = 0
    while start < items.count {
      var end = start + 1
      while end < items.count, items[end].word == items[start].word { end += 1 }
      if end - start > 1 {
        var same = UnsafeMutableBufferPointer(rebasing: items[start..<end])
        if isOneEnding {
          // A zero byte and the end of a key look alike here.
          same.sort { isLess(key($0.number), key($1.number), from: depth) }
        } else {
          sort(same, from: depth + 8, key)
        }
      }
      start = end
    }
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, at depth: Int) -> UInt64 {
    if bytes.count >= depth + 8 {
      return UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: depth, as: UInt64.self))
    }
    var word: UInt64 = 0
    var at = depth
    while at < bytes.count {
      word |= UInt64(bytes[at]) << UInt64(56 - 8 * (at - depth))
      at += 1
    }
    return word
  }

  private static func isLess(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, from depth: Int) -> Bool {
    let shared = min(a.count, b.count)
    let order = shared > depth ? memcmp(a.baseAddress! + depth, b.baseAddress! + depth, shared - depth) : 0
    return order != 0 ? order < 0 : a.count < b.count
  }
}
