import SoftadastraCore
import SoftadastraWAL

/// A log: records are appended durably, and replayed in order at the next opening.
@main
struct WALWriteRead {
  static func main() async throws {
    let directory = "/tmp/softadastra-example-\(SystemRandom().next())"
    let disk = try SystemDisk(path: directory)
    let texts = ["first", "second", "third"]
    let log = try WriteAheadLog.open(disk: disk, options: WALOptions(), random: SystemRandom()) { _ in }
    let ticket = try log.enqueue(texts.map { (kind: 1, bytes: Array($0.utf8)) })
    try await log.wait(for: ticket)
    await log.close()

    var replayed: [String] = []
    let again = try WriteAheadLog.open(disk: disk, options: WALOptions(), random: SystemRandom()) { record in
      replayed.append(String(decoding: record.payload, as: UTF8.self))
    }
    precondition(replayed == texts)
    print("replayed:", replayed, "up to sequence", again.lastSequence)
    await again.close()
  }
}
