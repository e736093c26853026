import Testing

@testable import SoftadastraCLI

/// Exit codes of what needs no node and changes nothing.
@Suite struct UsageTests {
  @Test(arguments: [
    ["bogus"], ["store", "bogus"], ["store", "get"], ["store", "get", ""], ["watch", "--nonsense"],
    ["watch", "--listen", "nowhere"], ["watch", "--peer", "a:b"], ["watch", "--name", "x", "a", "b"],
    ["watch", "--discovery-port", "0"], ["invite", "--expires", "soon"], ["invite", "--uses", "0"],
    ["wait", "--timeout", "-1s"], ["peers", "add", "somewhere"], ["--log-level", "loud", "config"],
    ["conflicts", "resolve", "x"], ["conflicts", "resolve", "x", "--keep", "all"], ["versions"], ["versions", ""],
    ["restore", "x", "--at", "yesterday"], ["folder", "remove"], ["folder", "revert", ""], ["folder", "bogus"],
  ])
  func wrongUsageIs64(_ arguments: [String]) async {
    #expect(await Program.run(arguments) == 64)
  }

  @Test(arguments: [[], ["--help"], ["--version"], ["store", "--help"], ["store"], ["help", "watch"]])
  func helpIs0(_ arguments: [String]) async {
    #expect(await Program.run(arguments) == 0)
  }

  @Test(arguments: [
    ["wait"], ["node", "stop"], ["sync", "tick"], ["sync", "retry", "x"], ["store", "watch"],
    ["folder", "revert", "x"], ["folder", "confirm-deletions", "x"],
  ])
  func withoutNodeIs69(_ arguments: [String]) async {
    #expect(await Program.run(arguments + ["--home", "/nonexistent/softadastra"]) == 69)
  }

  @Test(arguments: ["/nonexistent", "/etc/hostname", "/proc"])
  func foldersThatCannotBeWatched(_ path: String) async {
    #expect(await Program.run(["watch", path, "--home", "/nonexistent/softadastra"]) == 1)
  }
}
