import SoftadastraCore
import Testing

@Suite struct BytePathTests {
  @Test(arguments: ["a", "a/b", "..a", "a/...", "x/.softadastra", ".softadastra2", "a b", "a\nb"])
  func accepted(text: String) throws {
    #expect(try BytePath(validating: Array(text.utf8)).bytes == Array(text.utf8))
  }

  @Test(arguments: [
    "", "/", "/a", "a/", "a//b", ".", "..", "a/.", "a/../b", "../a", "a\0b", ".softadastra", ".softadastra/x",
  ]) func refused(text: String) {
    #expect(throws: CodingError.self) { try BytePath(validating: Array(text.utf8)) }
  }

  @Test func limits() throws {
    let name = [UInt8](repeating: 0x61, count: 255)
    _ = try BytePath(validating: name)
    #expect(throws: CodingError.tooLarge(what: "name", limit: 255)) { try BytePath(validating: name + [0x61]) }
    let long = Array([[UInt8]](repeating: [UInt8](repeating: 0x62, count: 240), count: 17).joined(separator: [0x2F]))
    #expect(long.count <= 4096)
    _ = try BytePath(validating: long)
    #expect(throws: CodingError.tooLarge(what: "path", limit: 4096)) {
      try BytePath(validating: long + [UInt8(ascii: "/")] + [UInt8](repeating: 0x63, count: 4096 - long.count))
    }
  }

  @Test func parts() {
    let path = BytePath("a/b/c.txt")
    #expect(path.parent == BytePath("a/b"))
    #expect(path.name.elementsEqual("c.txt".utf8))
    #expect(path.isWithin(BytePath("a")) && path.isWithin(path) && path.isWithin(.root))
    #expect(!BytePath("ab").isWithin(BytePath("a")))
    #expect(path.moved(from: BytePath("a/b"), to: BytePath("z")) == BytePath("z/c.txt"))
    #expect(path.moved(from: path, to: BytePath("z")) == BytePath("z"))
    #expect(path.moved(from: BytePath("b"), to: BytePath("z")) == nil)
    #expect(path.moved(from: .root, to: BytePath("z")) == BytePath("z/a/b/c.txt"))
    #expect(BytePath("a").parent == .root && BytePath.root.parent == .root)
    #expect(BytePath(".softadastra/x").isReserved && !BytePath("x/.softadastra").isReserved)
  }

  @Test(arguments: [
    ([0x61, 0x0A], "a\\x0a"), ([0x1B, 0x5B], "\\x1b["), ([0xFF, 0x61], "\\xffa"), ([0xC3, 0xA9], "é"),
    ([0xC3], "\\xc3"), ([0xE2, 0x80, 0xAE], "\\xe2\\x80\\xae"), ([0xC2, 0x85], "\\xc2\\x85"),
    ([0xFF, 0xC3, 0xA9], "\\xffé"), ([0xED, 0xA0, 0x80], "\\xed\\xa0\\x80"), ([0x7F], "\\x7f"),
  ]) func escaping(bytes: [UInt8], shown: String) { #expect(BytePath.escape(bytes) == shown) }
}
