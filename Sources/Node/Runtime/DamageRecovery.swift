internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// What a node does about a damaged log, before anything else is done with the store.
///
/// Nobody knows which keys the missing records were of. So nothing is believed that could be wrong without them:
///
/// | what                          | why                                          | from where it comes back                     |
/// | ----------------------------- | -------------------------------------------- | -------------------------------------------- |
/// | settings, group records       | without them nobody can be asked             | the copy beside the log                      |
/// | the replica ID                | counters may have been given out and be lost | a new one: no dot is ever used twice         |
/// | how far peers' feeds are known| what was known may be lost                   | feeds are read again from their beginnings   |
/// | what peers have applied       | it was said of the old replica               | peers read this node's feed again            |
/// | watermarks                    | they claim what may be missing               | they grow again with the feeds               |
/// | files                         | entries may be missing or old                | the first scan: by content, same bytes are no conflict |
///
/// The damaged segments are rewritten last, with what can be read of them, and kept as copies. An interruption leaves
/// the damage where it was, and all of it is done again.
struct DamageRecovery {
  private static let pageSize = 1024
  /// More are only counted.
  private static let maxLines = 200

  let store: Store
  let home: Home

  /// Blocks. Nothing to do for a sound log.
  func run() throws(SoftadastraError) {
    let damage = store.log.damage
    guard !damage.isEmpty else { return }
    var lines = damage.prefix(Self.maxLines).map { "the log was damaged: \($0)" }
    if damage.count > lines.count { lines.append("and \(damage.count - lines.count) more such places") }
    let copy = SettingsCopy.read(home.settingsCopy)
    let restored = try copy?.restoration(of: store) ?? []
    if !restored.isEmpty {
      try store.waitBlocking(try store.commit(restored))
      lines.append("\(restored.count) settings and group records came back from \(home.settingsCopy)")
    }
    let settings = NodeSettings(store: store)
    if try settings.loadGroup() == nil {
      lines.append("the group's key is lost: this node is alone now; join the others again with an invite")
    }
    try forgetFeeds()
    let replica = try store.resetReplica()
    lines.append(
      "\(store.entryCount) entries are readable; files are compared with the folders, and everything with the peers, "
        + "by content; this node goes on as replica \(replica)")
    lines = settings.damageReport().prefix(Self.maxLines) + lines
    try store.waitBlocking(try store.commit([settings.damageReportMutation(lines)]))
    let copies = try store.mendLog()
    if !copies.isEmpty {
      let told = "the log is sound again; damaged segments are kept in \(home.logDirectory): "
      lines.append(told + copies.joined(separator: ", "))
      try store.waitBlocking(try store.commit([settings.damageReportMutation(lines)]))
    }
  }

  private func forgetFeeds() throws(SoftadastraError) {
    for namespace in [Namespace.cursor, Namespace.appliedBy, Namespace.watermark] {
      while true {
        let page = store.list(prefix: [namespace], limit: Self.pageSize, includeDeleted: true)
        guard !page.isEmpty else { break }
        try store.waitBlocking(try store.commit(page.map { .erase(key: $0.key) }))
      }
    }
  }

  /// What was found, for people: said once, by the next node that starts.
  static func takeReport(from store: Store) throws(SoftadastraError) -> [String] {
    let settings = NodeSettings(store: store)
    let lines = settings.damageReport()
    if !lines.isEmpty { try store.waitBlocking(try store.commit([settings.damageReportRemoval()])) }
    return lines
  }
}
