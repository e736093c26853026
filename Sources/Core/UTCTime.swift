/// A second in UTC, without the C library's time zones. (Howard Hinnant's civil-from-days and back.)
public struct UTCTime: Hashable, Comparable, Sendable {
  public let secondsSince1970: Int64
  public init(secondsSince1970: Int64) { self.secondsSince1970 = secondsSince1970 }

  private static let secondsADay: Int64 = 86_400

  private var parts: (year: Int64, month: Int64, day: Int64, secondOfDay: Int64) {
    let days = secondsSince1970.quotient(floored: Self.secondsADay)
    let shifted = days + 719_468
    let era = shifted.quotient(floored: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (
      year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month,
      day: dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, secondOfDay: secondsSince1970 - days * Self.secondsADay
    )
  }

  /// `YYYYMMDD-HHMMSS`: for names.
  public var compact: String {
    let (year, month, day, second) = parts
    return four(year) + two(month) + two(day) + "-" + two(second / 3600) + two(second / 60 % 60) + two(second % 60)
  }

  /// `YYYY-MM-DDTHH:MM:SSZ`.
  public var iso: String {
    let (year, month, day, second) = parts
    let clock = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
    return "\(four(year))-\(two(month))-\(two(day))T\(clock)Z"
  }

  /// Reads what `compact` writes, and nothing else.
  public init?(compact text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard bytes.count == 15, bytes[8] == UInt8(ascii: "-") else { return nil }
    self.init(digits: Array(bytes[..<8] + bytes[9...]))
  }

  /// Reads `YYYY-MM-DD`, optionally followed by `T` or a space and `HH:MM` or `HH:MM:SS`, optionally by `Z`.
  public init?(iso text: some StringProtocol) {
    var bytes = Array(text.utf8)
    if bytes.last == UInt8(ascii: "Z") { bytes.removeLast() }
    let shape = Array("0000-00-00T00:00:00".utf8)
    guard [10, 16, 19].contains(bytes.count) else { return nil }
    var digits: [UInt8] = []
    for (byte, wanted) in zip(bytes, shape) {
      switch wanted {
      case UInt8(ascii: "0"): digits.append(byte)
      case UInt8(ascii: "T"): guard byte == wanted || byte == UInt8(ascii: " ") else { return nil }
      default: guard byte == wanted else { return nil }
      }
    }
    self.init(digits: digits + [UInt8](repeating: UInt8(ascii: "0"), count: 14 - digits.count))
  }

  /// Fourteen digits, each field in its range.
  private init?(digits: [UInt8]) {
    guard digits.count == 14, digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
    func number(_ range: Range<Int>) -> Int64 { digits[range].reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) } }
    let (year, month, day) = (number(0..<4), number(4..<6), number(6..<8))
    let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
    guard 1...12 ~= month, 1...31 ~= day, hour < 24, minute < 60, second < 60 else { return nil }
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = shiftedYear.quotient(floored: 400)
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    secondsSince1970 = days * Self.secondsADay + hour * 3600 + minute * 60 + second
    // The thirtieth of February would be another day's name.
    guard parts.month == month, parts.day == day else { return nil }
  }

  public static func < (a: UTCTime, b: UTCTime) -> Bool { a.secondsSince1970 < b.secondsSince1970 }
}

private func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }

private func four(_ value: Int64) -> String {
  let digits = String(value)
  return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}

extension Int64 {
  fileprivate func quotient(floored divisor: Int64) -> Int64 {
    self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
  }
}
