import Foundation
import SoftadastraCore
import SoftadastraFS
import Synchronization
import TestSupport
import Testing

/// Collects what a watcher delivers; can hold the watcher's thread up.
final class Witness: Sendable {
  private let state = Mutex<(events: [WatchEvent], batches: Int)>(([], 0))
  let gate = Mutex(())

  func take(_ batch: [WatchEvent]) {
    gate.withLock { _ in }
    state.withLock {
      $0.events.append(contentsOf: batch)
      $0.batches += 1
    }
  }

  var events: [WatchEvent] { state.withLock { $0.events } }
  var batches: Int { state.withLock { $0.batches } }
  func clear() { state.withLock { $0 = ([], 0) } }

  func has(_ event: WatchEvent) -> Bool { events.contains(event) }

  /// True if an observer that follows the events would look at this path.
  func covers(_ path: BytePath) -> Bool {
    events.contains { event in
      switch event {
      case .changed(let changed), .written(let changed): changed == path
      case .subtreeChanged(let directory): path.isWithin(directory)
      case .moved(let from, let to, let isDirectory):
        from == path || to == path || (isDirectory && (path.isWithin(from) || path.isWithin(to)))
      case .rootLost: false
      }
    }
  }
}

func makeWatcher(_ change: (inout WatcherOptions) -> Void = { _ in }) throws -> (TemporaryDirectory, Watcher, Witness) {
  let directory = TemporaryDirectory()
  let witness = Witness()
  var options = WatcherOptions()
  change(&options)
  let watcher = try Watcher(root: directory.path, options: options) { witness.take($0) }
  return (directory, watcher, witness)
}

@Suite(.serialized) struct WatcherTests {
  @Test func tellsOfFiles() async throws {
    let (directory, watcher, witness) = try makeWatcher()
    directory.makeDirectory("d")
    watcher.start()
    directory.write("d/a", "1")
    await watcher.drain()
    #expect(witness.events == [.written(BytePath("d/a"))])
    witness.clear()
    chmod(directory.appending("d/a"), 0o600)
    await watcher.drain()
    #expect(witness.events == [.changed(BytePath("d/a"))])
    witness.clear()
    rename(directory.appending("d/a"), directory.appending("b"))
    await watcher.drain()
    #expect(witness.events == [.moved(from: BytePath("d/a"), to: BytePath("b"), isDirectory: false)])
    witness.clear()
    unlink(directory.appending("b"))
    symlink("x", directory.appending("s"))
    await watcher.drain()
    #expect(Set(witness.events) == [.changed(BytePath("b")), .changed(BytePath("s"))])
    watcher.stop()
  }

  @Test func deliversWithoutBeingAsked() async throws {
    let (directory, watcher, witness) = try makeWatcher()
    watcher.start()
    directory.write("a", "1")
    #expect(await eventually { witness.has(.written(BytePath("a"))) })
    witness.clear()
    link(directory.appending("a"), directory.appending("b"))
    #expect(await eventually { witness.has(.changed(BytePath("b"))) })
    watcher.stop()
  }

  @Test func aBurstOfNewNamesIsToldInFull() async throws {
    let (directory, watcher, witness) = try makeWatcher()
    directory.write("a", "1")
    watcher.start()
    let names = (0..<300).map { "b\($0)" }
    for name in names { link(directory.appending("a"), directory.appending(name)) }
    for name in names { symlink("x", directory.appending("s" + name)) }
    #expect(
      await eventually { names.allSatisfy { witness.covers(BytePath($0)) && witness.covers(BytePath("s" + $0)) } })
    watcher.stop()
  }

  @Test func saveByRenameIsOneMove() async throws {
    let (directory, watcher, witness) = try makeWatcher()
    directory.write("a", "old")
    watcher.start()
    directory.write(".a.tmp", "new")
    rename(directory.appending(".a.tmp"), directory.appending("a"))
    await watcher.drain()
    #expect(witness.events.last == .moved(from: BytePath(".a.tmp"), to: BytePath("a"), isDirectory: false))
    watcher.stop()
  }

  @Test func aFileUnderWritingWaitsForItsEnd() async throws {
    let (directory, watcher, witness) = try makeWatcher { $0.quietMilliseconds = 60_000 }
    watcher.start()
    let file = open(directory.appending("a"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    write(file, "x", 1)
    directory.write("marker", "1")
    #expect(await eventually { witness.has(.written(BytePath("marker"))) })
    #expect(!witness.covers(BytePath("a")))
    close(file)
    #expect(await eventually { witness.has(.written(BytePath("a"))) })
    watcher.stop()
  }

  @Test func aFileThatIsNeverClosedIsHandedOver() async throws {
    let (directory, watcher, witness) = try makeWatcher { $0.quietMilliseconds = 30 }
    watcher.start()
    let file = open(directory.appending("a"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    defer { close(file) }
    write(file, "x", 1)
    #expect(await eventually { witness.has(.written(BytePath("a"))) })
    watcher.stop()
  }

  @Test func aFileWrittenForEverIsHandedOverNowAndThen() async throws {
    let (directory, watcher, witness) = try makeWatcher {
      $0.quietMilliseconds = 60_000
      $0.busyMilliseconds = 50
    }
    watcher.start()
    let file = open(directory.appending("a"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    defer { close(file) }
    #expect(
      await eventually {
        write(file, "x", 1)
        return witness.events.filter { $0 == .written(BytePath("a")) }.count >= 3
      })
    watcher.stop()
  }

  @Test func deepDirectoriesMadeAtOnceAreNotMissed() async throws {
    let (directory, watcher, witness) = try makeWatcher()
    watcher.start()
    var paths: [BytePath] = []
    for round in 0..<50 {
      var path = "r\(round)"
      for level in 0..<8 {
        mkdir(directory.appending(path), 0o755)
        directory.write(path + "/f", "x")
        paths.append(BytePath(path + "/f"))
        path += "/d\(level)"
      }
    }
    await watcher.drain()
    for path in paths { #expect(witness.covers(path), "\(path)") }
    // Every directory is watched by now.
    witness.clear()
    for path in paths { directory.write(path.description, "y") }
    await watcher.drain()
    for path in paths { #expect(witness.has(.written(path)), "\(path)") }
    watcher.stop()
  }

  @Test func directoryRenamesKeepTheirWatches() async throws {
    let (directory, watcher, witness) = try makeWatcher()
    directory.makeDirectory("a/b/c")
    watcher.start()
    rename(directory.appending("a"), directory.appending("z"))
    await watcher.drain()
    #expect(witness.events == [.moved(from: BytePath("a"), to: BytePath("z"), isDirectory: true)])
    witness.clear()
    directory.write("z/b/c/f", "x")
    await watcher.drain()
    #expect(witness.events == [.written(BytePath("z/b/c/f"))])
    watcher.stop()
  }

  @Test func swappedDirectoriesKeepTheirNames() async throws {
    let (directory, watcher, witness) = try makeWatcher()
    directory.makeDirectory("a/x")
    directory.makeDirectory("b/y")
    watcher.start()
    for (from, to) in [("a", "t"), ("b", "a"), ("t", "b")] {
      rename(directory.appending(from), directory.appending(to))
    }
    directory.write("b/x/f", "1")
    directory.write("a/y/g", "1")
    await watcher.drain()
    #expect(witness.has(.written(BytePath("b/x/f"))))
    #expect(witness.has(.written(BytePath("a/y/g"))))
    watcher.stop()
  }

  @Test func directoriesMovedOutAndIn() async throws {
    let (directory, watcher, witness) = try makeWatcher()
    let other = TemporaryDirectory()
    directory.makeDirectory("a/b")
    watcher.start()
    rename(directory.appending("a"), other.appending("a"))
    #expect(await eventually { witness.has(.changed(BytePath("a"))) })
    witness.clear()
    other.write("a/b/outside", "x")
    await watcher.drain()
    #expect(witness.events.isEmpty)
    rename(other.appending("a"), directory.appending("back"))
    await watcher.drain()
    #expect(witness.has(.subtreeChanged(BytePath("back"))))
    witness.clear()
    directory.write("back/b/f", "x")
    await watcher.drain()
    #expect(witness.events == [.written(BytePath("back/b/f"))])
    watcher.stop()
  }

  @Test func deletedAndRecreatedDirectoriesAreWatched() async throws {
    let (directory, watcher, witness) = try makeWatcher()
    watcher.start()
    for round in 0..<30 {
      directory.makeDirectory("d/e")
      directory.write("d/e/f", "x")
      if round % 3 == 0 { await watcher.drain() }
      unlink(directory.appending("d/e/f"))
      rmdir(directory.appending("d/e"))
      rmdir(directory.appending("d"))
    }
    directory.makeDirectory("d/e")
    await watcher.drain()
    witness.clear()
    directory.write("d/e/f", "last")
    await watcher.drain()
    #expect(witness.events == [.written(BytePath("d/e/f"))])
    watcher.stop()
  }

  @Test func ownDirectoryIsNotWatchedButItsAbsenceIsTold() async throws {
    let (directory, watcher, witness) = try makeWatcher()
    directory.makeDirectory(".softadastra/staging")
    watcher.start()
    directory.write(".softadastra/staging/x", "1")
    await watcher.drain()
    #expect(witness.events.isEmpty)
    rename(directory.appending(".softadastra"), directory.appending("elsewhere"))
    await watcher.drain()
    #expect(witness.covers(BytePath(".softadastra")))
    watcher.stop()
  }

  @Test func anOverflowIsReportedAndMissesNothing() async throws {
    let (directory, watcher, witness) = try makeWatcher()
    watcher.start()
    directory.makeDirectory("before")
    await watcher.drain()
    // The reader stands still while three times the kernel's queue happens.
    witness.clear()
    let blocked = await withCheckedContinuation { done in
      witness.gate.withLock { _ in
        directory.write("first", "x")
        for index in 0..<30_000 { link(directory.appending("first"), directory.appending("f\(index)")) }
        rename(directory.appending("before"), directory.appending("after"))
        mkdir(directory.appending("new"), 0o755)
        directory.write("new/g", "x")
        done.resume(returning: true)
      }
    }
    #expect(blocked)
    await watcher.drain()
    #expect(witness.has(.subtreeChanged(.root)))
    witness.clear()
    directory.write("after/x", "1")
    directory.write("new/y", "1")
    await watcher.drain()
    #expect(Set(witness.events) == [.written(BytePath("after/x")), .written(BytePath("new/y"))])
    watcher.stop()
  }

  @Test func aLostRootEndsTheWatcher() async throws {
    for way in 0..<2 {
      let directory = TemporaryDirectory()
      directory.makeDirectory("root")
      let witness = Witness()
      let watcher = try Watcher(root: directory.appending("root")) { witness.take($0) }
      watcher.start()
      if way == 0 {
        rmdir(directory.appending("root"))
      } else {
        rename(directory.appending("root"), directory.appending("moved"))
      }
      #expect(await eventually { witness.events.last == .rootLost }, "\(way)")
      await watcher.drain()
      watcher.stop()
    }
  }

  @Test func directoriesBeyondTheLimitArePolled() async throws {
    let (directory, watcher, witness) = try makeWatcher {
      $0.maxWatches = 3
      $0.pollMilliseconds = 20
    }
    for name in ["a", "b", "c", "d/e"] { directory.makeDirectory(name) }
    watcher.start()
    let limit = try #require(watcher.limit)
    #expect(limit.directoriesPolled == 3)
    #expect(limit.advice.hasPrefix("sysctl fs.inotify.max_user_watches="))
    let polled = { witness.events.filter { if case .subtreeChanged = $0 { true } else { false } } }
    #expect(await eventually { Set(polled()).count == 2 || Set(polled()).count == 3 })
    // A watch that becomes free is used.
    for name in ["a", "b", "c"] { rmdir(directory.appending(name)) }
    #expect(await eventually { watcher.limit == nil })
    witness.clear()
    directory.write("d/e/f", "x")
    await watcher.drain()
    #expect(witness.has(.written(BytePath("d/e/f"))))
    watcher.stop()
  }

  @Test func ignoredDirectoriesTakeNoWatch() async throws {
    let (directory, watcher, witness) = try makeWatcher {
      $0.isIgnored = { $0.name.elementsEqual("node_modules".utf8) }
    }
    directory.makeDirectory("node_modules/x")
    watcher.start()
    directory.write("node_modules/x/f", "1")
    directory.makeDirectory("p/node_modules")
    await watcher.drain()
    directory.write("p/node_modules/f", "1")
    await watcher.drain()
    #expect(
      !witness.events.contains { if case .changed(let path) = $0 { path.name.elementsEqual("f".utf8) } else { false } })
    watcher.stop()
  }

  @Test func aRandomStormEndsWithEveryDirectoryWatched() async throws {
    let (directory, watcher, witness) = try makeWatcher()
    watcher.start()
    var generator = SystemRandomNumberGenerator()
    var directories = [""]
    for step in 0..<3000 {
      let some = directories.randomElement(using: &generator)!
      switch Int.random(in: 0..<6, using: &generator) {
      case 0, 1:
        if mkdir(directory.appending(some + "/d\(step)"), 0o755) == 0 { directories.append(some + "/d\(step)") }
      case 2:
        let target = directories.randomElement(using: &generator)! + "/m\(step)"
        guard !some.isEmpty, rename(directory.appending(some), directory.appending(target)) == 0 else { continue }
        directories = directories.map {
          $0 == some || $0.hasPrefix(some + "/") ? target + $0.dropFirst(some.count) : $0
        }
      case 3:
        if !some.isEmpty, rmdir(directory.appending(some)) == 0 { directories.removeAll { $0 == some } }
      default:
        close(open(directory.appending(some + "/f\(step % 50)"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
      }
    }
    await watcher.drain()
    witness.clear()
    for name in directories { directory.write(name + "/probe", "x") }
    await watcher.drain()
    for name in directories { #expect(witness.covers(BytePath(String((name + "/probe").dropFirst()))), "\(name)") }
    watcher.stop()
  }
}
