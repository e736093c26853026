import Foundation
import Testing

/// A directory of its own for a test, and the nodes in it: all gone afterwards, whatever happened.
final class Lab {
  let base: String
  private var nodes: [TestNode] = []

  private init() throws {
    base = FileManager.default.temporaryDirectory.path + "/softadastra-lab-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
  }

  /// - Parameter original: the node's own directory is seen by its program where that one's is.
  func node(_ name: String, prefix: [String] = [], at original: TestNode? = nil) throws -> TestNode {
    let node = try TestNode(name, below: base, prefix: prefix, shownAt: original?.directory)
    nodes.append(node)
    return node
  }

  private func end() async {
    for node in nodes { await node.kill() }
    try? FileManager.default.removeItem(atPath: base)
  }

  static func use(_ body: (Lab) async throws -> Void) async throws {
    let lab = try Lab()
    do {
      try await body(lab)
    } catch {
      for node in lab.nodes {
        Attachment.record(node.errorText, named: "\(node.name)-errors.txt")
        Attachment.record(node.eventText, named: "\(node.name)-events.txt")
        for command in [["status", "--json"], ["peers", "--json"]] where node.process != nil {
          let answer = try? await node.run(command)
          Attachment.record(answer?.output ?? "no answer", named: "\(node.name)-\(command[0]).json")
        }
        let tree = (try? Trees.read(node.folder)) ?? [:]
        let listing = tree.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.content.count)\n" }.joined()
        Attachment.record(listing, named: "\(node.name)-tree.txt")
      }
      await lab.end()
      throw error
    }
    await lab.end()
  }

  /// Two nodes on loopback, paired by an invite. `rejoin` starts one of them again.
  static func pair(_ body: (Pair) async throws -> Void) async throws {
    try await use { lab in
      let pair = Pair(lab: lab, a: try lab.node("a"), b: try lab.node("b"))
      try await pair.begin()
      try await body(pair)
    }
  }
}

/// Two paired nodes; the second knows the first's address.
final class Pair {
  let lab: Lab
  let a: TestNode
  let b: TestNode
  private(set) var addressOfA = ""

  init(lab: Lab, a: TestNode, b: TestNode) {
    self.lab = lab
    self.a = a
    self.b = b
  }

  func begin() async throws {
    let ready = try await a.start()
    addressOfA = ready.address
    guard let invite = ready.invite else { throw Failure("a printed no invite") }
    let second = try await b.start(["--peer", addressOfA, "--join", invite])
    guard second.invite == nil else { throw Failure("b printed an invite although it joined") }
  }

  func startA() async throws {
    // The port is the one that b knows.
    try await a.start(["--listen", addressOfA])
  }

  func startB() async throws { try await b.start(["--peer", addressOfA]) }

  /// Waits until both folders hold the same, then checks it once more after both say that nothing is pending.
  func equal(within patience: Duration = .seconds(30), sourceLocation: SourceLocation = #_sourceLocation) async throws {
    try await Trees.untilEqual(a.folder, b.folder, within: patience)
    for node in [a, b] {
      let waited = try await node.run(["wait", "--timeout", "30s", "--peers", "1"])
      #expect(waited.code == 0, "\(node.name): \(waited.errors)", sourceLocation: sourceLocation)
    }
    let difference = try Trees.difference(a.folder, b.folder)
    #expect(difference == nil, sourceLocation: sourceLocation)
  }

  func expectNoConflicts(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let copies = try Trees.read(a.folder).keys.filter { $0.contains(".conflict-") }
    #expect(copies.isEmpty, "conflict copies without a concurrent edit", sourceLocation: sourceLocation)
  }
}
