import Foundation
import SoftadastraCore
import TestSupport
import Testing

@testable import SoftadastraFS

/// No call leaves the root, whatever lies in the way.
@Suite struct ContainmentTests {
  @Test func symlinkedParentsAreNeverEntered() throws {
    let (directory, volume) = try makeVolume()
    let outside = TemporaryDirectory()
    outside.write("secret", "s")
    symlink(outside.path, directory.appending("link"))
    symlink("..", directory.appending("up"))
    let path = BytePath("link/secret")
    #expect(try volume.status(path) == nil)
    #expect(try volume.status(BytePath("up/up/etc")) == nil)
    let file = try volume.staged([1])
    expectError(.notFound) { _ = try volume.list(BytePath("link")) }
    expectError(.notFound) { _ = try volume.link(file, at: BytePath("link/new")) }
    expectError(.notFound) { _ = try volume.exchange(file, at: path) }
    expectError(.notFound) { _ = try volume.displace(path) }
    expectError(.notFound) { _ = try volume.makeDirectory(BytePath("link/d"), permissions: 0o755) }
    expectError(.notFound) { _ = try volume.makeSymlink([1], at: BytePath("link/l"), modifiedNanoseconds: 0) }
    expectError(.notFound) { _ = try volume.move(BytePath("link"), to: BytePath("link/x")) }
    expectError(.notFound) { try volume.removeDirectory(path) }
    #expect(throws: SoftadastraError.self) { try volume.setPermissions(ofDirectory: path, 0o777) }
    #expect(throws: SoftadastraError.self) {
      try volume.setAttributes(path, permissions: 0o777, modifiedNanoseconds: 0, expecting: 1)
    }
    #expect(throws: SoftadastraError.self) { try volume.openForReading(path) }
    expectError(.changed) { _ = try volume.openForReading(BytePath("link")) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path) == ["secret"])
  }

  @Test func theStagingAreaItselfMayNotBeALink() throws {
    let directory = TemporaryDirectory()
    let outside = TemporaryDirectory()
    symlink(outside.path, directory.appending(".softadastra"))
    let volume = try LinuxVolume(root: directory.path)
    expectError(.notFound) { try volume.prepareStaging() }
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path).isEmpty)
  }

  @Test(arguments: ["..", "../x", "a/../../x", "a/..", "/etc/passwd", "a//b", ".", "a/.", "a/", "a\0b"])
  func pathsThatMeanSomethingElseAreRefused(_ text: String) throws {
    let (directory, volume) = try makeVolume()
    directory.makeDirectory("a")
    let path = BytePath(text)
    expectError(.invalid) { _ = try volume.status(path) }
    expectError(.invalid) { _ = try volume.list(path) }
    expectError(.invalid) { _ = try volume.displace(path) }
    expectError(.invalid) { _ = try volume.link(try volume.staged([1]), at: path) }
    expectError(.invalid) { _ = try volume.makeDirectory(path, permissions: 0o755) }
  }

  @Test func theComponentWalkHoldsToo() throws {
    let (directory, volume) = try makeVolume()
    let outside = TemporaryDirectory()
    outside.write("secret", "s")
    directory.makeDirectory("a/b")
    directory.write("a/b/f", "x")
    symlink(outside.path, directory.appending("a/link"))
    func walk(_ path: String, _ flags: Int32 = O_RDONLY) -> Int32 {
      let result = Beneath.walk(volume.root.number, Array(path.utf8), flags: flags | O_NOFOLLOW | O_CLOEXEC, mode: 0)
      if result >= 0 { close(result) }
      return result
    }
    #expect(walk("a/b/f") >= 0)
    #expect(walk("a/link/secret") == -ENOTDIR)
    #expect(walk("a/link") == -ELOOP)
    #expect(walk("a/../../etc") == -EXDEV)
    #expect(walk("a/b/..") == -EXDEV)
    #expect(walk("none/f") == -ENOENT)
    #expect(walk("a/b/f/g") == -ENOTDIR)
  }

  @Test func aParentSwappedForALinkUnderFireNeverEscapes() async throws {
    let (directory, volume) = try makeVolume()
    let outside = TemporaryDirectory()
    directory.makeDirectory("d")
    symlink(outside.path, directory.appending("l"))
    let swapper = Task.detached {
      for _ in 0..<2000 {
        _ = rename(directory.appending("d"), directory.appending("t"))
        _ = rename(directory.appending("l"), directory.appending("d"))
        _ = rename(directory.appending("d"), directory.appending("l"))
        _ = rename(directory.appending("t"), directory.appending("d"))
      }
    }
    var created = 0
    for index in 0..<2000 {
      if (try? volume.link(try volume.staged([1]), at: BytePath("d/\(index)"))) != nil { created += 1 }
    }
    await swapper.value
    #expect(created > 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path).isEmpty)
    #expect(try volume.list(BytePath("d")).count == created)
  }

  @Test func namesAreBytes() throws {
    let (_, volume) = try makeVolume()
    let names: [[UInt8]] = [
      [UInt8](repeating: 0xFF, count: 255), Array("line\nbreak\u{1B}[31m".utf8), [0x80, 0x0A, 0x20], Array("-rf".utf8),
      Array("...".utf8), Array("a\\b".utf8),
    ]
    for name in names {
      let path = BytePath.root.appending(name)
      _ = try volume.link(try volume.staged([1]), at: path)
      _ = try volume.exchange(try volume.staged([2]), at: path)
      #expect(try volume.status(path)?.size == 1)
    }
    #expect(Set(try volume.list(.root).map(\.name)).isSuperset(of: names))
    let long = BytePath.root.appending([UInt8](repeating: 0x61, count: 256))
    expectError(.invalid) { _ = try volume.link(try volume.staged([1]), at: long) }
    do {
      _ = try volume.makeDirectory(BytePath("none/line\nbreak"), permissions: 0o755)
    } catch let error {
      #expect(error.location.hasSuffix("/none/line\\x0abreak"), "\(error)")
    }
  }

  @Test func pathsBeyondTheKernelsLimitWork() throws {
    let (_, volume) = try makeVolume()
    var path = BytePath.root
    for _ in 0..<22 {
      path = path.appending([UInt8](repeating: 0x61, count: 200))
      _ = try volume.makeDirectory(path, permissions: 0o755)
    }
    #expect(path.bytes.count > 4096)
    _ = try volume.link(try volume.staged([1]), at: path.appending("f"))
    #expect(try volume.list(path).count == 1)
    try volume.discard(try volume.displace(BytePath(unchecked: Array(path.bytes.prefix(200)))), from: path, keep: false)
  }

  @Test func specialFilesDoNotHangTheReader() throws {
    let (directory, volume) = try makeVolume()
    mkfifo(directory.appending("fifo"), 0o600)
    expectError(.changed) { _ = try volume.openForReading(BytePath("fifo")) }
    #expect(try volume.status(BytePath("fifo"))?.kind == .other)
  }

  @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
  func aReadOnlyParentIsAPermissionError() throws {
    let (directory, volume) = try makeVolume()
    directory.makeDirectory("d")
    chmod(directory.appending("d"), 0o555)
    defer { chmod(directory.appending("d"), 0o755) }
    expectError(.permission) { _ = try volume.link(try volume.staged([1]), at: BytePath("d/a")) }
  }
}
