import SoftadastraCore
import SoftadastraSync
import TestSupport
import Testing

@Suite struct TombstoneCollectionTests {
  private static let a = ReplicaID(rawValue: 1)
  private static let b = ReplicaID(rawValue: 2)
  private let member = NodeID(bytes: [UInt8](repeating: 9, count: NodeID.byteCount))!

  private func vector(_ a: UInt64, _ b: UInt64) -> VersionVector {
    VersionVector([Dot(replica: Self.a, counter: a), Dot(replica: Self.b, counter: b)])
  }

  /// Made by `a` as its third change, having seen the second one of `b`; at 1,000 ms.
  private var tombstone: Version {
    Version(
      vector: vector(3, 2), dot: Dot(replica: Self.a, counter: 3), stamp: HybridTimestamp(milliseconds: 1000),
      author: AuthorTag(rawValue: 1))
  }

  private func rule(
    own: VersionVector? = nil, present: [TombstoneCollection.Present] = [], published: VersionVector? = nil,
    now: UInt64 = 1000
  ) -> TombstoneCollection {
    TombstoneCollection(
      own: own ?? vector(3, 2), present: present, published: published.map { [member: $0] } ?? [:],
      patienceMilliseconds: 500, nowMilliseconds: now)
  }

  @Test func everySubscribedMemberMustHaveSeenAllThatItHasSeen() {
    #expect(rule().mayGo(tombstone))
    #expect(rule(published: vector(3, 2)).mayGo(tombstone))
    #expect(rule(published: vector(9, 9)).mayGo(tombstone))
    // The deletion itself is known, and not all that it was about.
    #expect(!rule(published: vector(3, 1)).mayGo(tombstone))
    #expect(!rule(published: vector(2, 2)).mayGo(tombstone))
    #expect(!rule(published: VersionVector()).mayGo(tombstone))
    #expect(!rule(own: vector(3, 1)).mayGo(tombstone))
  }

  @Test func patienceEndsForThoseThatAreAwayOnly() {
    #expect(!rule(published: vector(2, 2), now: 1499).mayGo(tombstone))
    #expect(rule(published: vector(2, 2), now: 1500).mayGo(tombstone))
    // A clock behind the author's waits.
    #expect(!rule(published: vector(2, 2), now: 0).mayGo(tombstone))
    let late = TombstoneCollection.Present(replica: Self.b, applied: vector(2, 0))
    #expect(!rule(present: [late], published: vector(2, 2), now: 9999).mayGo(tombstone))
    #expect(!rule(own: vector(2, 2), now: 9999).mayGo(tombstone))
  }

  @Test func aConnectedMemberKnowsItsOwnChanges() {
    let author = TombstoneCollection.Present(replica: Self.a, applied: vector(0, 2))
    #expect(rule(present: [author]).mayGo(tombstone))
    let ignorant = TombstoneCollection.Present(replica: Self.a, applied: vector(0, 1))
    #expect(!rule(present: [ignorant]).mayGo(tombstone))
  }

  @Test func itIsPublishedWhatHelpsSomebody() {
    typealias Rule = TombstoneCollection
    #expect(Rule.isWorthPublishing(VersionVector(), over: nil, outstanding: VersionVector()))
    #expect(!Rule.isWorthPublishing(vector(9, 9), over: vector(1, 1), outstanding: VersionVector()))
    #expect(Rule.isWorthPublishing(vector(3, 2), over: vector(1, 1), outstanding: vector(3, 0)))
    #expect(!Rule.isWorthPublishing(vector(2, 2), over: vector(1, 1), outstanding: vector(3, 0)))
    #expect(!Rule.isWorthPublishing(vector(9, 9), over: vector(3, 1), outstanding: vector(3, 0)))
  }

  @Test func whoMissedAForgottenDeletionIsKnownByItsWatermark() {
    let here = Watermark(applied: vector(9, 9), collected: vector(3, 2))
    #expect(!here.mayHaveForgotten(what: vector(3, 2), by: ReplicaID(rawValue: 7)))
    #expect(here.mayHaveForgotten(what: vector(3, 1), by: ReplicaID(rawValue: 7)))
    #expect(!here.mayHaveForgotten(what: vector(3, 0), by: Self.b))
    #expect(!Watermark(applied: vector(9, 9)).mayHaveForgotten(what: VersionVector(), by: Self.a))
  }

  @Test func theirCodingsAreBounded() throws {
    let items = [
      SyncMessage.InventoryItem(key: [1, 2], dot: Dot(replica: Self.a, counter: 4)),
      SyncMessage.InventoryItem(key: [3], dot: Dot(replica: Self.b, counter: 1)),
    ]
    let messages: [SyncMessage] = [
      .survey(.values, vector(3, 2)), .inventory(.folder(FolderID(rawValue: 7)), items, isLast: false),
      .gone(.values, items, isLast: true),
      .changes(
        SyncMessage.Changes(
          space: .values, after: 1, through: 2, watermark: Watermark(applied: vector(3, 2), collected: vector(1, 1)),
          items: [])),
    ]
    for message in messages {
      let bytes = message.encoded()
      #expect(try SyncMessage.decode(kind: message.kind, SharedBytes(bytes)) == message)
      for copy in damagedCopies(of: bytes, seed: 5) {
        _ = try? SyncMessage.decode(kind: message.kind, SharedBytes(copy))
      }
    }
  }
}
