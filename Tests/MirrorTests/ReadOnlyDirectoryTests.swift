import Glibc
import SoftadastraCore
import SoftadastraFS
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@testable import SoftadastraMirror

/// A peer's changes in directories that their owner has made read-only.
@Suite struct ReadOnlyDirectoryTests {
  private let directory = TemporaryDirectory()
  private let volume: LinuxVolume
  private let place = BytePath("place")
  private let file = BytePath("place/file")
  private let hasher = ContentHasher(secret: [UInt8](repeating: 7, count: ContentHasher.secretBytes))

  init() throws { volume = try readOnlyDirectory(place, in: directory) }

  private func perform(_ content: [UInt8]?, over expected: UInt64?) throws -> DiskOperation.Outcome {
    let version = Version(
      vector: VersionVector(), dot: Dot(replica: ReplicaID(rawValue: 1), counter: 1),
      stamp: HybridTimestamp(milliseconds: 1), author: AuthorTag(rawValue: 1))
    let value = content.map { content in
      FileValue(
        kind: .file(
          size: UInt64(content.count), modifiedNanoseconds: 5_000_000_000,
          Manifest(
            sizeClass: ChunkSizeClass(forFileSize: 1).rawValue,
            chunks: [
              Manifest.Chunk(hash: content.withUnsafeBytes { hasher.hash($0) }, length: UInt32(content.count))
            ])), permissions: 0o644)
    }
    let operation = DiskOperation(
      path: file, wanted: FileEntry(version: version, stored: value.map { StoredFileValue($0) }), expected: expected,
      content: content.map { .inline($0) } ?? .none, copyPath: nil, volume: volume,
      reader: ContentReader(volume: volume, hasher: hasher), made: MadeDirectories(),
      spares: SpareVersions(time: FastTime()))
    return operation.perform()
  }

  @Test func madeChangedAndDeleted() throws {
    try asUser {
      let before = try volume.status(place)?.fingerprint
      guard case .applied(let first, _) = try perform(Array("one".utf8), over: nil),
        case .applied(let second, _) = try perform(Array("two".utf8), over: first)
      else {
        Issue.record("not applied")
        return
      }
      #expect(try volume.status(file)?.size == 3)
      #expect(try perform(nil, over: second).isApplied)
      #expect(try volume.status(file) == nil)
      #expect(try volume.status(place)?.fingerprint == before)
    }
  }
}
