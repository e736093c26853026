public import SoftadastraCore
internal import SoftadastraWAL
internal import Synchronization

extension Store {
  private static let mutationsForTwoThreads = 64

  /// Applies the mutations in order, all or nothing, and hands them to the log.
  ///
  /// They show in reads at once, in the feed when they are durable. Refused with `.invalid`: no mutations, an empty
  /// key, a key above 64 KiB, a value above 8 MiB. With `.noSpace` and others: a log that cannot be written to; then
  /// nothing was applied.
  @discardableResult
  public func commit(_ mutations: [Mutation]) throws(SoftadastraError) -> CommitTicket {
    try append(try encode(mutations))
  }

  /// The same if all conditions hold, else `.versionMismatch`.
  @discardableResult
  public func commit(_ mutations: [Mutation], if conditions: CommitCondition...) throws(SoftadastraError)
    -> CommitTicket
  {
    try append(try encode(mutations), conditions)
  }

  @discardableResult
  public func commit(_ mutations: [Mutation], ifAll conditions: [CommitCondition]) throws(SoftadastraError)
    -> CommitTicket
  {
    try append(try encode(mutations), conditions)
  }

  /// Commits and returns when that is as durable as the store's options promise. For threads that may block: a small
  /// commit the caller writes for itself where nobody else is at it, which spares the way through the writer's thread.
  @discardableResult
  public func commitBlocking(_ mutations: [Mutation]) throws(SoftadastraError) -> CommitTicket {
    // A large group is written and synced by the writer's thread while this one brings it into the index.
    let ticket = try append(try encode(mutations), wakesWriter: mutations.count >= Self.mutationsForTwoThreads)
    try waitBlocking(ticket)
    return ticket
  }

  /// Returns when the commit is as durable as the store's options promise.
  public func wait(_ ticket: CommitTicket) async throws(SoftadastraError) {
    try await wal?.wait(sequence: ticket.sequences.upperBound)
  }

  /// For threads that may block: not Swift's own.
  public func waitBlocking(_ ticket: CommitTicket) throws(SoftadastraError) {
    try wal?.waitBlocking(sequence: ticket.sequences.upperBound)
  }

  private func encode(_ mutations: [Mutation]) throws(SoftadastraError) -> [(kind: UInt8, bytes: [UInt8])] {
    guard !mutations.isEmpty else { throw refuse("it has no mutations") }
    var payloads: [(kind: UInt8, bytes: [UInt8])] = []
    payloads.reserveCapacity(mutations.count)
    for mutation in mutations {
      let key = mutation.key
      guard !key.isEmpty else { throw refuse("a key is empty") }
      guard key.count <= Self.maxKeyBytes else {
        throw refuse("a key has \(key.count) bytes; the limit is \(Self.maxKeyBytes)")
      }
      switch mutation {
      case .put(_, let value, let version, let tag, let flags):
        payloads.append(try entry(key, value, version, isDeleted: false, tag, flags))
      case .delete(_, let value, let version, let tag, let flags):
        payloads.append(try entry(key, value, version, isDeleted: true, tag, flags))
      case .erase: payloads.append((RecordKind.erase, key))
      case .retag(_, let tag):
        var writer = ByteWriter(capacity: key.count + 8)
        writer.uint64(tag)
        writer.raw(key)
        payloads.append((RecordKind.retag, writer.bytes))
      }
    }
    return payloads
  }

  private func entry(
    _ key: [UInt8], _ value: [UInt8], _ version: Version?, isDeleted: Bool, _ tag: UInt64, _ flags: UInt8
  ) throws(SoftadastraError) -> (kind: UInt8, bytes: [UInt8]) {
    guard value.count <= Self.maxValueBytes else {
      throw refuse("a value has \(value.count) bytes; the limit is \(Self.maxValueBytes)")
    }
    if let version, version.vector.dots.count > VersionVector.maxMembers {
      throw refuse("a version has \(version.vector.dots.count) members; the limit is \(VersionVector.maxMembers)")
    }
    return (
      RecordKind.entry,
      EntryRecord.encode(key: key, value: value, version: version, isDeleted: isDeleted, tag: tag, flags: flags)
    )
  }

  private func refuse(_ why: String) -> SoftadastraError {
    SoftadastraError(.invalid, "commit", at: location, why: why)
  }

  /// Logs and applies in one step under the lock, so that the index follows the log's order.
  func append(
    _ payloads: [(kind: UInt8, bytes: [UInt8])], _ conditions: [CommitCondition] = [], wakesWriter: Bool = true
  ) throws(SoftadastraError) -> CommitTicket {
    let result = state.withLock { state -> Result<CommitTicket, SoftadastraError> in
      do throws(SoftadastraError) {
        for condition in conditions { try check(condition, state) }
        guard state.hasNumbers(for: payloads) else {
          throw SoftadastraError(
            .limit, "commit", at: location, why: "versions of more than \(UInt16.max) replicas", retryable: false)
        }
        let positions = try assign(payloads, state, wakesWriter)
        for (payload, position) in zip(payloads, positions) {
          do {
            try payload.bytes.withUnsafeBytes {
              try state.apply(kind: payload.kind, position: position, payload: $0, retained: payload.bytes)
            }
          } catch {
            throw SoftadastraError(.limit, "commit", at: location, why: "\(error)", retryable: false, accepted: true)
          }
        }
        if state.overwrites.count >= Self.overwritesKept { state.overwrites.settle(durableSequence(state)) }
        return .success(CommitTicket(sequences: positions[0].sequence...positions[positions.count - 1].sequence))
      } catch {
        return .failure(error)
      }
    }
    let ticket = try result.get()
    if wal == nil || DeliberateFault.sentBeforeDurable.isOn { announce(ticket.sequences.upperBound) }
    return ticket
  }

  private func assign(_ payloads: [(kind: UInt8, bytes: [UInt8])], _ state: borrowing StoreState, _ wakesWriter: Bool)
    throws(SoftadastraError) -> [WALPosition]
  {
    if let wal { return try wal.enqueue(payloads, wakesWriter: wakesWriter).positions }
    var sequence = state.lastSequence
    return payloads.map { payload in
      sequence += 1
      return WALPosition(sequence: sequence, offset: 0, length: UInt32(payload.bytes.count))
    }
  }

  private func check(_ condition: CommitCondition, _ state: borrowing StoreState) throws(SoftadastraError) {
    let entry = state.index.find(condition.key).map { state.summary($0) }
    let present = entry.flatMap { $0.isDeleted ? nil : $0 }
    let holds =
      switch condition.expected {
      // A live local entry has no dot, but it is not absent either.
      case .version(let dot): dot == nil ? present == nil : present?.dot == dot
      case .sequence(let sequence): entry?.sequence == sequence
      }
    guard holds else {
      throw SoftadastraError(
        .versionMismatch, "commit", at: location,
        why:
          "the entry has \(present?.dot.map { "version \($0)" } ?? (present == nil ? "no version" : "a local value"))",
        retryable: false)
    }
  }
}
