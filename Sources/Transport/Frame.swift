public import NIOCore
internal import SoftadastraCore

// | field        | form   | meaning                                                              |
// | ------------ | ------ | -------------------------------------------------------------------- |
// | length       | u32    | bytes of the payload as sent, <= 16 MiB (<= 1 KiB for kinds >= 0xF0) |
// | kind         | u8     | >= 0xF0: the transport's own                                         |
// | flags        | u8     | bit 0: the payload is one LZ4 block; the other bits are 0            |
// | uncompressed | u32    | only with LZ4: bytes after decompression, <= 16 MiB                  |
// | payload      | length |                                                                      |

/// One message between two nodes: a kind and its bytes.
public struct Frame: Sendable, Equatable {
  /// Below 0xF0; higher kinds are the transport's own and never reach its user.
  public var kind: UInt8
  /// At most `Bounds.maxFrameBytes`. A received payload has memory of its own.
  public var payload: ByteBuffer
  /// A hint for sending: worth an attempt at compression. Always false on received frames.
  public var isCompressible: Bool

  public init(kind: UInt8, payload: ByteBuffer, isCompressible: Bool = false) {
    self.kind = kind
    self.payload = payload
    self.isCompressible = isCompressible
  }
}

/// The transport's own kinds.
enum ControlKind {
  static let first: UInt8 = 0xF0
  /// The first frame each way; see `Preamble`.
  static let preamble: UInt8 = 0xF0
  /// Eight bytes, which the pong returns.
  static let ping: UInt8 = 0xF1
  static let pong: UInt8 = 0xF2
  /// Why the sender closes, as UTF-8.
  static let goodbye: UInt8 = 0xF3

  static let maxPayloadBytes = 1024
}

enum FrameHeader {
  static let bytes = 6
  static let compressedBytes = 10
  static let lz4Flag: UInt8 = 1
}

/// A frame in the form in which it is sent.
struct OutboundFrame {
  var kind: UInt8
  var payload: ByteBuffer
  /// What the payload was before compression; nil when it is sent as it is.
  var uncompressedBytes: Int?

  var wireBytes: Int {
    payload.readableBytes + (uncompressedBytes == nil ? FrameHeader.bytes : FrameHeader.compressedBytes)
  }

  var plainBytes: Int { (uncompressedBytes ?? payload.readableBytes) + FrameHeader.bytes }

  init(_ frame: Frame) {
    kind = frame.kind
    payload = frame.payload
  }

  init(kind: UInt8, payload: ByteBuffer, uncompressedBytes: Int? = nil) {
    self.kind = kind
    self.payload = payload
    self.uncompressedBytes = uncompressedBytes
  }

  func writeHeader(into out: inout ByteBuffer) {
    out.writeInteger(UInt32(payload.readableBytes), endianness: .little)
    out.writeInteger(kind)
    if let uncompressedBytes {
      out.writeInteger(FrameHeader.lz4Flag)
      out.writeInteger(UInt32(uncompressedBytes), endianness: .little)
    } else {
      out.writeInteger(UInt8(0))
    }
  }
}
