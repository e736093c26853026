import SoftadastraCore
import TestSupport
import Testing

@Suite struct IdentifierTests {
  @Test(arguments: [
    ("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foob", "mzxw6yq"), ("fooba", "mzxw6ytb"),
    ("foobar", "mzxw6ytboi"),
  ]) func base32KnownAnswers(plain: String, encoded: String) {
    #expect(Base32.encode(Array(plain.utf8)) == encoded)
    #expect(Base32.decode(encoded) == Array(plain.utf8))
    #expect(Base32.decode(encoded.uppercased()) == Array(plain.utf8))
  }

  @Test(arguments: ["a", "mz1", "mzxw6y", "my=", "m y", "mz", "é"])
  func base32Refuses(text: String) { #expect(Base32.decode(text) == nil) }

  @Test(arguments: 0..<50 as Range<UInt64>) func base32RoundTrip(seed: UInt64) {
    let bytes = randomBytes(seed: seed, count: Int(seed))
    #expect(Base32.decode(Base32.grouped(Base32.encode(bytes))) == bytes)
  }

  @Test func nodeID() throws {
    let bytes = randomBytes(seed: 7, count: 32)
    let id = try #require(NodeID(bytes: bytes))
    #expect(NodeID(id.description) == id)
    #expect(NodeID(id.description.uppercased().replacing("-", with: "")) == id)
    #expect(id.short == String(id.description.prefix(9)))
    #expect(id.tag.compact == id.short.replacing("-", with: ""))
    #expect(NodeID(bytes: bytes.dropLast()) == nil)
    #expect(NodeID(bytes: bytes + [0]) == nil)
    #expect(NodeID("mzxw6ytboi") == nil)
  }

  @Test func smallIDs() {
    #expect(FolderID(rawValue: 0xAB).description == "00000000000000ab")
    #expect(FolderID("00000000000000ab") == FolderID(rawValue: 0xAB))
    #expect(FolderID("ab") == nil)
    #expect(FolderID("+0000000000000ab") == nil || FolderID("+0000000000000ab")?.rawValue == 0xAB)
    #expect(GroupID(high: 1, low: 2).description == "00000000000000010000000000000002")
    #expect(AuthorTag(rawValue: .max).rawValue == 0xFF_FFFF_FFFF)
  }
}
