internal import FoundationEssentials
internal import Glibc
internal import SoftadastraCore
internal import SoftadastraNode
internal import Synchronization

/// One of the demo's two machines: a home, a folder, and a process while it runs.
final class DemoNode: Sendable {
  /// The first line of `watch --json`.
  struct Ready: Decodable, Sendable {
    var nodeID: String
    var address: String
    var invite: String?
  }

  static let startPatience = Duration.seconds(20)
  static let stopPatience = Duration.seconds(15)

  let name: String
  let directory: String
  var folder: String { "\(directory)/Shared" }
  var home: Home { Home(path: "\(directory)/home") }
  private var errorLog: String { "\(directory)/errors.log" }
  private let process = Mutex<ChildProcess?>(nil)

  init(name: String, below root: String) throws {
    self.name = name
    directory = "\(root)/\(name)"
    for path in [directory, folder] {
      guard mkdir(path, 0o700) == 0 else { throw SoftadastraError.system(errno, "cannot create", at: path) }
    }
  }

  /// Returns once it listens.
  func start(_ arguments: [String]) async throws -> Ready {
    var environment = Environment.all.filter { !$0.key.hasPrefix("SOFTADASTRA_") }
    environment["SOFTADASTRA_NAME"] = name
    let child = try ChildProcess(
      Self.executable,
      ["watch", folder, "--home", home.path, "--listen", "127.0.0.1:0", "--no-discovery", "--json"] + arguments,
      environment: environment, errorLog: errorLog)
    process.withLock { $0 = child }
    let ready = await withTaskGroup(of: Ready?.self) { group in
      group.addTask {
        for await line in child.lines {
          return try? JSONDecoder().decode(Ready.self, from: Data(line.utf8))
        }
        return nil
      }
      group.addTask {
        try? await Task.sleep(for: Self.startPatience)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
    guard let ready else { throw CommandFailure("\(name) did not start: \(lastError)") }
    return ready
  }

  func stop() async {
    guard let child = process.withLock({ $0.take() }) else { return }
    await child.end(Self.stopPatience)
  }

  var client: ControlClient { ControlClient(home: home) }

  /// The last line of its stderr, for the message of a failed step.
  var lastError: String {
    guard let data = FileContent.read(errorLog) else { return "it said nothing" }
    let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
    return lines.last { !$0.hasPrefix("hint:") }.map(String.init) ?? "it said nothing"
  }

  private static var executable: String { (try? FileContent.link("/proc/self/exe")) ?? CommandLine.arguments[0] }
}

/// Whole small files, for the demo.
enum FileContent {
  static func read(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count <= 0 { return count == 0 ? bytes : nil }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  static func write(_ path: String, _ text: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SoftadastraError.system(errno, "cannot write", at: path) }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
      throw SoftadastraError.system(errno, "cannot write", at: path)
    }
  }

  static func link(_ path: String) throws -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = readlink(path, &buffer, buffer.count)
    guard count >= 0 else { throw SoftadastraError.system(errno, "cannot read", at: path) }
    return String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// Name → content of the regular files in a directory, without the folder's marker.
  static func all(_ directory: String) -> [String: [UInt8]] {
    guard let stream = opendir(directory) else { return [:] }
    defer { closedir(stream) }
    var found: [String: [UInt8]] = [:]
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasPrefix(".") { continue }
      if let content = read("\(directory)/\(name)") { found[name] = content }
    }
    return found
  }
}
