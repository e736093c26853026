internal import NIOCore
internal import SoftadastraCore

/// Runs one request of the control socket against a service.
struct ControlDispatch: Sendable {
  typealias Reply = @Sendable (ByteBuffer) async -> Void

  /// Sends the one value of a request.
  private struct Giving: Sendable {
    let id: UInt64
    let reply: Reply
    func callAsFunction(_ value: some Codable & Sendable) async throws(SoftadastraError) {
      await reply(try ControlCoding.line(ControlAnswer(id: id, value: value)))
    }
  }

  let service: any NodeService
  let onStop: (@Sendable () async -> Void)?

  func answer(_ line: [UInt8], _ reply: @escaping Reply) async {
    var id: UInt64 = 0
    do throws(SoftadastraError) {
      let request = try ControlCoding.decode(ControlRequest.self, line)
      id = request.id
      guard request.v == ControlProtocol.version, let call = ControlCall(rawValue: request.call) else {
        throw SoftadastraError(
          .unsupported, "cannot run '\(BytePath.escape(request.call.utf8))'",
          why: "this node speaks version \(ControlProtocol.version) of the control protocol, the request \(request.v)",
          hint: "the command and the running node differ in version: softadastra node stop, then start it again")
      }
      try await run(call, request.arguments ?? ControlArguments(), id, reply)
    } catch {
      let answer = ControlAnswer<ControlNothing>(id: id, error: ControlError(error))
      if let line = try? ControlCoding.line(answer) { await reply(line) }
    }
  }

  private func run(_ call: ControlCall, _ with: ControlArguments, _ id: UInt64, _ reply: @escaping Reply)
    async throws(SoftadastraError)
  {
    let give = Giving(id: id, reply: reply)
    switch call {
    case .status: try await give(try await service.status())
    case .node: try await give(try await service.node())
    case .stop:
      // Answered first: the connection ends with the node.
      if let onStop {
        try await give(ControlNothing())
        await onStop()
        return
      }
      try await service.stop()
    case .addFolder: try await service.addFolder(try ControlCoding.required(with.folder, "folder"))
    case .invite:
      try await give(
        try await service.invite(expiresSeconds: Int(clamping: with.seconds), uses: with.count ?? 1))
    case .join: try await service.join(try ControlCoding.required(with.text, "text"))
    case .addPeerAddress: try await service.addPeerAddress(try ControlCoding.required(with.text, "text"))
    case .removePeerAddress: try await service.removePeerAddress(try ControlCoding.required(with.text, "text"))
    case .retry: try await service.retry(try ControlCoding.required(with.path, "path"))
    case .tick: try await give(try await service.tick())
    case .wait:
      try await give(try await service.wait(timeoutSeconds: with.seconds ?? 0, peers: with.count ?? 0))
    case .put, .get, .remove, .list: try await runStore(call, with, give)
    case .watchValues:
      try await stream(
        try await service.watchValues(prefix: try ControlCoding.bytes(with.key, "key")), id, reply)
    case .compactLog: try await service.compactLog()
    case .conflicts: try await give(try await service.conflicts())
    case .removeFolder: try await service.removeFolder(try ControlCoding.required(with.text, "text"))
    case .confirmDeletions:
      try await give(try await service.confirmDeletions(try ControlCoding.required(with.text, "text")))
    case .revertFolder: try await give(try await service.revertFolder(try ControlCoding.required(with.text, "text")))
    case .versions: try await give(try await service.versions(try ControlCoding.required(with.path, "path")))
    case .restore:
      try await give(try await service.restore(try ControlCoding.required(with.path, "path"), at: with.text))
    case .resolveConflict:
      try await service.resolveConflict(
        try ControlCoding.required(with.path, "path"), keep: try ControlCoding.required(with.text, "text"))
    case .discover: try await give(try await service.discover(seconds: with.seconds ?? 0))
    case .events: try await stream(try await service.events(), id, reply)
    }
    switch call {
    case .stop, .addFolder, .join, .addPeerAddress, .removePeerAddress, .retry, .remove, .compactLog,
      .resolveConflict, .removeFolder:
      try await give(ControlNothing())
    default: break
    }
  }

  private func runStore(
    _ call: ControlCall, _ with: ControlArguments, _ give: Giving
  ) async throws(SoftadastraError) {
    let key = try ControlCoding.bytes(with.key, "key")
    switch call {
    case .put:
      let value = try ControlCoding.bytes(with.value, "value")
      try await give(try await service.put(key: key, value: value, ifVersion: with.ifVersion))
    case .get: try await give(try await service.get(key: key))
    case .remove: try await service.remove(key: key)
    default:
      var after: [UInt8]?
      if let text = with.after { after = try ControlCoding.bytes(text, "after") }
      try await give(try await service.list(prefix: key, after: after, limit: with.count ?? 0))
    }
  }

  /// Ends with the stream, or when the client goes and this task is cancelled.
  private func stream<Item: Codable & Sendable>(_ items: AsyncStream<Item>, _ id: UInt64, _ reply: @escaping Reply)
    async throws(SoftadastraError)
  {
    // The client waits for this line before it does what it wants to see the events of.
    await reply(try ControlCoding.line(ControlAnswer<Item>(id: id)))
    for await item in items {
      await reply(try ControlCoding.line(ControlAnswer(id: id, value: item)))
    }
    await reply(try ControlCoding.line(ControlAnswer<Item>(id: id, end: true)))
  }
}

extension Int {
  /// Seconds from the wire: any double, also NaN, without a trap.
  fileprivate init(clamping seconds: Double?) {
    guard let seconds, seconds.isFinite else {
      self = 0
      return
    }
    self = Int(Swift.max(-1e15, Swift.min(1e15, seconds)))
  }
}
