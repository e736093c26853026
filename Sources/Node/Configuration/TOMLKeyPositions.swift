/// Where the top-level keys of a TOML text stand.
///
/// Only for text that a parser has accepted already: it follows strings, arrays and comments just far enough to know
/// where a line starts a key. Of a dotted key or a table header the first part counts.
struct TOMLKeyPositions {
  /// From 1; columns count characters, as editors do.
  struct Position: Comparable {
    var line: Int
    var column: Int
    static func < (a: Position, b: Position) -> Bool { (a.line, a.column) < (b.line, b.column) }
  }

  private var found: [String: Position] = [:]
  private let text: [Character]
  private var at = 0
  private var line = 1
  private var lineStart = 0

  init(_ source: String) {
    text = Array(source)
    var inTable = false
    while at < text.count {
      skipBlank()
      guard at < text.count else { break }
      if text[at] == "[" {
        inTable = true
        while at < text.count, text[at] == "[" || text[at] == " " { at += 1 }
        note()
        skipLine()
      } else {
        if inTable { skipKey() } else { note() }
        skipStatement()
      }
    }
  }

  /// The start of the file for a key that is not there.
  func first(of key: String) -> Position { found[key] ?? Position(line: 1, column: 1) }

  private mutating func note() {
    let position = Position(line: line, column: at - lineStart + 1)
    let key = readKeyPart()
    if found[key] == nil { found[key] = position }
  }

  private mutating func skipKey() { _ = readKeyPart() }

  private mutating func readKeyPart() -> String {
    guard at < text.count else { return "" }
    let quote = text[at]
    var key = ""
    if quote == "\"" || quote == "'" {
      at += 1
      while at < text.count, text[at] != quote, !text[at].isNewline {
        if text[at] == "\\", quote == "\"" { at += 1 }
        if at < text.count { key.append(text[at]) }
        at += 1
      }
      at += 1
      return key
    }
    while at < text.count, text[at].isLetter || text[at].isNumber || text[at] == "-" || text[at] == "_" {
      key.append(text[at])
      at += 1
    }
    return key
  }

  /// To the end of `key = value`, which may span lines inside brackets and multi-line strings.
  private mutating func skipStatement() {
    var depth = 0
    while at < text.count {
      switch text[at] {
      case "\"", "'": skipString()
      case "#": skipComment()
      case "[", "{":
        depth += 1
        at += 1
      case "]", "}":
        depth -= 1
        at += 1
      case let character where character.isNewline:
        newline()
        if depth <= 0 { return }
      default: at += 1
      }
    }
  }

  private mutating func skipString() {
    let quote = text[at]
    if at + 2 < text.count, text[at + 1] == quote, text[at + 2] == quote {
      at += 3
      while at < text.count {
        if text[at] == quote, at + 2 < text.count, text[at + 1] == quote, text[at + 2] == quote {
          at += 3
          // Up to two more quotes may belong to the string's end.
          while at < text.count, text[at] == quote { at += 1 }
          return
        }
        if at + 2 == text.count - 1, text[at] == quote { return at = text.count }
        step(escapes: quote == "\"")
      }
      return
    }
    at += 1
    while at < text.count, text[at] != quote, !text[at].isNewline { step(escapes: quote == "\"") }
    at += 1
  }

  private mutating func step(escapes: Bool) {
    if text[at].isNewline { return newline() }
    if text[at] == "\\", escapes { at += 1 }
    if at < text.count, text[at].isNewline { return newline() }
    at += 1
  }

  private mutating func skipBlank() {
    while at < text.count {
      if text[at].isNewline {
        newline()
      } else if text[at] == "#" {
        skipComment()
      } else if text[at].isWhitespace {
        at += 1
      } else {
        return
      }
    }
  }

  private mutating func skipComment() {
    while at < text.count, !text[at].isNewline { at += 1 }
  }

  private mutating func skipLine() {
    skipComment()
    if at < text.count { newline() }
  }

  private mutating func newline() {
    at += 1
    line += 1
    lineStart = at
  }
}
