import SoftadastraCore
import SoftadastraSync
import Testing

@testable import SoftadastraReplica

@Suite struct RefusedSpacesTests {
  private let folder = SpaceID.folder(FolderID(rawValue: 7))

  @Test func asksAtTheNextTickThenLaterEachTimeButNeverGivesUp() {
    var refused = RefusedSpaces()
    var isDue = refused.tick()
    #expect(!isDue)
    var waited: [Int] = []
    for _ in 0..<8 {
      refused.refuse(.values)
      var ticks = 1
      while !refused.tick() { ticks += 1 }
      waited.append(ticks)
      let asked = refused.take(groupOnly: false)
      #expect(asked == [.values])
    }
    #expect(waited == [1, 2, 4, 8, 12, 12, 12, 12])
    refused.recorded()
    refused.refuse(.values)
    isDue = refused.tick()
    #expect(isDue)
  }

  @Test func whatIsRefusedTogetherCountsOnce() {
    var refused = RefusedSpaces()
    refused.refuse(.group)
    refused.refuse(folder)
    refused.refuse(.values)
    var isDue = refused.tick()
    #expect(isDue)
    let asked = refused.take(groupOnly: false)
    #expect(asked.count == 3 && asked.first == .group)
    isDue = refused.tick()
    #expect(!isDue)
  }

  @Test func theGroupComesBeforeTheRest() {
    var refused = RefusedSpaces()
    refused.postpone(folder)
    var asked = refused.take(groupOnly: true)
    #expect(asked.isEmpty)
    refused.refuse(.group)
    let isDue = refused.tick()
    #expect(isDue)
    asked = refused.take(groupOnly: true)
    #expect(asked == [.group])
    // Asked for without waiting for a tick, when the group's records are here.
    asked = refused.take(groupOnly: false)
    #expect(asked == [folder])
  }
}
