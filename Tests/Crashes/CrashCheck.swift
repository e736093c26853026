import Foundation
import Glibc

/// What must hold once both nodes say that everything is in sync.
struct CrashCheck {
  private static let patience: Double = 120
  /// After that long deletions that wait to be confirmed are.
  private static let confirmAfter: Double = 20

  let a: CrashNode
  let b: CrashNode
  let trace: Trace
  let ledger: ContentLedger
  let valueUsers: [ValueUser]

  func settled(_ models: [AreaModel]) async throws {
    let deadline = Trace.now() + Self.patience
    let confirming = Trace.now() + Self.confirmAfter
    while true {
      if let problem = try await unsettled(until: deadline) {
        guard Trace.now() < deadline else { throw Failure(problem) }
        if Trace.now() > confirming { await confirmDeletions() }
        continue
      }
      // They said so: it must be true now, not in a while.
      break
    }
    trace.add("check", "both say that all is in sync")
    guard let here = DiskTree.read(a.folder), let there = DiskTree.read(b.folder) else {
      throw Failure("a folder changed while it was read, after all was in sync")
    }
    if let difference = here.difference(from: there, "a", "b") { throw Failure("folders differ: \(difference)") }
    for model in models {
      if let difference = model.difference(from: here) { throw Failure("not what was done: \(difference)") }
    }
    try contents(here)
    try await leftovers()
    try await logs()
    try await values()
  }

  /// Nil if both nodes say that nothing is pending anywhere.
  private func unsettled(until deadline: Double) async throws -> String? {
    for node in [a, b, a] {
      let seconds = max(2, Int(min(15, deadline - Trace.now())))
      let waited = try await node.run(["wait", "--timeout", "\(seconds)s", "--peers", "1"])
      guard waited.code == 0 else { return "\(node.name) is not in sync: \(waited.errors)" }
    }
    return nil
  }

  private func confirmDeletions() async {
    for node in [a, b] {
      let outcome = try? await node.run(["folder", "confirm-deletions", "folder"])
      trace.add(node.name, "confirm-deletions: \(outcome?.code ?? -1) \(outcome?.output ?? "")")
    }
  }

  /// Of the directory that both sides work in: every file whole, nothing lost that nobody overwrote or deleted.
  private func contents(_ tree: DiskTree) throws {
    if let part = ledger.parts.first { throw Failure(part) }
    var live: Set<Int> = []
    for (path, entry) in tree.entries where path.hasPrefix(SharedUser.directory + "/") && entry.kind == .file {
      guard let number = Content.number(entry.content) else {
        throw Failure("\(path) is no whole content: \(entry.summary)")
      }
      live.insert(number)
    }
    let missing = ledger.surviving.filter { !live.contains($0.key) }
    guard !missing.isEmpty else { return }
    let archived = Set([a, b].flatMap { archivedContents("\($0.folder)/.softadastra/versions") })
    for (number, place) in missing.sorted(by: { $0.key < $1.key }) where !archived.contains(number) {
      throw Failure("content \(number), put at \(place), is lost: nobody overwrote or deleted it")
    }
    trace.add("check", "only in an archive: \(missing.keys.sorted())")
    ledger.forget(missing.keys)
  }

  private func archivedContents(_ directory: String) -> [Int] {
    DiskTree.names(in: directory).flatMap { name -> [Int] in
      let path = "\(directory)/\(name)"
      guard let entry = DiskTree.look(path) else { return [] }
      return entry.kind == .directory ? archivedContents(path) : Content.number(entry.content).map { [$0] } ?? []
    }
  }

  /// Nothing stays behind in the staging area. What is removed in the background may take a moment.
  private func leftovers() async throws {
    let deadline = Trace.now() + 10
    while true {
      let names = [a, b].flatMap { node in
        ["staging", "trash"].flatMap { area in
          DiskTree.names(in: "\(node.folder)/.softadastra/\(area)").map { "\(node.name)/\(area)/\($0)" }
        }
      }
      if names.isEmpty { return }
      guard Trace.now() < deadline else { throw Failure("left in the staging area: \(names.sorted())") }
      try? await Task.sleep(for: .milliseconds(50))
    }
  }

  func logs() async throws {
    for node in [a, b] {
      let verified = try await node.run(["wal", "verify"])
      guard verified.code == 0, verified.output.hasPrefix("sound") else {
        throw Failure("the log of \(node.name) does not verify: \(verified.output) \(verified.errors)")
      }
    }
  }

  private func values() async throws {
    struct Line: Decodable {
      var key: String
      var valueBase64: String
    }
    var found: [[String: String]] = []
    for node in [a, b] {
      let exported = try await node.run(["store", "export"])
      guard exported.code == 0 else { throw Failure("store export on \(node.name): \(exported.errors)") }
      var values: [String: String] = [:]
      for line in exported.output.split(separator: "\n") {
        let decoded = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
        values[decoded.key] = Data(base64Encoded: decoded.valueBase64).map { String(decoding: $0, as: UTF8.self) }
      }
      found.append(values)
    }
    guard found[0] == found[1] else { throw Failure("values differ: \(found[0]) and \(found[1])") }
    for user in valueUsers {
      for (key, expectation) in await user.own {
        let value = found[0][key]
        guard expectation.values.contains(value) else {
          throw Failure(
            "\(key) is \(value?.prefix(60) ?? "absent") and should be one of \(expectation.values.map { $0?.prefix(60) })"
          )
        }
        await user.settle(key, value)
      }
    }
    for key in ["both/0", "both/1", "both/2"] {
      guard let value = found[0][key] else { continue }
      var tried: Set<String> = []
      for user in valueUsers { tried.formUnion(await user.shared[key] ?? []) }
      guard tried.contains(value) else { throw Failure("\(key) holds what nobody put: \(value.prefix(60))") }
    }
  }
}
