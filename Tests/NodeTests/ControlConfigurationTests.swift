import Foundation
import SoftadastraCore
import Testing

@testable import SoftadastraNode

@Suite struct ControlConfigurationTests {
  private func load(_ text: String?, flags: [SettingKey: Configuration.Flag] = [:], environment: [String: String] = [:])
    throws -> Configuration
  {
    let home = FileManager.default.temporaryDirectory.appending(path: "softadastra-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: home) }
    if let text { try text.write(to: home.appending(path: "config.toml"), atomically: true, encoding: .utf8) }
    return try Configuration.load(home: home.path, flags: flags, environment: environment)
  }

  @Test func theStrongestSourceWins() throws {
    let text = "name = \"file\"\nlisten = \"1.2.3.4:5\"\ndiscovery-port = 1000\n"
    let loaded = try load(
      text, flags: [.name: .init("--name", .text("flag"))],
      environment: ["SOFTADASTRA_NAME": "variable", "SOFTADASTRA_LISTEN": "[::1]:7", "SOFTADASTRA_DISCOVERY": "off"])
    #expect(loaded.options.name == Setting("flag", from: .flag("--name")))
    #expect(loaded.options.listen == Setting("[::1]:7", from: .environment("SOFTADASTRA_LISTEN")))
    #expect(loaded.options.discovery == Setting(false, from: .environment("SOFTADASTRA_DISCOVERY")))
    #expect(loaded.options.discoveryPort == Setting(1000, from: .file(path: loaded.file, line: 3)))
    #expect(loaded.options.rescanSeconds == Setting(3600))
  }

  @Test func placesFollowXDG() throws {
    let environment = ["HOME": "/u", "XDG_STATE_HOME": "relative", "XDG_CONFIG_HOME": "/c"]
    let loaded = try Configuration.load(home: nil, environment: environment)
    #expect(loaded.home.path == "/u/.local/state/softadastra" && loaded.file == "/c/softadastra/config.toml")
    let named = try Configuration.load(home: nil, environment: ["HOME": "/u", "SOFTADASTRA_HOME": "/s"])
    #expect(named.home.path == "/s" && named.file == "/u/.config/softadastra/config.toml")
    #expect(try Configuration.load(home: "/x/", environment: environment).file == "/x/config.toml")
  }

  @Test func listsAndHomeDirectory() throws {
    let loaded = try load(
      "folders = [\"~/Shared\", \"/data\"]\n",
      environment: ["HOME": "/u", "SOFTADASTRA_PEERS": "a:1,[::2]:3"])
    #expect(loaded.options.folders.value == ["/u/Shared", "/data"])
    #expect(loaded.options.peers.value == ["a:1", "[::2]:3"])
  }

  @Test(arguments: [
    ("lisen = \"x\"", 1, 1, "unknown setting 'lisen'"),
    ("# c\n\nname = \"n\"\n  nmae = 3", 4, 3, "unknown setting 'nmae'"),
    ("peers = [ # b\n \"a:1\",\n]\nname = 3", 4, 1, "takes a string, not a whole number"),
    ("name = \"\"\"\nlisen = 1\n\"\"\"\nx = 1", 4, 1, "unknown setting 'x'"),
    ("[node]\nname = \"n\"", 1, 2, "unknown setting 'node'"),
    ("discovery = \"yes\"", 1, 1, "takes true or false, not a string"),
    ("rescan-seconds = 5", 1, 1, "from 60 to"),
    ("listen = \"here\"", 1, 1, "HOST:PORT"),
    ("log-level = \"loud\"", 1, 1, "not 'loud'"),
    ("folders = [\"relative\"]", 1, 1, "absolute paths"),
    ("folders = [1]", 1, 1, "an array of paths"),
    ("\"na me\" = 1", 1, 1, "unknown setting 'na me'"),
    ("name = \"ä\"; x", 1, 11, "comment"),
  ])
  func mistakesNameTheirPlace(_ text: String, _ line: Int, _ column: Int, _ why: String) throws {
    do {
      _ = try load(text)
      Issue.record("it was taken")
    } catch let error as SoftadastraError {
      #expect(error.description.contains("config.toml:\(line):\(column): "), "\(error)")
      #expect(error.description.contains(why), "\(error)")
      #expect(!error.description.contains("\n"))
    }
  }

  @Test(arguments: [
    ("SOFTADASTRA_DISCOVERY", "maybe"), ("SOFTADASTRA_RESCAN_SECONDS", "x"), ("SOFTADASTRA_LISTEN", "x"),
  ])
  func mistakesInTheEnvironmentNameTheVariable(_ name: String, _ value: String) throws {
    do {
      _ = try load(nil, environment: [name: value])
      Issue.record("it was taken")
    } catch let error as SoftadastraError {
      #expect(error.description.hasPrefix("$\(name): "))
    }
  }
}
