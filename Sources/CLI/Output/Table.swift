internal import SoftadastraCore

/// Columns aligned by the width a terminal gives their text.
struct Table {
  private struct Cell {
    var text: String
    var width: Int
  }

  private var rows: [[Cell]] = []
  private let style: Style
  private let rightAligned: Set<Int>

  /// - Parameter rightAligned: the columns that hold numbers.
  init(_ header: [String], rightAligned: Set<Int> = [], style: Style) {
    self.style = style
    self.rightAligned = rightAligned
    rows.append(header.map { Cell(text: style.paint($0, .bold), width: Self.width($0)) })
  }

  /// Control bytes in the cells are escaped here; states are coloured.
  mutating func add(_ cells: [String], states: Set<Int> = []) {
    rows.append(
      cells.enumerated().map { index, text in
        let escaped = BytePath.escape(text.utf8)
        return Cell(text: states.contains(index) ? style.state(escaped) : escaped, width: Self.width(escaped))
      })
  }

  var text: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].width : 0 }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.width)
        let isLast = column == row.count - 1
        if rightAligned.contains(column) {
          line += padding + cell.text + (isLast ? "" : "  ")
        } else {
          line += cell.text + (isLast ? "" : padding + "  ")
        }
      }
      return line
    }.joined(separator: "\n")
  }

  /// Columns on a terminal: wide East Asian characters and emoji take two.
  static func width(_ text: String) -> Int {
    text.reduce(0) { $0 + (isWide($1) ? 2 : 1) }
  }

  private static func isWide(_ character: Character) -> Bool {
    guard let value = character.unicodeScalars.first?.value else { return false }
    return switch value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      true
    default: false
    }
  }
}
