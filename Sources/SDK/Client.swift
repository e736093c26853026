internal import Logging
public import SoftadastraCore
public import SoftadastraNode

/// A local-first key-value store that can share its data with other nodes.
///
/// ```swift
/// let client = Client(.durable("/var/lib/app"))
/// try await client.open()
/// try await client.put("theme", "dark")
/// let theme = try await client.get("theme")
/// await client.close()
/// ```
///
/// Reads and writes never wait for the network. Keys are 1 byte to 64 KiB, values up to 8 MiB. Calls before `open` and
/// after `close` fail with `.closed`.
public actor Client {
  private enum State {
    case closed
    /// Store and identity only; no sockets.
    case local(OfflineNode)
    case connected(RunningNode)
  }

  public let options: ClientOptions
  private var state = State.closed

  public init(_ options: ClientOptions) { self.options = options }

  // MARK: Life

  /// Opens the store, and the network if `options.listen` asks for it. Opening twice is no error.
  ///
  /// - Throws: `.conflict` if another process holds the directory or the port; `.invalid` for a network without a
  ///   directory.
  public func open() async throws(SoftadastraError) {
    guard case .closed = state else { return }
    switch options.storage {
    case .memory:
      guard options.listen == nil else {
        throw SoftadastraError(
          .invalid, "client", why: "a client in memory has no network", hint: "use .durable(path) or .fast(path)")
      }
      state = .local(try OfflineNode.inMemory(name: options.name))
    case .durable(let path): try await open(path, "durable")
    case .fast(let path): try await open(path, "fast")
    }
  }

  private func open(_ path: String, _ durability: String) async throws(SoftadastraError) {
    var node = NodeOptions(name: options.name)
    node.durability = Setting(durability)
    node.discovery = Setting(options.discovery)
    node.peers = Setting(options.peers)
    guard let listen = options.listen else {
      state = .local(try await OfflineNode.open(home: Home(path: path), options: node, create: true))
      return
    }
    node.listen = Setting(listen)
    var logger = Logger(label: "softadastra")
    logger.logLevel = .error
    state = .connected(try await RunningNode.start(home: Home(path: path), options: node, logger: logger))
  }

  /// Returns when everything is on disk and all sockets are closed.
  public func close() async {
    switch state {
    case .closed: break
    case .local(let node): await node.close()
    case .connected(let node): await node.shutdown()
    }
    state = .closed
  }

  private func service() throws(SoftadastraError) -> any NodeService {
    switch state {
    case .closed: throw SoftadastraError(.closed, "client", why: "it is not open", hint: "call open() first")
    case .local(let node): return node
    case .connected(let node): return node
    }
  }

  // MARK: Values

  /// Sets a value; as durable as the options promise when it returns. Returns its version.
  ///
  /// - Parameter ifVersion: the version that must be current, or "absent"; another one fails with `.versionMismatch`.
  ///   It compares with this node only: a concurrent put elsewhere may still win later.
  @discardableResult
  public func put(
    _ key: some Sequence<UInt8>, _ value: some Sequence<UInt8>, ifVersion: String? = nil
  ) async throws(SoftadastraError) -> String {
    try await service().put(key: Array(key), value: Array(value), ifVersion: ifVersion).version
  }

  @discardableResult
  public func put(_ key: String, _ value: String, ifVersion: String? = nil) async throws(SoftadastraError) -> String {
    try await put(key.utf8, value.utf8, ifVersion: ifVersion)
  }

  /// The value, or nil if there is no such key. Never touches the network.
  public func get(_ key: some Sequence<UInt8>) async throws(SoftadastraError) -> [UInt8]? {
    do throws(SoftadastraError) {
      return try await service().get(key: Array(key)).value
    } catch {
      if error.code == .notFound { return nil }
      throw error
    }
  }

  /// The value as text; bytes that are no UTF-8 fail with `.invalid`.
  public func get(_ key: String) async throws(SoftadastraError) -> String? {
    guard let bytes = try await get(key.utf8) else { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw SoftadastraError(.invalid, "value of", at: key, why: "it is no UTF-8", hint: "get it as bytes")
    }
    return text
  }

  public func contains(_ key: String) async throws(SoftadastraError) -> Bool { try await get(key.utf8) != nil }

  /// False if there was no such key.
  @discardableResult
  public func remove(_ key: String) async throws(SoftadastraError) -> Bool {
    do throws(SoftadastraError) {
      try await service().remove(key: Array(key.utf8))
      return true
    } catch {
      if error.code == .notFound { return false }
      throw error
    }
  }

  /// Keys below a prefix in byte order, `limit` at most; go on with the last one as `after`.
  public func list(
    _ prefix: String = "", after: String? = nil, limit: Int = 1000
  ) async throws(SoftadastraError) -> [ValueReport] {
    try await service().list(prefix: Array(prefix.utf8), after: after.map { Array($0.utf8) }, limit: limit)
  }

  /// The value of each key below a prefix that changes from now on, here or at another node; a removed key has an empty
  /// version. Of several changes that were not read yet only the last is told.
  public func watch(_ prefix: String = "") async throws(SoftadastraError) -> AsyncStream<ValueReport> {
    try await service().watchValues(prefix: Array(prefix.utf8))
  }

  // MARK: The node behind it

  /// Retries what is overdue and sends what is queued; a connected client does so by itself.
  public func tick() async throws(SoftadastraError) -> TickReport {
    guard case .connected(let node) = state else {
      _ = try service()
      return TickReport(retried: 0, pruned: 0, batches: 0, batchEntries: 0)
    }
    return try await node.tick()
  }

  public func nodeInfo() async throws(SoftadastraError) -> NodeReport { try await service().node() }
  public func peers() async throws(SoftadastraError) -> [StatusReport.Peer] { try await service().status().peers }

  /// One line that lets another node join this one's group. Expires, by default after a day.
  public func invite(expiresSeconds: Int = 86_400, uses: Int = 1) async throws(SoftadastraError) -> String {
    try await service().invite(expiresSeconds: expiresSeconds, uses: uses)
  }

  /// Joins the group of an invite. Fails with a retryable `.timeout` while the inviter cannot be reached.
  public func join(_ invite: String) async throws(SoftadastraError) { try await service().join(invite) }

  /// Where a connected client listens; nil without a network.
  public var address: String? { if case .connected(let node) = state { node.listenAddress } else { nil } }
}
