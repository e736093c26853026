internal import NIOCore
internal import SoftadastraCore
internal import SoftadastraSync
internal import SoftadastraTransport

/// A frame's payload as the owner of bytes.
struct PayloadBytes: BytesOwner {
  let payload: ByteBuffer
  init(_ payload: ByteBuffer) { self.payload = payload }

  func withOwnedBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    payload.withUnsafeReadableBytes(body)
  }
}

extension Frame {
  /// The bytes of files stay in the payload's memory.
  func decoded() throws(CodingError) -> SyncMessage? {
    try SyncMessage.decode(kind: kind, SharedBytes(PayloadBytes(payload), 0..<payload.readableBytes))
  }
}

extension SharedBytes {
  /// Memory that a frame can be made of.
  static let inPayload: Maker = { count, fill in
    var payload = ByteBuffer()
    payload.writeWithUnsafeMutableBytes(minimumWritableBytes: count) {
      fill(UnsafeMutableRawBufferPointer(rebasing: $0[..<count]))
    }
    return SharedBytes(PayloadBytes(payload), 0..<payload.readableBytes)
  }
}
