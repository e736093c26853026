import Benchmark
import Glibc
import SoftadastraCore
import SoftadastraWAL
import Yardsticks

/// The log beside bare system calls on a file that is filled already: what the disk allows.
enum LogRaces {
  static let batchSize = 1000
  static let batches = 20
  static let singles = 100
  static let replayed = 200_000
  static let payload = [UInt8](repeating: 0x5A, count: 120)
  static let recordBytes = 156

  static var all: [Race] {
    [
      Race("wal append, one", against: "pwrite and fdatasync", in: "records") {
        let scratch = try ScratchDirectory("wal")
        let log = try open(scratch.directory("log"))
        let bare = try BareFile(scratch.path + "/bare")
        return (
          scratch.kept {
            try Rate.of(singles) {
              for _ in 0..<singles {
                try log.waitBlocking(for: log.enqueue([(kind: 1, bytes: payload)], wakesWriter: false))
              }
            }
          }, { try Rate.of(singles) { for _ in 0..<singles { try bare.append(recordBytes) } } }
        )
      },
      Race("wal append, 1,000", against: "pwrite and fdatasync", in: "records") {
        let scratch = try ScratchDirectory("wal")
        let log = try open(scratch.directory("log"))
        let bare = try BareFile(scratch.path + "/bare")
        let batch = [(kind: UInt8, bytes: [UInt8])](repeating: (1, payload), count: batchSize)
        return (
          scratch.kept {
            try Rate.of(batches * batchSize) {
              for _ in 0..<batches { try log.waitBlocking(for: log.enqueue(batch, wakesWriter: false)) }
            }
          },
          { try Rate.of(batches * batchSize) { for _ in 0..<batches { try bare.append(recordBytes * batchSize) } } }
        )
      },
      Race("wal replay", against: "pread of the same bytes", in: "records") {
        let scratch = try ScratchDirectory("wal")
        let directory = try scratch.directory("log")
        let log = try open(directory)
        let batch = [(kind: UInt8, bytes: [UInt8])](repeating: (1, payload), count: batchSize)
        for _ in 0..<replayed / batchSize { try log.waitBlocking(for: log.enqueue(batch)) }
        log.closeBlocking()
        let bare = try BareFile(scratch.path + "/bare")
        return (
          scratch.kept {
            try Rate.of(replayed) {
              var count = 0
              let log = try WriteAheadLog.open(disk: try SystemDisk(path: directory), random: SystemRandom()) {
                count += Int($0.payload.count)
              }
              log.closeBlocking()
              guard count == replayed * payload.count else { throw YardstickError("the replay lost something") }
            }
          }, { try Rate.of(replayed) { try bare.read(replayed * recordBytes) } }
        )
      },
    ]
  }

  private static func open(_ directory: String) throws -> WriteAheadLog {
    try WriteAheadLog.open(disk: try SystemDisk(path: directory), random: SystemRandom()) { _ in }
  }
}

/// A file of zeros that is written from its start to its end, again and again.
final class BareFile {
  private static let totalBytes = 64 << 20
  private let descriptor: Int32
  private var at = 0
  private var buffer: [UInt8]

  init(_ path: String) throws {
    descriptor = Glibc.open(path, O_RDWR | O_CREAT, 0o600)
    buffer = [UInt8](repeating: 0, count: Self.totalBytes)
    guard pwrite(descriptor, buffer, buffer.count, 0) == buffer.count, fsync(descriptor) == 0 else {
      throw YardstickError("cannot write \(path)")
    }
  }

  deinit { close(descriptor) }

  func append(_ count: Int) throws {
    if at + count > Self.totalBytes { at = 0 }
    guard pwrite(descriptor, buffer, count, off_t(at)) == count, fdatasync(descriptor) == 0 else {
      throw YardstickError("cannot write")
    }
    at += count
  }

  func read(_ count: Int) throws {
    var done = 0
    while done < count {
      let wanted = min(1 << 20, count - done)
      guard pread(descriptor, &buffer, wanted, off_t(done % (Self.totalBytes - wanted))) == wanted else {
        throw YardstickError("cannot read")
      }
      done += wanted
    }
  }
}
