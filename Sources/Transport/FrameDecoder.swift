public import NIOCore
public import SoftadastraCore

/// Cuts a byte stream into frames, and undoes their compression.
///
/// Pure: bytes go in with `append`, frames come out of `next` until it has none. Every length is checked before memory is
/// taken for it; memory grows with the bytes that arrived, not with those that were announced. Each payload is copied
/// into memory of its own, of about its size: what arrived belongs to the TLS library, which would have to copy all of its own
/// buffer as soon as anybody kept a part of it. After an error the stream cannot be continued.
public struct FrameDecoder: Sendable {
  /// An announced frame makes at most this much room before its bytes are there.
  static let maxReservedBytes = 2 << 20
  /// No LZ4 block expands further than this.
  static let maxLZ4Ratio = 255

  private struct Header {
    let kind: UInt8
    /// Of the payload as it was sent.
    let length: Int
    /// Of the payload, if that was compressed.
    let uncompressed: Int?
  }

  /// Payloads above this are refused, as sent and as decompressed.
  public var maxPayloadBytes: Int
  /// What arrived and was not looked at yet.
  private var input = ByteBuffer()
  /// As much of the next frame's header as is there.
  private var head = ByteBuffer()
  private var header: Header?
  private var payload = ByteBuffer()

  public init(maxPayloadBytes: Int = Bounds.maxFrameBytes) {
    self.maxPayloadBytes = maxPayloadBytes
  }

  /// Bytes of frames that are not complete yet, beside a header that was understood.
  public var bufferedBytes: Int { head.readableBytes + payload.readableBytes + input.readableBytes }

  public mutating func append(_ bytes: ByteBuffer) {
    if input.readableBytes == 0 { input = bytes } else { input.writeImmutableBuffer(bytes) }
  }

  /// The next complete frame; nil when more bytes are needed. Fails with `.damaged` on a header that breaks a limit.
  public mutating func next() throws(SoftadastraError) -> Frame? {
    if header == nil {
      header = try nextHeader()
      if let header { payload.reserveCapacity(min(header.length, max(Self.maxReservedBytes, input.readableBytes))) }
    }
    guard let header else { return waiting() }
    let arrived = min(header.length - payload.readableBytes, input.readableBytes)
    if payload.writableBytes < arrived {
      payload.reserveCapacity(min(header.length, max(2 * payload.readableBytes, payload.readableBytes + arrived)))
    }
    if var bytes = input.readSlice(length: arrived) { payload.writeBuffer(&bytes) }
    guard payload.readableBytes == header.length else { return waiting() }
    defer {
      self.header = nil
      payload = ByteBuffer()
    }
    guard let uncompressed = header.uncompressed else { return Frame(kind: header.kind, payload: payload) }
    guard let plain = LZ4.decompress(payload, to: uncompressed) else {
      throw Self.refused("a compressed payload does not decompress to its declared \(uncompressed) bytes")
    }
    return Frame(kind: header.kind, payload: plain)
  }

  /// Nothing is kept of the memory in which bytes arrived.
  private mutating func waiting() -> Frame? {
    input = ByteBuffer()
    return nil
  }

  private mutating func nextHeader() throws(SoftadastraError) -> Header? {
    guard fillHead(to: FrameHeader.bytes), let length32 = head.getInteger(at: 0, endianness: .little, as: UInt32.self),
      let kind = head.getInteger(at: 4, as: UInt8.self), let flags = head.getInteger(at: 5, as: UInt8.self)
    else { return nil }
    let limit = kind >= ControlKind.first ? min(ControlKind.maxPayloadBytes, maxPayloadBytes) : maxPayloadBytes
    let length = Int(length32)
    guard length <= limit else { throw Self.refused("a payload of \(length) bytes is above the limit of \(limit)") }
    guard flags & ~FrameHeader.lz4Flag == 0 else { throw Self.refused("unknown flags \(flags)") }
    guard flags & FrameHeader.lz4Flag != 0 else {
      head.clear()
      return Header(kind: kind, length: length, uncompressed: nil)
    }
    guard fillHead(to: FrameHeader.compressedBytes),
      let declared32 = head.getInteger(at: FrameHeader.bytes, endianness: .little, as: UInt32.self)
    else { return nil }
    let declared = Int(declared32)
    guard declared <= limit else {
      throw Self.refused("a decompressed payload of \(declared) bytes is above the limit of \(limit)")
    }
    guard declared > 0, declared <= length * Self.maxLZ4Ratio else {
      throw Self.refused("\(length) compressed bytes cannot hold \(declared)")
    }
    head.clear()
    return Header(kind: kind, length: length, uncompressed: declared)
  }

  /// True if the header's first `count` bytes are there.
  private mutating func fillHead(to count: Int) -> Bool {
    let missing = max(0, count - head.readableBytes)
    if var bytes = input.readSlice(length: min(missing, input.readableBytes)) { head.writeBuffer(&bytes) }
    return head.readableBytes >= count
  }

  private static func refused(_ why: String) -> SoftadastraError {
    SoftadastraError(.damaged, "frame from the peer", why: why)
  }
}
