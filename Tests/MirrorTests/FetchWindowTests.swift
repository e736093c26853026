import SoftadastraCore
import Testing

@testable import SoftadastraMirror

@Suite struct FetchWindowTests {
  private let fast = NodeID(bytes: [UInt8](repeating: 1, count: NodeID.byteCount))!
  private let slow = NodeID(bytes: [UInt8](repeating: 2, count: NodeID.byteCount))!
  private let range = 1 << 20

  @Test func oneSourceGetsTheWholeWindow() {
    var window = FetchWindow()
    while let source = window.next(of: [fast]) { window.ask(source, range) }
    #expect(window.bytes == FetchWindow.maxBytes)
    window.deliver(fast, range)
    #expect(window.next(of: [fast]) == fast)
    #expect(window.next(of: []) == nil)
  }

  /// Twenty ranges of the fast source come for each one of the slow: after a while all but a little is asked of the fast.
  @Test func aSlowSourceHoldsLittleOfTheWindow() {
    var window = FetchWindow()
    var asked = [fast: 0, slow: 0]
    func fill() {
      while let source = window.next(of: [fast, slow]) {
        window.ask(source, range)
        asked[source]! += range
      }
    }
    var fromSlow = 0
    for step in 1...2000 {
      fill()
      let source = step % 21 == 0 ? slow : fast
      guard asked[source]! > 0 else { continue }
      if source == slow { fromSlow += 1 }
      window.deliver(source, range)
      asked[source]! -= range
    }
    fill()
    #expect(asked[slow]! <= 4 * range)
    #expect(asked[fast]! >= FetchWindow.maxBytes - 6 * range)
    #expect(fromSlow > 80)
  }

  @Test func whatAPeerTookWithItIsFree() {
    var window = FetchWindow()
    for _ in 0..<8 { window.ask(slow, range) }
    for _ in 0..<8 { window.release(slow, range) }
    window.lost(slow)
    #expect(window.bytes == 0)
    #expect(window.next(of: [fast, slow]) != nil)
  }
}
