/// One pattern of an ignore file, compiled. The syntax is gitignore's.
///
/// Matching simulates all ways through the pattern at once: its cost is at most pattern × path, whatever the pattern.
struct IgnorePattern: Sendable {
  private enum Token: Sendable {
    case byte(UInt8)
    /// `?`: one byte but `/`.
    case any
    /// `*`: any bytes but `/`.
    case star
    /// `**/`: no or any number of directories.
    case directories
    /// `/**` at the end: everything below, at least one byte.
    case rest
    /// `[…]`: a set of 256 bits; never `/`.
    case set(InlineArray<4, UInt64>)
  }

  private let tokens: [Token]
  private let literal: [UInt8]?
  /// `*.ext`: compared from the end.
  private let suffix: [UInt8]?

  let isNegated: Bool
  let onlyDirectories: Bool
  /// Matches the path from the file's directory; otherwise the last name at any depth.
  let isAnchored: Bool

  /// Nil for an empty line or a comment.
  init?(line: ArraySlice<UInt8>) {
    var rest = line
    if rest.last == 0x0D { rest = rest.dropLast() }
    if rest.first == UInt8(ascii: "#") { return nil }
    rest = Self.trimmed(rest)
    isNegated = rest.first == UInt8(ascii: "!")
    if isNegated { rest = rest.dropFirst() }
    onlyDirectories = rest.last == UInt8(ascii: "/")
    if onlyDirectories { rest = rest.dropLast() }
    isAnchored = rest.contains(UInt8(ascii: "/"))
    if rest.first == UInt8(ascii: "/") { rest = rest.dropFirst() }
    guard !rest.isEmpty, let tokens = Self.compile(Array(rest)) else { return nil }
    self.tokens = tokens
    literal = Self.literal(tokens[...])
    if !isAnchored, case .star? = tokens.first, let ending = Self.literal(tokens.dropFirst()) {
      suffix = ending
    } else {
      suffix = nil
    }
  }

  /// Spaces at the end do not count, unless escaped.
  private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var line = line
    while line.last == UInt8(ascii: " ") {
      let escapes = line.dropLast().reversed().prefix { $0 == UInt8(ascii: "\\") }.count
      if escapes % 2 == 1 { break }
      line = line.dropLast()
    }
    return line
  }

  private static func literal(_ tokens: ArraySlice<Token>) -> [UInt8]? {
    var bytes: [UInt8] = []
    for token in tokens {
      guard case .byte(let byte) = token else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  /// Nil for a pattern that can match nothing, as an open bracket or a lone backslash at the end.
  private static func compile(_ pattern: [UInt8]) -> [Token]? {
    let slash = UInt8(ascii: "/")
    var tokens: [Token] = []
    var at = 0
    while at < pattern.count {
      let byte = pattern[at]
      at += 1
      switch byte {
      case UInt8(ascii: "\\"):
        guard at < pattern.count else { return nil }
        tokens.append(.byte(pattern[at]))
        at += 1
      case UInt8(ascii: "?"):
        tokens.append(.any)
      case UInt8(ascii: "*"):
        let start = at - 1
        while at < pattern.count, pattern[at] == UInt8(ascii: "*") { at += 1 }
        let opens = start == 0 || pattern[start - 1] == slash
        if at - start == 2, opens, at == pattern.count, start > 0 {
          tokens.append(.rest)
        } else if at - start == 2, opens, at < pattern.count, pattern[at] == slash {
          tokens.append(.directories)
          at += 1
        } else {
          tokens.append(.star)
        }
      case UInt8(ascii: "["):
        guard let (set, end) = IgnoreBracket.parse(pattern, at) else { return nil }
        tokens.append(.set(set))
        at = end
      default:
        tokens.append(.byte(byte))
      }
    }
    return tokens
  }

  /// Compares with the whole of `text`: a name, or a path relative to the rule file's directory.
  func matches(_ text: ArraySlice<UInt8>) -> Bool {
    if let literal { return literal.count == text.count && literal.elementsEqual(text) }
    if let suffix { return text.count >= suffix.count && text.suffix(suffix.count).elementsEqual(suffix) }
    return simulate(text)
  }

  private func simulate(_ text: ArraySlice<UInt8>) -> Bool {
    let count = tokens.count
    return withUnsafeTemporaryAllocation(of: Bool.self, capacity: 2 * (count + 1)) { states in
      states.initialize(repeating: false)
      var now = UnsafeMutableBufferPointer(rebasing: states[...count])
      var next = UnsafeMutableBufferPointer(rebasing: states[(count + 1)...])
      enter(0, now)
      for byte in text {
        var isAlive = false
        for state in 0..<count where now[state] {
          step(state, byte, next)
          isAlive = true
        }
        guard isAlive else { return false }
        swap(&now, &next)
        next.update(repeating: false)
      }
      return now[count]
    }
  }

  private func step(_ state: Int, _ byte: UInt8, _ next: UnsafeMutableBufferPointer<Bool>) {
    let isSlash = byte == UInt8(ascii: "/")
    switch tokens[state] {
    case .byte(let wanted): if byte == wanted { enter(state + 1, next) }
    case .any: if !isSlash { enter(state + 1, next) }
    case .star: if !isSlash { enter(state, next) }
    case .set(let set):
      if !isSlash, set[Int(byte >> 6)] & (1 << UInt64(byte & 63)) != 0 { enter(state + 1, next) }
    case .directories:
      // Leaves only behind a slash; `enter` would leave at once.
      next[state] = true
      if isSlash { enter(state + 1, next) }
    case .rest:
      next[state] = true
      enter(state + 1, next)
    }
  }

  /// Also enters what can follow without a byte.
  private func enter(_ state: Int, _ states: UnsafeMutableBufferPointer<Bool>) {
    var state = state
    while true {
      states[state] = true
      guard state < tokens.count else { return }
      switch tokens[state] {
      case .star, .directories: state += 1
      default: return
      }
    }
  }
}

/// Character classes: `[a-z]`, `[!a]`, `[^a]`, `[[:digit:]]`, `[]x]`, with backslash escapes.
enum IgnoreBracket {
  /// The set and the index behind its `]`; nil if it never closes or names an unknown class.
  static func parse(_ pattern: [UInt8], _ start: Int) -> (InlineArray<4, UInt64>, Int)? {
    var set = InlineArray<4, UInt64>(repeating: 0)
    func insert(_ byte: UInt8, _ set: inout InlineArray<4, UInt64>) { set[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
    var at = start
    let isNegated = at < pattern.count && (pattern[at] == UInt8(ascii: "!") || pattern[at] == UInt8(ascii: "^"))
    if isNegated { at += 1 }
    let first = at
    while at < pattern.count {
      if pattern[at] == UInt8(ascii: "]"), at > first {
        if isNegated { for word in 0..<4 { set[word] = ~set[word] } }
        return (set, at + 1)
      }
      if pattern[at] == UInt8(ascii: "["), at + 1 < pattern.count, pattern[at + 1] == UInt8(ascii: ":") {
        guard let end = pattern[(at + 2)...].firstIndex(of: UInt8(ascii: ":")), end + 1 < pattern.count,
          pattern[end + 1] == UInt8(ascii: "]"),
          let contains = named(String(decoding: pattern[(at + 2)..<end], as: UTF8.self))
        else { return nil }
        for byte in UInt8(0)..<128 where contains(byte) { insert(byte, &set) }
        at = end + 2
        continue
      }
      guard let low = character(pattern, &at) else { return nil }
      if at + 1 < pattern.count, pattern[at] == UInt8(ascii: "-"), pattern[at + 1] != UInt8(ascii: "]") {
        at += 1
        guard let high = character(pattern, &at) else { return nil }
        if low <= high { for byte in low...high { insert(byte, &set) } }
      } else {
        insert(low, &set)
      }
    }
    return nil
  }

  private static func character(_ pattern: [UInt8], _ at: inout Int) -> UInt8? {
    if pattern[at] == UInt8(ascii: "\\") { at += 1 }
    guard at < pattern.count else { return nil }
    at += 1
    return pattern[at - 1]
  }

  private static func named(_ name: String) -> ((UInt8) -> Bool)? {
    let isLower = { (b: UInt8) in (0x61...0x7A).contains(b) }
    let isUpper = { (b: UInt8) in (0x41...0x5A).contains(b) }
    let isDigit = { (b: UInt8) in (0x30...0x39).contains(b) }
    let isGraphic = { (b: UInt8) in (0x21...0x7E).contains(b) }
    switch name {
    case "lower": return isLower
    case "upper": return isUpper
    case "digit": return isDigit
    case "alpha": return { isLower($0) || isUpper($0) }
    case "alnum": return { isLower($0) || isUpper($0) || isDigit($0) }
    case "xdigit": return { isDigit($0) || (0x61...0x66).contains($0) || (0x41...0x46).contains($0) }
    case "blank": return { $0 == 0x20 || $0 == 0x09 }
    case "space": return { $0 == 0x20 || (0x09...0x0D).contains($0) }
    case "cntrl": return { $0 < 0x20 || $0 == 0x7F }
    case "graph": return isGraphic
    case "print": return { isGraphic($0) || $0 == 0x20 }
    case "punct": return { isGraphic($0) && !isLower($0) && !isUpper($0) && !isDigit($0) }
    default: return nil
    }
  }
}
