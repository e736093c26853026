internal import FoundationEssentials
internal import Glibc
internal import SoftadastraCore
internal import SoftadastraNode

/// The program's own proof: each step does something to the folders of two nodes and checks what is on disk after it.
final class Demo: Sendable {
  static let patience = Duration.seconds(20)
  private static let pause = Duration.milliseconds(2)

  private let root: String
  private let laptop: DemoNode
  private let desk: DemoNode
  private let style: Style
  private let verbose: Bool

  init(style: Style, verbose: Bool) throws {
    let base = Environment.all["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/tmp"
    var template = Array("\(base)/softadastra-demo-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw SoftadastraError.system(errno, "cannot create a directory in", at: base)
    }
    root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    laptop = try DemoNode(name: "laptop", below: root)
    desk = try DemoNode(name: "desk", below: root)
    self.style = style
    self.verbose = verbose
  }

  func run() async throws {
    Output.result(style.paint("Two nodes on this machine, TCP and TLS between them, everything in \(root)", .bold))
    let clock = ContinuousClock()
    let begun = clock.now
    let first = try await step("laptop starts and watches its folder") { try await self.laptop.start([]) }
    guard let invite = first.invite else { throw failed("laptop starts", "it printed no invite") }
    let peer = ["--peer", first.address]
    _ = try await step("desk starts and joins with laptop's invite") {
      try await self.desk.start(peer + ["--join", invite])
    }
    try await mirrorEachWay()
    try await keepValue()
    try await catchUp(peer)
    try await keepConflict(peer)
    try await step("both folders are equal, and nothing is pending") { try await self.settle() }
    await laptop.stop()
    await desk.stop()
    Output.result(style.paint("All of it worked, in \(Quantity.time(Self.seconds(clock.now - begun))).", .bold))
  }

  /// Ends the processes and removes the directory; also after a failure or a signal.
  func cleanUp() async {
    await laptop.stop()
    await desk.stop()
    // It does not follow symlinks.
    try? FileManager.default.removeItem(atPath: root)
  }

  // MARK: Steps

  private func mirrorEachWay() async throws {
    let there = "written on laptop\n"
    try FileContent.write("\(laptop.folder)/from-laptop.txt", there)
    try await step("a file made on laptop appears on desk") {
      try await self.until("it does not appear") { self.content(self.desk, "from-laptop.txt") == Array(there.utf8) }
    }
    let back = "written on desk\n"
    try FileContent.write("\(desk.folder)/from-desk.txt", back)
    try await step("a file made on desk appears on laptop") {
      try await self.until("it does not appear") { self.content(self.laptop, "from-desk.txt") == Array(back.utf8) }
    }
  }

  private func keepValue() async throws {
    try await step("a value put on laptop is read on desk") {
      _ = try await self.laptop.client.put(key: Array("theme".utf8), value: Array("dark".utf8), ifVersion: nil)
      try await self.until("it does not arrive") {
        (try? await self.desk.client.get(key: Array("theme".utf8)))?.valueBytes == Array("dark".utf8)
      }
    }
  }

  private func catchUp(_ peer: [String]) async throws {
    try await step("desk goes away") { await self.desk.stop() }
    let edited = "written on laptop\nedited while desk was away\n"
    try FileContent.write("\(laptop.folder)/from-laptop.txt", edited)
    try await step("desk comes back and has the edit made meanwhile") {
      _ = try await self.desk.start(peer)
      try await self.until("the edit does not arrive") {
        self.content(self.desk, "from-laptop.txt") == Array(edited.utf8)
      }
    }
  }

  private func keepConflict(_ peer: [String]) async throws {
    try await step("desk goes away again, and both edit the same file") {
      await self.desk.stop()
      try FileContent.write("\(self.laptop.folder)/from-desk.txt", "laptop's edit\n")
      try FileContent.write("\(self.desk.folder)/from-desk.txt", "desk's edit\n")
    }
    let copy = try await step("desk comes back: one edit has the name, the other is kept beside it") {
      _ = try await self.desk.start(peer)
      let both = Set(["laptop's edit\n", "desk's edit\n"].map { Array($0.utf8) })
      try await self.until("not both edits are there on both sides") {
        [self.laptop, self.desk].allSatisfy { node in
          let found = FileContent.all(node.folder).filter { $0.key.hasPrefix("from-desk") }
          return found.count == 2 && Set(found.values) == both
        }
      }
      return FileContent.all(self.laptop.folder).keys.first { $0.contains(".conflict-") }
    }
    guard let copy else { throw failed("a conflict is kept", "no file is named as a conflict copy") }
    Output.result("     " + style.paint(BytePath.escape(copy.utf8), .dim))
  }

  private func settle() async throws {
    let report = try await laptop.client.wait(timeoutSeconds: Self.seconds(Self.patience), peers: 1)
    guard report.done else { throw CommandFailure(report.reason) }
    let here = FileContent.all(laptop.folder)
    let there = FileContent.all(desk.folder)
    guard here == there, here.count == 3 else {
      throw CommandFailure("the folders differ: \(here.keys.sorted()) and \(there.keys.sorted())")
    }
  }

  // MARK: Checking

  @discardableResult
  private func step<T: Sendable>(_ name: String, _ body: () async throws -> T) async throws -> T {
    let clock = ContinuousClock()
    let begun = clock.now
    do {
      let value = try await body()
      let took = Quantity.time(Self.seconds(clock.now - begun))
      let line = " \(style.paint("ok", .green))  \(name)"
      let padding = String(repeating: " ", count: max(1, 70 - name.count))
      Output.result(line + padding + style.paint(took, .dim))
      return value
    } catch {
      if Task.isCancelled { throw error }
      throw failed(name, (error as? CommandFailure)?.message ?? "\(error)")
    }
  }

  private func failed(_ step: String, _ why: String) -> CommandFailure {
    var text = "demo failed at '\(step)': \(why)"
    if verbose { text += " (laptop: \(laptop.lastError); desk: \(desk.lastError))" }
    return CommandFailure(text, hint: verbose ? "" : "run it again with --verbose to see what the nodes said")
  }

  private func until(_ otherwise: String, _ condition: () async -> Bool) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + Self.patience
    while await !condition() {
      guard clock.now < deadline else { throw CommandFailure("\(otherwise) within \(Self.patience)") }
      try await Task.sleep(for: Self.pause)
    }
  }

  private func content(_ node: DemoNode, _ name: String) -> [UInt8]? { FileContent.read("\(node.folder)/\(name)") }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }
}
