internal import CLZ4
internal import NIOCore

/// LZ4 blocks, without the frame format: our own header carries the lengths.
enum LZ4 {
  /// Of the strong compressor's 12: from here on it takes much more time for little less.
  private static let strongLevel = Int32(LZ4HC_CLEVEL_MIN)

  /// The block, or nil unless it is smaller than `limit` bytes. Cost: 1 GB in 2.4 s a core, strong in 13 s.
  static func compress(_ plain: ByteBuffer, below limit: Int, isStrong: Bool = false) -> ByteBuffer? {
    let count = plain.readableBytes
    guard count > 0, count <= Int(LZ4_MAX_INPUT_SIZE), limit > 1 else { return nil }
    var out = ByteBuffer()
    let capacity = min(limit - 1, count)
    let written = out.writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { target in
      plain.withUnsafeReadableBytes { source in
        guard let from = source.baseAddress, let to = target.baseAddress else { return 0 }
        // A block that does not fit the capacity ends early with 0: incompressible data costs little.
        let (input, output) = (from.assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self))
        return Int(
          isStrong
            ? LZ4_compress_HC(input, output, Int32(count), Int32(capacity), strongLevel)
            : LZ4_compress_default(input, output, Int32(count), Int32(capacity)))
      }
    }
    return written > 0 ? out : nil
  }

  /// The plain bytes, or nil when the block is malformed or holds another number of bytes than `size`.
  static func decompress(_ block: ByteBuffer, to size: Int) -> ByteBuffer? {
    guard size > 0, size <= Int(LZ4_MAX_INPUT_SIZE), block.readableBytes <= Int(LZ4_MAX_INPUT_SIZE) else { return nil }
    var out = ByteBuffer()
    let written = out.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { target in
      block.withUnsafeReadableBytes { source in
        guard let from = source.baseAddress, let to = target.baseAddress else { return 0 }
        return max(
          0,
          Int(
            LZ4_decompress_safe(
              from.assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self), Int32(source.count),
              Int32(size))))
      }
    }
    return written == size ? out : nil
  }
}
