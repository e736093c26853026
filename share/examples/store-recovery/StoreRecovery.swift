import SoftadastraCore
import SoftadastraStore
import SoftadastraWAL

/// A store over a log on disk: what a commit returned for is there after opening it again.
@main
struct StoreRecovery {
  static func main() async throws {
    let directory = "/tmp/softadastra-example-\(SystemRandom().next())"
    func open() throws -> Store {
      try Store.open(
        disk: try SystemDisk(path: directory), options: StoreOptions(), time: SystemTime(), random: SystemRandom())
    }
    let key = Array("city".utf8)
    let first = try open()
    let version = first.newVersion(basedOn: VersionVector(), author: AuthorTag(rawValue: 1))
    try await first.wait(try first.commit([.put(key: key, value: Array("Kampala".utf8), version: version)]))
    await first.close()

    let second = try open()
    guard let entry = try second.get(key) else { fatalError("the value is gone") }
    precondition(entry.version == version)
    print("after opening again:", String(decoding: entry.value, as: UTF8.self), "version", version.dot)
    await second.close()
    print("the log lies in", directory)
  }
}
