import Foundation
import SoftadastraCore
import Testing

@Suite struct ProcessMemoryTests {
  /// Anonymous memory of this process in the machine, MiB.
  static var residentMiB: Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
    return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) / 1024
  }

  /// Each thread has an arena of its own, and keeps what it freed for the next burst until the node is at rest.
  @Test func whatThreadsFreedGoesBack() async {
    await #expect(processExitsWith: .success) {
      // 25 MiB: all of it is kept, also where the threads happen to share an arena, which keeps 32 MiB.
      let (threads, blocks, blockBytes) = (4, 100, 64 << 10)
      ProcessMemory.prepareForBursts()
      let before = Self.residentMiB
      let (allocated, freed, end) = (
        DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)
      )
      let mayFree = DispatchSemaphore(value: 0)
      for _ in 0..<threads {
        Thread.detachNewThread {
          let memory = (0..<blocks).map { _ in UnsafeMutableRawPointer.allocate(byteCount: blockBytes, alignment: 16) }
          for block in memory { memset(block, 1, blockBytes) }
          allocated.signal()
          mayFree.wait()
          for block in memory { block.deallocate() }
          freed.signal()
          end.wait()
        }
      }
      for _ in 0..<threads { allocated.wait() }
      for _ in 0..<threads { mayFree.signal() }
      for _ in 0..<threads { freed.wait() }
      let kept = Self.residentMiB - before
      ProcessMemory.giveBack()
      let left = Self.residentMiB - before
      precondition(kept >= 22, "\(kept) MiB were kept")
      precondition(left <= 4, "\(left) MiB are left")
    }
  }
}
