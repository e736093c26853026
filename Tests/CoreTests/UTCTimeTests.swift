import SoftadastraCore
import Testing

@Suite struct UTCTimeTests {
  @Test(arguments: [
    (0, "1970-01-01T00:00:00Z", "19700101-000000"), (951_782_399, "2000-02-28T23:59:59Z", "20000228-235959"),
    (951_868_799, "2000-02-29T23:59:59Z", "20000229-235959"), (-1, "1969-12-31T23:59:59Z", "19691231-235959"),
    (4_107_542_400, "2100-03-01T00:00:00Z", "21000301-000000"),
  ])
  func bothFormsAndBack(_ seconds: Int64, _ iso: String, _ compact: String) {
    let time = UTCTime(secondsSince1970: seconds)
    #expect(time.iso == iso && time.compact == compact)
    #expect(UTCTime(iso: iso) == time && UTCTime(compact: compact) == time)
  }

  @Test func everyDayComesBack() {
    for day in stride(from: Int64(-200_000), through: 200_000, by: 17) {
      let time = UTCTime(secondsSince1970: day * 86_400 + 12_345)
      #expect(UTCTime(iso: time.iso) == time)
    }
  }

  @Test func shorterForms() {
    #expect(UTCTime(iso: "2000-02-28")?.iso == "2000-02-28T00:00:00Z")
    #expect(UTCTime(iso: "2000-02-28 23:59")?.iso == "2000-02-28T23:59:00Z")
    #expect(UTCTime(iso: "2000-02-28T23:59:58")?.iso == "2000-02-28T23:59:58Z")
  }

  @Test(arguments: [
    "", "Z", "2000", "2000-02-30", "2001-02-29", "2000-13-01", "2000-00-01", "2000-01-01T24:00", "2000-01-01T00:60",
    "2000/01/01", "2000-01-01T00:00:0x", "+200-01-01", "2000-01-01T00:00:00+01",
  ])
  func refused(_ text: String) { #expect(UTCTime(iso: text) == nil) }

  @Test(arguments: ["19700101000000", "1970010-1000000", "19700101-00000", "1970x101-000000"])
  func refusedInNames(_ text: String) { #expect(UTCTime(compact: text) == nil) }

  @Test func escapesComeBack() {
    let name: [UInt8] = [0xFF, 0x41, 0x0A, 0x5C]
    #expect(BytePath.unescape(BytePath.escape(name)) == name)
    #expect(BytePath.unescape("\\xzz\\x4") == Array("\\xzz\\x4".utf8))
  }
}
