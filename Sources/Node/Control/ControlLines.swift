internal import NIOCore
internal import SoftadastraCore

/// Cuts what arrives on the control socket into lines, and refuses a line above the limit before it is complete.
struct ControlLines {
  private var buffer = ByteBuffer()
  /// Bytes of the unfinished line that hold no newline: they are not looked at twice.
  private var scanned = 0
  private let limit: Int

  init(limit: Int = ControlProtocol.maxLineBytes) { self.limit = limit }

  mutating func append(_ chunk: ByteBuffer) {
    var chunk = chunk
    buffer.discardReadBytes()
    buffer.writeBuffer(&chunk)
  }

  /// The next complete line without its newline; nil until more arrives.
  mutating func next() throws(SoftadastraError) -> [UInt8]? {
    let view = buffer.readableBytesView
    let newline = view[(view.startIndex + scanned)...].firstIndex(of: UInt8(ascii: "\n"))
    let length = newline.map { $0 - view.startIndex } ?? view.count
    guard length <= limit else {
      throw SoftadastraError(
        .invalid, "cannot read from the control socket", why: "a line is longer than \(limit) bytes")
    }
    guard newline != nil else {
      scanned = view.count
      return nil
    }
    scanned = 0
    let line = buffer.readBytes(length: length)
    buffer.moveReaderIndex(forwardBy: 1)
    return line
  }
}
