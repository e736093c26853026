internal import Glibc
internal import SoftadastraCore
internal import SoftadastraFS
internal import Synchronization

/// Cuts and hashes the content of one file, a large one on several threads. Blocks: for worker threads.
///
/// A stretch in the middle is cut from any byte on as if the file began there: where a cut falls depends on few bytes
/// before it, so after some chunks the cuts are mostly those of the whole file. Where the chunks before it end on such a
/// cut, the rest of the stretch counts; until then it is cut again. So the result is that of one thread.
struct ManifestReading: Sendable {
  private static let bufferBytes = 1 << 20
  private static let minStretchBytes: UInt64 = 16 << 20
  /// In multiples of the longest chunk, so that a stretch of equal bytes is cut alike from both ends.
  private static let stretchChunks: UInt64 = 8
  private static let maxThreads = 4
  private static let threads = max(1, min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), maxThreads))

  let file: any ReadableFile
  let size: UInt64
  let sizeClass: ChunkSizeClass
  let hasher: ContentHasher
  let known: KnownCuts?
  let path: BytePath

  private struct Piece: Sendable {
    let offset: UInt64
    let chunk: Manifest.Chunk
    var end: UInt64 { offset + UInt64(chunk.length) }
  }

  private typealias Pieces = Result<[Piece], SoftadastraError>

  init(
    _ file: any ReadableFile, size: UInt64, _ sizeClass: ChunkSizeClass, previous: Manifest?, _ hasher: ContentHasher,
    _ path: BytePath
  ) {
    self.file = file
    self.size = size
    self.sizeClass = sizeClass
    self.hasher = hasher
    self.path = path
    known = previous.flatMap { KnownCuts($0, sizeClass) }
  }

  /// Fails with `.changed` if the file is shorter than it was.
  func manifest() throws(SoftadastraError) -> Manifest {
    let length = max(Self.minStretchBytes, Self.stretchChunks * UInt64(sizeClass.maximum))
    let isLarge = Self.threads > 1 && size >= 2 * length
    let pieces = isLarge ? try joined(stretches(of: length)) : try cut(from: 0, until: size)
    return Manifest(sizeClass: sizeClass.rawValue, chunks: pieces.map(\.chunk))
  }

  private func stretches(of length: UInt64) throws(SoftadastraError) -> [[Piece]] {
    let count = Int((size + length - 1) / length)
    let done = Mutex([Pieces?](repeating: nil, count: count))
    let next = Atomic(0)
    concurrently(threads: min(Self.threads, count)) {
      while case let index = next.wrappingAdd(1, ordering: .relaxed).oldValue, index < count {
        let start = UInt64(index) * length
        let pieces: Pieces
        do throws(SoftadastraError) {
          pieces = .success(try cut(from: start, until: min(size, start + length)))
        } catch {
          pieces = .failure(error)
        }
        done.withLock { $0[index] = pieces }
      }
    }
    var stretches: [[Piece]] = []
    for pieces in done.withLock({ $0 }) { if let pieces { stretches.append(try pieces.get()) } }
    return stretches
  }

  private func joined(_ stretches: [[Piece]]) throws(SoftadastraError) -> [Piece] {
    var result: [Piece] = []
    var end: UInt64 = 0
    for pieces in stretches {
      var next = 0
      while let last = pieces.last, end < last.end {
        while next < pieces.count, pieces[next].offset < end { next += 1 }
        if next < pieces.count, pieces[next].offset == end {
          result += pieces[next...]
        } else {
          result += try cut(from: end, until: end + 1)
        }
        end = result.last?.end ?? size
      }
    }
    return result
  }

  /// The chunks from `start` on, up to the first that ends at `limit` or behind it.
  private func cut(from start: UInt64, until limit: UInt64) throws(SoftadastraError) -> [Piece] {
    let chunker = Chunker(sizeClass)
    var known = known
    if start > 0 { known?.begin(at: start) }
    let capacity = max(1, Int(min(size - start, UInt64(max(Self.bufferBytes, 2 * sizeClass.maximum)))))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
    defer { buffer.deallocate() }

    var result: [Piece] = []
    // Of what is cut, and of what is read.
    var end = start
    var offset = start
    var held = 0
    while end < limit, offset < size {
      let wanted = Int(min(UInt64(capacity - held), size - offset))
      let read = try file.read(
        at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[held..<held + wanted]))
      guard read > 0 else { throw .changedWhileRead(path) }
      offset += UInt64(read)
      held += read
      let isAtEnd = offset == size
      var used = 0
      // A chunk surely ends within the longest chunk's length.
      while end < limit, used < held, isAtEnd || held - used >= sizeClass.maximum {
        let rest = UnsafeRawBufferPointer(rebasing: buffer[used..<held])
        let chunk = known?.next(rest, isAtEnd: isAtEnd, hasher) ?? nextChunk(rest, isAtEnd, chunker, &known, end)
        result.append(Piece(offset: end, chunk: chunk))
        used += Int(chunk.length)
        end += UInt64(chunk.length)
      }
      if used > 0, used < held { memmove(buffer.baseAddress!, buffer.baseAddress! + used, held - used) }
      held -= used
    }
    return result
  }

  private func nextChunk(
    _ bytes: UnsafeRawBufferPointer, _ isAtEnd: Bool, _ chunker: Chunker, _ known: inout KnownCuts?, _ start: UInt64
  ) -> Manifest.Chunk {
    let length = chunker.cut(bytes, isAtEnd: isAtEnd) ?? bytes.count
    let chunk = Manifest.Chunk(
      hash: hasher.hash(UnsafeRawBufferPointer(rebasing: bytes[..<length])), length: UInt32(length))
    known?.missed(chunk, endingAt: start + UInt64(length))
    return chunk
  }
}

extension SoftadastraError {
  static func changedWhileRead(_ path: BytePath) -> SoftadastraError {
    SoftadastraError(.changed, "read", at: path.description, why: "the file changed while it was read")
  }
}
