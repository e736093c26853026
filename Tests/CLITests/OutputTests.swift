import Foundation
import SoftadastraNode
import Testing

@testable import SoftadastraCLI

@Suite struct OutputTests {
  static func report() throws -> StatusReport {
    let file = Golden.package.appending(path: "Tests/CLITests/Golden/status.json")
    return try JSONDecoder().decode(StatusReport.self, from: Data(contentsOf: file))
  }

  @Test func statusForPeople() throws {
    try Golden.expect(
      StatusText(try Self.report(), style: .plain).text + "\n", "Tests/CLITests/Golden/status.txt")
  }

  @Test func statusInColour() throws {
    let style = Style(isColored: true, isTerminal: true)
    try Golden.expect(
      StatusText(try Self.report(), style: style).text + "\n", "Tests/CLITests/Golden/status-colour.txt")
  }

  /// The field names are a contract: what is decoded is printed as it was.
  @Test func statusAsJSON() throws {
    try Golden.expect(JSONText.pretty(try Self.report()) + "\n", "Tests/CLITests/Golden/status.json")
  }

  @Test func tableAlignsWideCharactersAndEscapesControls() {
    var table = Table(["NAME", "SIZE"], rightAligned: [1], style: .plain)
    table.add(["a\nb\u{1B}[31m", "1"])
    table.add(["日本", "22"])
    #expect(table.text == "NAME            SIZE\na\\x0ab\\x1b[31m     1\n日本              22")
  }

  @Test func quantities() {
    #expect(
      [0, 1023, 1024, 1536, 1_048_575, 1_048_576, .max].map { Quantity.bytes($0) } == [
        "0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1.0 MiB", "16.0 EiB",
      ])
    #expect(
      [0, 0.0123, 12.34, 200, 7500, 300_000, .infinity].map { Quantity.time($0) } == [
        "0 ms", "12 ms", "12.3 s", "3 min 20 s", "2 h 5 min", "3 d 11 h", "?",
      ])
  }

  @Test func timeSpans() {
    #expect(TimeSpan(argument: "500ms")?.seconds == 0.5)
    #expect(TimeSpan(argument: "60s")?.seconds == 60)
    #expect(TimeSpan(argument: "1.5h")?.seconds == 5400)
    #expect(TimeSpan(argument: "90")?.seconds == 90)
    for bad in ["", "s", "-1s", "1y", "nan", "inf", "1e99d", "0x10"] {
      #expect(TimeSpan(argument: bad) == nil, "\(bad)")
    }
  }

  @Test func eventLines() {
    let printer = EventPrinter(json: false, style: .plain)
    #expect(
      printer.text(NodeEvent("received", peer: "desk", folder: "Shared", path: "a\nb"))
        == "received Shared/a\\x0ab from desk")
    #expect(printer.text(NodeEvent("warning", message: "x")) == "warning (x)")
  }

  @Test func importRefusesBeforeAnythingIsPut() throws {
    let good = #"{"key":"a","value":"1"}"# + "\n\n" + #"{"key":"b","valueBase64":"AAE="}"# + "\n"
    let parsed = try StoreImportCommand.parse(Array(good.utf8))
    #expect(parsed.map(\.key) == [Array("a".utf8), Array("b".utf8)] && parsed.map(\.value) == [[49], [0, 1]])
    for bad in [#"{"key":"","value":"1"}"#, #"{"key":"a"}"#, #"{"key":"a","valueBase64":"%"}"#, "x"] {
      #expect(throws: CommandFailure.self) { try StoreImportCommand.parse(Array(bad.utf8)) }
    }
  }
}
