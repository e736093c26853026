import Benchmark
import CYardsticks
import Dispatch
import Foundation
import Glibc
import SoftadastraCore
import SoftadastraFS
import Synchronization
import Yardsticks

/// Looking at a folder, beside `find` and a bare inotify descriptor.
enum FolderRaces {
  static let directories = 200
  static let filesEach = 100
  static let saves = 3000

  static var all: [Race] {
    [
      Race("scan", against: "find", in: "files") {
        let scratch = try ScratchDirectory("scan")
        try makeTree(scratch.path)
        let volume = try LinuxVolume(root: scratch.path)
        let seen = Mutex(0)
        return (
          scratch.kept {
            try Rate.of(directories * filesEach) {
              try Scanner.scan(volume) { directory in
                if case .listed(let items, _) = directory.outcome { seen.withLock { $0 += items.count } }
              }
            }
          },
          {
            // A size makes it look at every file, as a scan does.
            try Rate.of(directories * filesEach) { try run("/usr/bin/find", scratch.path, "-size", "+1G") }
          }
        )
      },
      Race("inotify drain", against: "read of a bare descriptor", in: "saves") {
        let scratch = try ScratchDirectory("watch")
        return (scratch.kept { try drainWatcher(scratch.path) }, { try drainDescriptor(scratch.path) })
      },
    ]
  }

  private static func makeTree(_ root: String) throws {
    for directory in 0..<directories {
      let path = "\(root)/d\(directory)"
      mkdir(path, 0o755)
      for file in 0..<filesEach { try write("\(path)/file-\(file).txt") }
    }
  }

  private static func write(_ path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else { throw YardstickError("cannot write \(path)") }
    Glibc.write(descriptor, "content\n", 8)
    close(descriptor)
  }

  private static func run(_ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: arguments[0])
    process.arguments = Array(arguments.dropFirst())
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw YardstickError("\(arguments[0]) failed") }
  }

  /// Fills the kernel's queue while the watcher is held in a delivery, then times how long it takes to hand all over.
  private static func drainWatcher(_ root: String) throws -> Rate {
    let isHeld = DispatchSemaphore(value: 0)
    let go = DispatchSemaphore(value: 0)
    let first = Mutex(true)
    let watcher = try Watcher(root: root) { _ in
      guard
        first.withLock({ was in
          defer { was = false }; return was
        })
      else { return }
      isHeld.signal()
      go.wait()
    }
    watcher.start()
    defer { watcher.stop() }
    try write(root + "/first")
    isHeld.wait()
    for number in 0..<saves { try write("\(root)/f\(number)") }
    return Rate.of(saves) {
      go.signal()
      let drained = DispatchSemaphore(value: 0)
      Task {
        await watcher.drain()
        drained.signal()
      }
      drained.wait()
    }
  }

  private static func drainDescriptor(_ root: String) throws -> Rate {
    let descriptor = inotify_init1(0)
    guard descriptor >= 0 else { throw YardstickError("no inotify") }
    defer { close(descriptor) }
    let events = UInt32(IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVE | IN_DELETE | IN_ATTRIB)
    guard inotify_add_watch(descriptor, root, events) >= 0 else { throw YardstickError("no watch") }
    for number in 0..<saves { try write("\(root)/f\(number)") }
    return Rate.of(saves) {
      var buffer = [UInt8](repeating: 0, count: 64 << 10)
      var waiting: Int32 = 1
      while ioctl(descriptor, UInt(FIONREAD), &waiting) == 0, waiting > 0 { read(descriptor, &buffer, buffer.count) }
    }
  }
}
