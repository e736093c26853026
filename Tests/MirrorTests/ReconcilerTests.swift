import SoftadastraCore
@testable import SoftadastraMirror
import Testing

/// Every row of the reconciler's table, and that both sides of a conflict end alike.
@Suite struct ReconcilerTests {
  private let path = BytePath("notes/today.txt")

  private func version(_ replica: UInt64, _ counter: UInt64, stamp: UInt64, after seen: VersionVector = .init())
    -> Version
  {
    Version(
      vector: seen, dot: Dot(replica: ReplicaID(rawValue: replica), counter: counter),
      stamp: HybridTimestamp(milliseconds: stamp), author: AuthorTag(rawValue: replica))
  }

  private func file(_ content: UInt64, permissions: UInt16 = 0o644, modified: Int64 = 5) -> StoredFileValue {
    let chunk = Manifest.Chunk(hash: ContentHash(high: content, low: 1), length: 10)
    return StoredFileValue(
      FileValue(
        kind: .file(size: 10, modifiedNanoseconds: modified, Manifest(sizeClass: 0, chunks: [chunk])),
        permissions: permissions))
  }

  private let directory = StoredFileValue(FileValue(kind: .directory, permissions: 0o755))

  private func decide(_ local: FileEntry?, _ remote: FileEntry, implicit: Bool = false) -> Reconciler.Decision {
    Reconciler.decide(path: path, local: local, isImplicitDirectory: implicit, remote: remote)
  }

  @Test func newerReplacesOlder() {
    let old = version(1, 1, stamp: 1)
    let new = version(2, 1, stamp: 2, after: old.vector)
    let local = FileEntry(version: old, stored: file(1))
    let remote = FileEntry(version: new, stored: file(2))
    #expect(decide(local, remote) == .apply(remote, copy: nil))
    #expect(decide(remote, local) == .keep(nil))
    #expect(decide(nil, remote) == .apply(remote, copy: nil))
  }

  @Test func editBeatsDelete() {
    let edit = FileEntry(version: version(1, 1, stamp: 1), stored: file(1))
    let deletion = FileEntry(version: version(2, 1, stamp: 9), stored: nil)
    guard case .keep(let kept?) = decide(edit, deletion) else { return #expect(Bool(false), "the edit must stay") }
    #expect(kept.value == edit.value && kept.version.dot == edit.version.dot)
    guard case .apply(let taken, copy: nil) = decide(deletion, edit) else {
      return #expect(Bool(false), "the edit must be taken")
    }
    #expect(taken.version.dot == edit.version.dot && taken.version.covers(deletion.version))
  }

  @Test func whatAPowerLossTookStaysWhereItIs() {
    let edit = FileEntry(version: version(1, 2, stamp: 1), stored: file(1, modified: 5))
    let seen = edit.version.vector
    let gone = FileEntry(version: version(1, 3, stamp: 9, after: seen), stored: nil, isLost: true)
    let older = FileEntry(version: version(1, 3, stamp: 9, after: seen), stored: file(2, modified: 4), isLost: true)
    for lost in [gone, older] {
      guard case .keep(let kept?) = decide(edit, lost) else { return #expect(Bool(false), "the bytes must stay") }
      #expect(kept.value == edit.value && kept.version.covers(lost.version) && !kept.isLost)
    }
    let before = FileEntry(version: version(1, 1, stamp: 0), stored: file(3, modified: 3))
    #expect(decide(before, older) == .apply(older, copy: nil))
    #expect(decide(nil, gone) == .apply(gone, copy: nil))
  }

  @Test func sameBytesMakeNoCopy() {
    let a = FileEntry(version: version(1, 1, stamp: 1), stored: file(7, permissions: 0o600))
    let b = FileEntry(version: version(2, 1, stamp: 2), stored: file(7, permissions: 0o644))
    guard case .apply(let taken, copy: nil) = decide(a, b) else { return #expect(Bool(false), "b wins") }
    #expect(taken.value?.permissions == 0o644)
    guard case .keep(let kept?) = decide(b, a) else { return #expect(Bool(false), "b stays") }
    #expect(kept.version.covers(a.version))
  }

  @Test func bothSidesKeepTheSameWinnerAndTheSameCopy() {
    let a = FileEntry(version: version(1, 1, stamp: 1_700_000_000_000), stored: file(1))
    let b = FileEntry(version: version(2, 1, stamp: 1_700_000_000_001), stored: file(2))
    guard case .apply(let winner, let displaced?) = decide(a, b), case .keepLocal(let kept, let wanted) = decide(b, a)
    else { return #expect(Bool(false), "b wins on both sides") }
    #expect(winner.version.dot == kept.version.dot)
    #expect(displaced.path == wanted.path && displaced.entry == wanted.entry)
    #expect(displaced.entry.version == a.version && displaced.entry.isConflictCopy)
  }

  @Test func aDirectoryKeepsItsNameAgainstAFile() {
    let local = FileEntry(version: version(1, 1, stamp: 1), stored: directory)
    let remote = FileEntry(version: version(2, 1, stamp: 9), stored: file(3))
    guard case .keepLocal(_, let copy) = decide(local, remote) else { return #expect(Bool(false), "directory stays") }
    #expect(copy.entry.value == remote.value)
    guard case .apply(let taken, _?) = decide(remote, local) else { return #expect(Bool(false), "directory wins") }
    #expect(taken.value?.isDirectory == true)
  }

  @Test func aDirectoryWithLiveDescendantsStaysAgainstANewerFile() {
    let old = version(1, 1, stamp: 1)
    let local = FileEntry(version: old, stored: directory)
    let remote = FileEntry(version: version(2, 1, stamp: 2, after: old.vector), stored: file(3))
    guard case .directoryStays(let kept, _, _) = decide(local, remote, implicit: true) else {
      return #expect(Bool(false), "what is below keeps it")
    }
    #expect(kept?.value?.isDirectory == true)
  }

  @Test(arguments: [1, 60, 200, 255]) func copyNamesFit(length: Int) {
    let name = [UInt8](repeating: UInt8(ascii: "n"), count: length - 1) + [0xFF]
    let path = ConflictName.path(
      for: BytePath(unchecked: name), modifiedNanoseconds: 1_795_480_091_000_000_000, by: AuthorTag(rawValue: 7),
      contentDigest: 0xABCD)
    #expect(path.name.count <= BytePath.maxNameBytes)
    #expect(ConflictName.isConflictCopy(path))
    #expect(path.description.contains("conflict-20261124-002811-"))
  }

  @Test(arguments: [3000, 4030, 4055, 4096]) func copyPathsFit(length: Int) {
    let directory = String(repeating: "d", count: 200)
    let parents = String(repeating: directory + "/", count: length / 201 - 1)
    let original = BytePath(parents + String(repeating: "p", count: 150)).appending(
      [UInt8](repeating: UInt8(ascii: "n"), count: length - parents.utf8.count - 151))
    #expect(original.bytes.count == length && original.name.count >= 60)
    let copy = ConflictName.path(
      for: original, modifiedNanoseconds: 0, by: AuthorTag(rawValue: 7), contentDigest: 0xABCD)
    #expect(copy.bytes.count <= BytePath.maxBytes && copy.name.count <= BytePath.maxNameBytes)
    #expect(copy.parent == original.parent)
    #expect(ConflictName.isCopy(copy, of: original))
  }

  /// A name that was cut says only what its original's begins with.
  @Test func aCutNameIsThatOfACopy() {
    func copy(of name: String) -> BytePath {
      ConflictName.path(
        for: BytePath(name), modifiedNanoseconds: 0, by: AuthorTag(rawValue: 7), contentDigest: 0xABCD)
    }
    let long = "d/" + String(repeating: "n", count: 240)
    for (name, other) in [(long, long + ".txt"), (long + ".txt", long), ("d/n", "d/nn"), ("d/n.txt", "d/n")] {
      #expect(ConflictName.isCopy(copy(of: name), of: BytePath(name)), "\(name)")
      #expect(!ConflictName.isCopy(copy(of: name), of: BytePath(other)), "\(name) \(other)")
      #expect(!ConflictName.isCopy(BytePath(name), of: BytePath(name)))
    }
    // Their names cannot tell; their digests do.
    #expect(ConflictName.isCopy(copy(of: long), of: BytePath(long + "n")))
    #expect(copy(of: long) != copy(of: long + "n"))
  }

  @Test func copyNamesKeepTheExtension() {
    let copy = ConflictName.path(for: path, modifiedNanoseconds: -5, by: AuthorTag(rawValue: 7), contentDigest: 1)
    #expect(copy.description.hasPrefix("notes/today.conflict-19700101-000000-"))
    #expect(copy.description.hasSuffix(".txt"))
    #expect(ConflictName.original(of: copy) == path)
    #expect(ConflictName.original(of: path) == nil)
  }
}

/// Manifests, their differences, and values: what is encoded comes back, and damage never traps.
@Suite struct ManifestTests {
  private func manifest(_ ids: [UInt64]) -> Manifest {
    Manifest(sizeClass: 1, chunks: ids.map { Manifest.Chunk(hash: ContentHash(high: $0, low: $0), length: 7) })
  }

  @Test(
    arguments: [
      ([], [1, 2]), ([1, 2, 3], [1, 2, 3]), ([1, 2, 3], [1, 9, 3]), ([1, 2, 3], [0, 1, 2, 3]), ([5, 5, 5], [5, 5]),
      ([1, 2], []), ([1, 2, 3, 4], [4, 3, 2, 1]),
    ] as [([UInt64], [UInt64])])
  func deltaGivesTheTarget(base: [UInt64], target: [UInt64]) {
    let delta = ManifestDelta(from: manifest(base), to: manifest(target))
    #expect(delta.applied(to: manifest(base)) == manifest(target))
  }

  @Test func deltaAgainstAShorterBaseIsRefused() {
    let delta = ManifestDelta(from: manifest([1, 2, 3]), to: manifest([2, 3, 4]))
    #expect(delta.applied(to: manifest([1])) == nil)
  }

  @Test func valuesRoundTripAndRefuseDamage() throws {
    let kinds: [FileValue.Kind] = [
      .file(size: 21, modifiedNanoseconds: -5, manifest([1, 2, 3])), .directory,
      .symlink(target: [0xFF, 1], modifiedNanoseconds: 9),
    ]
    for kind in kinds {
      let stored = StoredFileValue(FileValue(kind: kind, permissions: 0o751))
      let bytes = stored.encoded()
      #expect(try StoredFileValue(decoding: bytes) == stored)
      for count in bytes.indices {
        #expect(throws: CodingError.self) { try StoredFileValue(decoding: Array(bytes[..<count])) }
      }
      for index in bytes.indices {
        var damaged = bytes
        damaged[index] ^= 0x55
        _ = try? StoredFileValue(decoding: damaged)
      }
    }
  }
}
