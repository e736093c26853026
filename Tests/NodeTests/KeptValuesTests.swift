import SoftadastraCore
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@testable import SoftadastraNode

/// Values outlive a crash between the end of one group and the beginning of the next.
@Suite struct KeptValuesTests {
  private let author = AuthorTag(rawValue: 3)

  private func open(_ disk: MemoryDisk) throws -> Store {
    try Store.open(
      disk: disk, options: StoreOptions(isMaintainedAutomatically: false), time: ManualTime(),
      random: SeededSource(seed: 1))
  }

  @Test func theyArePutAnewAfterACrash() async throws {
    let disk = MemoryDisk()
    let longest = [UInt8](repeating: 0x61, count: Bounds.maxKeyBytes - 1)
    let keys = (0..<2_000).map { Array("key \($0)".utf8) } + [longest]
    do {
      let store = try open(disk)
      let setAside = keys.map { KeptValues.settingAside(StoreKey.value($0), Array($0.prefix(8))) }
      try await store.wait(try store.commit(setAside))
      store.closeBlocking()
    }
    let store = try open(disk)
    let newer = store.newVersion(basedOn: VersionVector(), author: author)
    try await store.wait(try store.commit([.put(key: StoreKey.value(keys[5]), value: [1], version: newer)]))
    try await KeptValues(store: store, author: author).putAnew()
    for key in keys {
      let entry = try #require(try store.get(StoreKey.value(key)))
      #expect(entry.value == (key == keys[5] ? [1] : Array(key.prefix(8))))
      #expect(entry.version != nil)
    }
    #expect(store.list(prefix: [Namespace.kept], limit: 1).isEmpty)
    store.closeBlocking()
  }
}
