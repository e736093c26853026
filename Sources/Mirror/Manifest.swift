public import SoftadastraCore

/// A file's content as a list of chunks: what is fetched, verified and found again after an edit.
public struct Manifest: Sendable, Hashable {
  public struct Chunk: Sendable, Hashable {
    public let hash: ContentHash
    public let length: UInt32
    public init(hash: ContentHash, length: UInt32) {
      self.hash = hash
      self.length = length
    }
  }

  /// Chunks of one manifest; the chunk size grows with the file so that this is never reached.
  public static let maxChunks = 1 << 18
  public static let maxChunkBytes = 12 << 20

  /// The chunker's size class; see `ChunkSizeClass`.
  public var sizeClass: UInt8
  public var chunks: [Chunk]

  public init(sizeClass: UInt8, chunks: [Chunk]) {
    self.sizeClass = sizeClass
    self.chunks = chunks
  }

  public static let empty = Manifest(sizeClass: 0, chunks: [])

  public var byteCount: UInt64 { chunks.reduce(0) { $0 + UInt64($1.length) } }

  /// Where each chunk begins.
  public func offsets() -> [UInt64] {
    var offset: UInt64 = 0
    return chunks.map { chunk in
      defer { offset += UInt64(chunk.length) }
      return offset
    }
  }
}

// | field      | form                                              |
// | ---------- | ------------------------------------------------- |
// | size class | u8                                                |
// | count      | varint, <= 262,144                                |
// | chunk      | hash u64 u64, length varint (1 ... 12 MiB)        |

extension ByteWriter {
  mutating func chunk(_ chunk: Manifest.Chunk) {
    contentHash(chunk.hash)
    varint(UInt64(chunk.length))
  }

  mutating func manifest(_ manifest: Manifest) {
    uint8(manifest.sizeClass)
    varint(manifest.chunks.count)
    for chunk in manifest.chunks { self.chunk(chunk) }
  }
}

extension ByteReader {
  mutating func chunk() throws(CodingError) -> Manifest.Chunk {
    let hash = try contentHash()
    let length = try count(limit: Manifest.maxChunkBytes, "chunk")
    guard length > 0 else { throw .invalid(what: "empty chunk") }
    return Manifest.Chunk(hash: hash, length: UInt32(length))
  }

  mutating func manifest() throws(CodingError) -> Manifest {
    let sizeClass = try uint8()
    let count = try count(limit: Manifest.maxChunks, "manifest")
    var chunks: [Manifest.Chunk] = []
    chunks.reserveCapacity(min(count, remaining / 17))
    for _ in 0..<count { chunks.append(try chunk()) }
    return Manifest(sizeClass: sizeClass, chunks: chunks)
  }
}
