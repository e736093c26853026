internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// The key-value operations that need a store and an author only: the same with and without a running node.
struct ValueOperations: Sendable {
  let store: Store
  let author: AuthorTag

  func put(_ key: [UInt8], _ value: [UInt8], ifVersion: String?) async throws(SoftadastraError) -> ValueReport {
    try check(key)
    guard value.count <= Bounds.maxValueBytes else {
      throw SoftadastraError(
        .invalid, "value of", at: BytePath.escape(key),
        why: "\(value.count) bytes are above the limit of \(Bounds.maxValueBytes)")
    }
    let storeKey = StoreKey.value(key)
    let old = try store.get(storeKey)
    if let ifVersion {
      let current = old.flatMap { $0.isDeleted ? nil : $0.version?.dot.description }
      guard ifVersion == (current ?? "absent") else {
        throw SoftadastraError(
          .versionMismatch, "put", at: BytePath.escape(key), why: "the current version is \(current ?? "absent")",
          hint: "read it again and decide anew", retryable: true)
      }
    }
    let expected = old.flatMap { $0.isDeleted ? nil : $0.version?.dot }
    let (ticket, version): (CommitTicket, Version)
    do throws(SoftadastraError) {
      // The condition makes reading and writing one step, whoever else writes.
      (ticket, version) = try store.inOrder { () throws(SoftadastraError) in
        let version = store.newVersion(basedOn: old?.version?.vector ?? VersionVector(), author: author)
        let mutation = Mutation.put(key: storeKey, value: value, version: version)
        return (try store.commit([mutation], if: CommitCondition(key: storeKey, expected: expected)), version)
      }
    } catch {
      guard error.code == .versionMismatch, ifVersion == nil else { throw error }
      return try await put(key, value, ifVersion: nil)
    }
    try await store.wait(ticket)
    return report(key, size: value.count, version.dot, nil)
  }

  func get(_ key: [UInt8]) throws(SoftadastraError) -> ValueReport {
    try check(key)
    guard let entry = try store.get(StoreKey.value(key)), !entry.isDeleted, let dot = entry.version?.dot else {
      throw SoftadastraError(.notFound, "key", at: BytePath.escape(key), why: "there is no such key")
    }
    return report(key, size: entry.value.count, dot, entry.value)
  }

  func remove(_ key: [UInt8]) async throws(SoftadastraError) {
    try check(key)
    let storeKey = StoreKey.value(key)
    let ticket = try store.inOrder { () throws(SoftadastraError) in
      guard let old = try store.get(storeKey), !old.isDeleted else {
        throw SoftadastraError(.notFound, "key", at: BytePath.escape(key), why: "there is no such key")
      }
      let version = store.newVersion(basedOn: old.version?.vector ?? VersionVector(), author: author)
      return try store.commit([.delete(key: storeKey, version: version)])
    }
    try await store.wait(ticket)
  }

  func list(_ prefix: [UInt8], after: [UInt8]?, limit: Int) -> [ValueReport] {
    store.list(prefix: StoreKey.value(prefix), after: after.map { StoreKey.value($0) }, limit: max(0, limit))
      .compactMap { key, summary in
        summary.dot.map { report(Array(key.dropFirst()), size: summary.valueCount, $0, nil) }
      }
  }

  private func check(_ key: [UInt8]) throws(SoftadastraError) {
    guard !key.isEmpty else { throw SoftadastraError(.invalid, "key", why: "it is empty", hint: "give a key") }
    guard key.count <= Bounds.maxValueKeyBytes else {
      throw SoftadastraError(
        .invalid, "key", why: "\(key.count) bytes are above the limit of \(Bounds.maxValueKeyBytes)")
    }
  }

  func report(_ key: [UInt8], size: Int, _ dot: Dot?, _ value: [UInt8]?) -> ValueReport {
    let isText = String(validating: key, as: UTF8.self) != nil
    return ValueReport(
      key: isText ? String(decoding: key, as: UTF8.self) : BytePath.escape(key),
      keyBase64: isText ? nil : ControlCoding.base64(key), size: size,
      version: dot?.description ?? "", valueBase64: value.map { ControlCoding.base64($0) })
  }
}
