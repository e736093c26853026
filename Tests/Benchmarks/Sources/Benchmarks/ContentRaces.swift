import Benchmark
import CYardsticks
import Foundation
import SoftadastraCore
import SoftadastraFS

/// What happens to a file's bytes, beside copying them.
enum ContentRaces {
  static let bytes = 32 << 20
  static let blockBytes = 128 << 10

  static var all: [Race] {
    [
      Race("chunker", against: "memcpy", in: "B") {
        let data = random(bytes)
        let chunker = Chunker(ChunkSizeClass(forFileSize: UInt64(bytes)))
        return ({ Rate.of(bytes) { data.withUnsafeBytes { blackHole(chunker.cuts($0).count) } } }, copying(data))
      },
      Race("hash", against: "memcpy", in: "B") {
        let data = random(bytes)
        let hasher = ContentHasher(secret: [UInt8](repeating: 7, count: ContentHasher.secretBytes))
        return ({ Rate.of(bytes) { blackHole(hasher.hash(data)) } }, copying(data))
      },
      Race("lz4", against: "memcpy", in: "B") {
        let data = text(bytes / 2)
        var target = [CChar](repeating: 0, count: Int(LZ4_compressBound(Int32(blockBytes))))
        return (
          {
            Rate.of(data.count) {
              data.withUnsafeBytes { source in
                for at in stride(from: 0, to: source.count - blockBytes + 1, by: blockBytes) {
                  let block = source.baseAddress! + at
                  blackHole(
                    LZ4_compress_default(
                      block.assumingMemoryBound(to: CChar.self), &target, Int32(blockBytes), Int32(target.count)))
                }
              }
            }
          }, copying(data)
        )
      },
    ]
  }

  private static func copying(_ data: [UInt8]) -> () -> Rate {
    var target = [UInt8](repeating: 1, count: data.count)
    return {
      Rate.of(data.count) {
        target.withUnsafeMutableBytes { target in
          data.withUnsafeBytes { _ = memcpy(target.baseAddress!, $0.baseAddress!, $0.count) }
        }
        blackHole(target[0])
      }
    }
  }

  static func random(_ count: Int) -> [UInt8] {
    var state: UInt64 = 42
    var out = [UInt8](repeating: 0, count: count)
    out.withUnsafeMutableBytes { raw in
      let words = raw.bindMemory(to: UInt64.self)
      for at in words.indices {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        words[at] = state ^ (state >> 29)
      }
    }
    return out
  }

  /// Lines like those of a log.
  static func text(_ count: Int) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(count + 200)
    var number: UInt64 = 1
    while out.count < count {
      number = number &* 6_364_136_223_846_793_005 &+ 1
      let node = "node[\(number % 977)]"
      let time = "2026-11-24T20:\(number % 60):\(number % 59)"
      let line = "\(time) \(node) applied \(number >> 40) to folder/\(number % 313)\n"
      out += line.utf8
    }
    return Array(out.prefix(count))
  }
}
