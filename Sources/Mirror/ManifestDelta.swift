internal import SoftadastraCore

/// A manifest as the difference to an older one: a receiver that holds the base needs only the new chunks' hashes.
public struct ManifestDelta: Sendable, Hashable {
  public enum Operation: Sendable, Hashable {
    /// Chunks of the base.
    case copy(start: Int, count: Int)
    case insert([Manifest.Chunk])
  }

  public var sizeClass: UInt8
  public var operations: [Operation]

  /// Cost: linear in both manifests.
  public init(from base: Manifest, to target: Manifest) {
    sizeClass = target.sizeClass
    operations = []
    var positions: [Manifest.Chunk: Int] = [:]
    for (index, chunk) in base.chunks.enumerated().reversed() { positions[chunk] = index }
    var index = 0
    var expected = 0
    while index < target.chunks.count {
      // Continuing where the last copy ended finds runs of repeated chunks too.
      let start: Int? =
        expected < base.chunks.count && base.chunks[expected] == target.chunks[index]
        ? expected : positions[target.chunks[index]]
      if let start {
        var count = 1
        while index + count < target.chunks.count, start + count < base.chunks.count,
          base.chunks[start + count] == target.chunks[index + count]
        {
          count += 1
        }
        operations.append(.copy(start: start, count: count))
        index += count
        expected = start + count
      } else {
        if case .insert(var chunks) = operations.last {
          operations.removeLast()
          chunks.append(target.chunks[index])
          operations.append(.insert(chunks))
        } else {
          operations.append(.insert([target.chunks[index]]))
        }
        index += 1
      }
    }
  }

  init(sizeClass: UInt8, operations: [Operation]) {
    self.sizeClass = sizeClass
    self.operations = operations
  }

  /// Nil if an operation reaches beyond the base: it is another base than the author's.
  public func applied(to base: Manifest) -> Manifest? {
    var chunks: [Manifest.Chunk] = []
    for operation in operations {
      switch operation {
      case .copy(let start, let count):
        guard start >= 0, count >= 0, start <= base.chunks.count, count <= base.chunks.count - start,
          chunks.count + count <= Manifest.maxChunks
        else { return nil }
        chunks += base.chunks[start..<start + count]
      case .insert(let inserted): chunks += inserted
      }
    }
    return Manifest(sizeClass: sizeClass, chunks: chunks)
  }

  /// Whether it is worth sending instead of the whole manifest.
  public var insertedChunks: Int {
    operations.reduce(0) {
      if case .insert(let chunks) = $1 { $0 + chunks.count } else { $0 }
    }
  }
}

// | field      | form                                                                            |
// | ---------- | ------------------------------------------------------------------------------- |
// | size class | u8                                                                              |
// | count      | varint, <= 262,144                                                              |
// | operation  | 0 start varint count varint, or 1 count varint chunks (as in a manifest)        |

extension ByteWriter {
  mutating func manifestDelta(_ delta: ManifestDelta) {
    uint8(delta.sizeClass)
    varint(delta.operations.count)
    for operation in delta.operations {
      switch operation {
      case .copy(let start, let count):
        uint8(0)
        varint(start)
        varint(count)
      case .insert(let chunks):
        uint8(1)
        varint(chunks.count)
        for chunk in chunks { self.chunk(chunk) }
      }
    }
  }
}

extension ByteReader {
  mutating func manifestDelta() throws(CodingError) -> ManifestDelta {
    let sizeClass = try uint8()
    let count = try count(limit: Manifest.maxChunks, "manifest delta")
    var operations: [ManifestDelta.Operation] = []
    var total = 0
    for _ in 0..<count {
      switch try uint8() {
      case 0:
        let start = try self.count(limit: Manifest.maxChunks, "chunk index")
        let copied = try self.count(limit: Manifest.maxChunks, "chunk count")
        operations.append(.copy(start: start, count: copied))
        total += copied
      case 1:
        let inserted = try self.count(limit: Manifest.maxChunks, "chunk count")
        var chunks: [Manifest.Chunk] = []
        for _ in 0..<inserted { chunks.append(try chunk()) }
        operations.append(.insert(chunks))
        total += inserted
      default: throw .invalid(what: "manifest operation")
      }
      guard total <= Manifest.maxChunks else { throw .tooLarge(what: "manifest", limit: Manifest.maxChunks) }
    }
    return ManifestDelta(sizeClass: sizeClass, operations: operations)
  }
}
