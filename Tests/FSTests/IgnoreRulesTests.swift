import SoftadastraCore
import SoftadastraFS
import TestSupport
import Testing

@Suite struct IgnoreRulesTests {
  private func rules(_ files: [String: String]) -> IgnoreRules {
    var rules = IgnoreRules()
    for (directory, text) in files { rules.set(BytePath(directory), contents: Array(text.utf8)) }
    return rules
  }

  /// A path that ends in `/` is a directory.
  private func ignores(_ rules: IgnoreRules, _ path: String) -> Bool {
    rules.match(BytePath(path.hasSuffix("/") ? String(path.dropLast()) : path), isDirectory: path.hasSuffix("/")) != nil
  }

  @Test(arguments: [
    ("*.o", "a.o", true), ("*.o", "d/a.o", true), ("*.o", "a.oo", false), ("*.o", ".o", true),
    ("/a", "a", true), ("/a", "d/a", false), ("d/a", "d/a", true), ("d/a", "x/d/a", false),
    ("build/", "build/", true), ("build/", "build", false), ("build/", "x/build/", true), ("build/", "build/f", true),
    ("**/x", "x", true), ("**/x", "a/b/x", true), ("**/x", "ax", false), ("a/**", "a/b", true), ("a/**", "a/b/c", true),
    ("a/**", "a/", false), ("a/**/b", "a/b", true), ("a/**/b", "a/x/y/b", true), ("a/**/b", "a/xb", false),
    ("a/**/b", "ab", false), ("a**b", "axxb", true), ("a**b", "a/b", false), ("foo/*", "foo/a", true),
    ("foo/*", "foo/a/b", true), ("foo/*.c", "foo/a/b.c", false), ("?", "a", true), ("?", "ab", false),
    ("a?c", "a/c", false), ("[a-c]x", "bx", true), ("[a-c]x", "dx", false), ("[!a-c]x", "dx", true),
    ("[^a-c]x", "ax", false), ("[]x]", "]", true), ("[]-]", "-", true), ("[[:digit:]]", "7", true),
    ("[[:digit:][:upper:]]", "Q", true), ("[[:nope:]]", "n", false), ("[a", "[a", false), ("\\[a", "[a", true),
    ("#x", "#x", false), ("\\#x", "#x", true), ("\\!x", "!x", true), ("x ", "x", true), ("x\\ ", "x ", true),
    ("x\\ ", "x", false), ("\\*", "*", true), ("\\*", "a", false), ("x\r", "x", true), ("", "x", false),
    ("/", "x", false),
    ("*", "anything", true), ("a*b*c", "aXbYc", true), ("a*b*c", "aXbY", false), ("*a", "ba", true),
    ("a/*/c", "a/b/c", true),
    ("a/*/c", "a/b/b/c", false), ("\u{FEFF}x", "x", true), ("x\\", "x", false), ("[a-]", "-", true), ("é", "é", true),
  ])
  func patterns(_ pattern: String, _ path: String, _ expected: Bool) {
    #expect(ignores(rules(["": pattern]), path) == expected, "\(pattern) against \(path)")
  }

  @Test func theLastMatchingLineDecides() {
    let rules = rules(["": "*.log\n!keep.log\n/d/\n!/d/keep.log\n!nothing"])
    #expect(ignores(rules, "a.log"))
    #expect(!ignores(rules, "keep.log"))
    // Not below an ignored directory.
    #expect(ignores(rules, "d/keep.log"))
  }

  @Test func deeperFilesComeAfterThoseAbove() {
    let rules = rules(["": "*.log\n/only-top", "d": "!*.log\n/here\nsub/x", "d/e": "*.log"])
    #expect(!ignores(rules, "d/a.log"))
    #expect(ignores(rules, "d/e/a.log"))
    #expect(ignores(rules, "d/here") && !ignores(rules, "here") && !ignores(rules, "d/e/here"))
    #expect(ignores(rules, "d/sub/x") && !ignores(rules, "sub/x"))
    #expect(!ignores(rules, "d/only-top"))
  }

  @Test func tellsWhichRule() throws {
    let rules = rules(["d": "# comment\n\n*.o"])
    let match = try #require(rules.match(BytePath("d/x/a.o"), isDirectory: false))
    #expect(match.file == BytePath("d/.softadastraignore") && match.line == 3 && match.rule == "*.o")
    #expect(match.description == "d/.softadastraignore:3: *.o")
    let parent = self.rules(["": "gone/"])
    #expect(parent.match(BytePath("gone/a/b"), isDirectory: false)?.line == 1)
    #expect(parent.matchBelowKnownParent(BytePath("gone/a/b"), isDirectory: false) == nil)
  }

  @Test func ownNamesAreBuiltIn() {
    let none = IgnoreRules()
    #expect(none.isEmpty)
    #expect(ignores(none, ".softadastra/") && ignores(none, ".softadastra/staging/x"))
    #expect(
      !ignores(none, "d/.softadastra/") && !ignores(none, ".softadastraignore") && !ignores(none, ".softadastrax"))
    // No rule takes it back in.
    #expect(ignores(rules(["": "!.softadastra"]), ".softadastra/"))
  }

  @Test func bytesNeedNotBeText() {
    var rules = IgnoreRules()
    rules.set(.root, contents: [0xFF, 0x2A])
    #expect(rules.match(BytePath(unchecked: [0xFF, 0xFE]), isDirectory: false) != nil)
    rules.set(.root, contents: [0x3F])
    #expect(rules.match(BytePath(unchecked: [0x80]), isDirectory: false) != nil)
  }

  @Test func hostilePatternsCostNothing() {
    let rules = rules(["": String(repeating: "*a", count: 60) + "b\n/" + String(repeating: "**/a/", count: 60) + "b"])
    let path = String(repeating: "a", count: 250)
    let deep = Array(repeating: "a", count: 120).joined(separator: "/")
    let start = ContinuousClock.now
    #expect(!ignores(rules, path) && !ignores(rules, deep))
    #expect(ContinuousClock.now - start < .seconds(2))
  }

  @Test func rulesAreReadAndForgotten() throws {
    let volume = MemoryVolume()
    volume.write(BytePath("d/.softadastraignore"), Array("x\n".utf8))
    var rules = IgnoreRules()
    try rules.load(BytePath("d"), from: volume)
    try rules.load(.root, from: volume)
    #expect(rules.directories == [BytePath("d")] && ignores(rules, "d/x") && !ignores(rules, "x"))
    volume.removeTree(BytePath("d/.softadastraignore"))
    try rules.load(BytePath("d"), from: volume)
    #expect(rules.isEmpty)
    rules.set(BytePath("a/b"), contents: Array("x".utf8))
    rules.remove(BytePath("a"))
    #expect(rules.isEmpty)
  }
}
