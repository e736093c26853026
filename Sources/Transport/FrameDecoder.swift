public import NIOCore
public import SoftadastraCore

/// Cuts a byte stream into frames, and undoes their compression.
///
/// Pure: bytes go in with `append`, frames come out of `next`. Every length is checked before memory is taken for it;
/// memory grows with the bytes that arrived, not with those that were announced. A payload that was not compressed is
/// a slice of what arrived. After an error the stream cannot be continued.
public struct FrameDecoder: Sendable {
  /// An announced frame makes at most this much room before its bytes are there.
  static let maxReservedBytes = 2 << 20
  /// No LZ4 block expands further than this.
  static let maxLZ4Ratio = 255

  /// Payloads above this are refused, as sent and as decompressed.
  public var maxPayloadBytes: Int
  private var buffer = ByteBuffer()
  /// Bytes of the whole frame at the buffer's start, once its header is there.
  private var neededBytes = 0

  public init(maxPayloadBytes: Int = Bounds.maxFrameBytes) {
    self.maxPayloadBytes = maxPayloadBytes
  }

  /// Bytes of a frame that is not complete yet.
  public var bufferedBytes: Int { buffer.readableBytes }

  public mutating func append(_ bytes: ByteBuffer) {
    if buffer.readableBytes == 0 {
      buffer = bytes
      return
    }
    // The old memory may be shared with frames that were handed out: the rest of the stream moves to its own.
    let required = buffer.readableBytes + bytes.readableBytes
    if buffer.writableBytes < bytes.readableBytes || buffer.readerIndex > 0 {
      var fresh = ByteBuffer()
      fresh.reserveCapacity(max(required, min(neededBytes, max(Self.maxReservedBytes, required * 2))))
      fresh.writeImmutableBuffer(buffer)
      buffer = fresh
    }
    buffer.writeImmutableBuffer(bytes)
  }

  /// The next complete frame; nil when more bytes are needed. Fails with `.damaged` on a header that breaks a limit.
  public mutating func next() throws(SoftadastraError) -> Frame? {
    let start = buffer.readerIndex
    guard let length32 = buffer.getInteger(at: start, endianness: .little, as: UInt32.self),
      let kind = buffer.getInteger(at: start + 4, as: UInt8.self),
      let flags = buffer.getInteger(at: start + 5, as: UInt8.self)
    else { return nil }
    let limit = kind >= ControlKind.first ? min(ControlKind.maxPayloadBytes, maxPayloadBytes) : maxPayloadBytes
    let length = Int(length32)
    guard length <= limit else { throw Self.refused("a payload of \(length) bytes is above the limit of \(limit)") }
    guard flags & ~FrameHeader.lz4Flag == 0 else { throw Self.refused("unknown flags \(flags)") }
    guard flags & FrameHeader.lz4Flag != 0 else {
      neededBytes = FrameHeader.bytes + length
      guard buffer.readableBytes >= neededBytes else { return nil }
      buffer.moveReaderIndex(forwardBy: FrameHeader.bytes)
      guard let payload = buffer.readSlice(length: length) else { return nil }
      return Frame(kind: kind, payload: payload)
    }
    guard let declared32 = buffer.getInteger(at: start + 6, endianness: .little, as: UInt32.self) else { return nil }
    let declared = Int(declared32)
    guard declared <= limit else {
      throw Self.refused("a decompressed payload of \(declared) bytes is above the limit of \(limit)")
    }
    guard declared > 0, declared <= length * Self.maxLZ4Ratio else {
      throw Self.refused("\(length) compressed bytes cannot hold \(declared)")
    }
    neededBytes = FrameHeader.compressedBytes + length
    guard buffer.readableBytes >= neededBytes else { return nil }
    buffer.moveReaderIndex(forwardBy: FrameHeader.compressedBytes)
    guard let block = buffer.readSlice(length: length), let payload = LZ4.decompress(block, to: declared) else {
      throw Self.refused("a compressed payload does not decompress to its declared \(declared) bytes")
    }
    return Frame(kind: kind, payload: payload)
  }

  private static func refused(_ why: String) -> SoftadastraError {
    SoftadastraError(.damaged, "frame from the peer", why: why)
  }
}
