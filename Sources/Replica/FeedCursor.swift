internal import SoftadastraCore

/// How far a peer's feed of one space is known here.
///
/// | bytes  | what                                                                    |
/// | ------ | ----------------------------------------------------------------------- |
/// | varint | the last sequence of its log that is known                              |
/// | u64    | the nonce of its life in which that was reached; absent in old records  |
struct FeedCursor: Sendable, Hashable {
  var known: UInt64 = 0
  var nonce: UInt64 = 0

  init(known: UInt64 = 0, nonce: UInt64 = 0) {
    self.known = known
    self.nonce = nonce
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    known = try reader.varint()
    nonce = reader.remaining == 0 ? 0 : try reader.uint64()
  }

  func encode(into writer: inout ByteWriter) {
    writer.varint(known)
    writer.uint64(nonce)
  }
}
