/// Figures by database and kind, the best of several rounds each.
struct Table {
  enum Kind: String, CaseIterable {
    case single = "durable puts/s"
    case batch = "durable puts/s, 1,000 a commit"
    case writers = "durable puts/s, 64 writers"
    case get = "get, µs"
    case scan = "ordered scan, M entries/s"
    case open = "open, s"
    case replay = "open by replaying the log, s"

    var prefersLess: Bool { self == .get || self == .open || self == .replay }
  }

  static let databases = ["Softadastra", "SQLite", "LMDB", "RocksDB"]
  var rounds = 0
  private var cells: [String: Double] = [:]

  mutating func add(_ database: String, _ kind: Kind, _ value: Double) {
    let name = database + kind.rawValue
    cells[name] = cells[name].map { kind.prefersLess ? min($0, value) : max($0, value) } ?? value
  }

  func show() {
    print("| | " + Self.databases.joined(separator: " | ") + " |")
    print("| --- |" + Self.databases.map { _ in " --- |" }.joined())
    for kind in Kind.allCases {
      let row = Self.databases.map { database in cells[database + kind.rawValue].map(Self.figure) ?? "-" }
      print("| \(kind.rawValue) | " + row.joined(separator: " | ") + " |")
    }
  }

  private static func figure(_ value: Double) -> String {
    if value >= 1000 { return "\(Int(value / 100) * 100)" }
    let thousandths = Int((value * 1000).rounded())
    let digits = String(thousandths % 1000)
    return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits
  }
}
