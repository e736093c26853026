import NIOCore
import SoftadastraCore
import Testing

@testable import SoftadastraTransport

@Suite struct FrameDecoderTests {
  private func wire(_ frames: [OutboundFrame]) -> ByteBuffer {
    var out = ByteBuffer()
    for frame in frames {
      frame.writeHeader(into: &out)
      out.writeImmutableBuffer(frame.payload)
    }
    return out
  }

  private func packed(_ plain: ByteBuffer) throws -> OutboundFrame {
    let block = try #require(LZ4.compress(plain, below: plain.readableBytes))
    return OutboundFrame(kind: 9, payload: block, uncompressedBytes: plain.readableBytes)
  }

  @Test(arguments: [1, 2, 3, 7, 100, 4096, 1 << 20]) func splitsOfAnySizeGiveTheSameFrames(step: Int) throws {
    let plain = text(5000)
    let sent = [
      OutboundFrame(kind: 1, payload: ByteBuffer()), OutboundFrame(kind: 2, payload: bytes(3)), try packed(plain),
      OutboundFrame(kind: 3, payload: bytes(20_000)), OutboundFrame(kind: 0xF1, payload: bytes(8)),
    ]
    var stream = wire(sent)
    var decoder = FrameDecoder()
    var received: [Frame] = []
    while stream.readableBytes > 0 {
      guard let slice = stream.readSlice(length: min(step, stream.readableBytes)) else { break }
      decoder.append(slice)
      while let frame = try decoder.next() { received.append(frame) }
    }
    #expect(received.map(\.kind) == [1, 2, 9, 3, 0xF1])
    #expect(received.map(\.payload) == [ByteBuffer(), bytes(3), plain, bytes(20_000), bytes(8)])
    #expect(decoder.bufferedBytes == 0)
  }

  @Test func payloadsKeepTheirBytesWhileMoreArrives() throws {
    var stream = wire((0..<50).map { OutboundFrame(kind: 1, payload: bytes(1000, seed: $0 + 1)) })
    var decoder = FrameDecoder()
    var received: [Frame] = []
    while let slice = stream.readSlice(length: min(777, stream.readableBytes)), slice.readableBytes > 0 {
      decoder.append(slice)
      while let frame = try decoder.next() { received.append(frame) }
    }
    #expect(received.map(\.payload) == (0..<50).map { bytes(1000, seed: $0 + 1) })
  }

  @Test func aPayloadHoldsNothingBesideItself() throws {
    var decoder = FrameDecoder()
    decoder.append(
      wire([OutboundFrame(kind: 1, payload: bytes(100)), OutboundFrame(kind: 2, payload: bytes(1 << 20))]))
    let small = try #require(try decoder.next())
    #expect(small.payload == bytes(100) && small.payload.capacity <= 256)
    let large = try #require(try decoder.next())
    #expect(large.payload == bytes(1 << 20) && large.payload.capacity <= 1 << 21)
    #expect(try decoder.next() == nil)
    #expect(decoder.bufferedBytes == 0)
  }

  private func header(length: UInt32, kind: UInt8 = 1, flags: UInt8 = 0, declared: UInt32? = nil) -> ByteBuffer {
    var out = ByteBuffer()
    out.writeInteger(length, endianness: .little)
    out.writeInteger(kind)
    out.writeInteger(flags)
    if let declared { out.writeInteger(declared, endianness: .little) }
    return out
  }

  @Test func limitsHoldBeforeAnyPayloadArrives() throws {
    let limit = UInt32(Bounds.maxFrameBytes)
    let refused = [
      header(length: limit + 1), header(length: .max), header(length: 1025, kind: 0xF3), header(length: 1, flags: 2),
      header(length: 1 << 20, flags: 1, declared: limit + 1), header(length: 100, flags: 1, declared: 25_501),
      header(length: 5, flags: 1, declared: 0), header(length: 0, flags: 1, declared: 1),
    ]
    for bytes in refused {
      var decoder = FrameDecoder()
      decoder.append(bytes)
      #expect(throws: SoftadastraError.self) {
        var copy = decoder
        return try copy.next()
      }
    }
    var decoder = FrameDecoder()
    decoder.append(header(length: limit))
    let frame = try decoder.next()
    #expect(frame == nil)
  }

  @Test func aBlockOfAnotherSizeThanDeclaredIsRefused() throws {
    for difference in [-1, 1] {
      var frame = try packed(text(5000))
      frame.uncompressedBytes = 5000 + difference
      var decoder = FrameDecoder()
      decoder.append(wire([frame]))
      #expect(throws: SoftadastraError.self) {
        var copy = decoder
        return try copy.next()
      }
    }
  }

  @Test(arguments: 1...200) func damagedStreamsNeverTrap(seed: UInt64) throws {
    var random = SeededRandom(seed)
    var stream = wire([
      OutboundFrame(kind: 1, payload: bytes(40, seed: seed)), try packed(text(3000)),
      OutboundFrame(kind: 2, payload: bytes(200, seed: seed)),
    ])
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let at = Int.random(in: 0..<stream.readableBytes, using: &random)
      stream.setInteger(UInt8.random(in: 0...255, using: &random), at: at)
    }
    var decoder = FrameDecoder()
    var total = 0
    do throws(SoftadastraError) {
      while stream.readableBytes > 0 {
        let step = min(stream.readableBytes, Int.random(in: 1...500, using: &random))
        guard let slice = stream.readSlice(length: step) else { break }
        decoder.append(slice)
        while let frame = try decoder.next() { total += frame.payload.readableBytes }
      }
    } catch {
      #expect(error.code == .damaged)
    }
    #expect(total <= 3 * Bounds.maxFrameBytes)
  }

  @Test func lz4KeepsWhatItGets() throws {
    for plain in [text(300), text(1 << 20), ByteBuffer(repeating: 0, count: 1 << 20)] {
      let block = try #require(LZ4.compress(plain, below: plain.readableBytes))
      #expect(block.readableBytes < plain.readableBytes)
      #expect(LZ4.decompress(block, to: plain.readableBytes) == plain)
    }
    #expect(LZ4.compress(bytes(100_000), below: 100_000) == nil)
  }
}
