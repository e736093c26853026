import Foundation
import SoftadastraCore
import Synchronization

/// A new directory that goes when the test process ends: a volume may outlive the last use of this object.
public final class TemporaryDirectory: Sendable {
  public let path: String

  public init(_ prefix: String = "softadastra-test") {
    var template = Array("/var/tmp/\(prefix)-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("mkdtemp: \(errno)") }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    _ = Self.atEnd
    Self.created.withLock { $0.append(path) }
  }

  private static let created = Mutex<[String]>([])

  private static let atEnd: Void = {
    atexit {
      for path in TemporaryDirectory.created.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) }
    }
  }()

  public func appending(_ name: String) -> String { path + "/" + name }

  public func write(_ name: String, _ text: String) { write(name, Array(text.utf8)) }

  public func write(_ name: String, _ bytes: [UInt8]) {
    let file = open(appending(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { fatalError("open \(name): \(errno)") }
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { Foundation.write(file, $0.baseAddress!, $0.count) }
      guard count > 0 else { fatalError("write \(name): \(errno)") }
      done += count
    }
    close(file)
  }

  public func read(_ name: String) -> [UInt8]? {
    FileManager.default.contents(atPath: appending(name)).map { Array($0) }
  }

  public func makeDirectory(_ name: String) {
    try? FileManager.default.createDirectory(atPath: appending(name), withIntermediateDirectories: true)
  }
}

/// Polls until the condition holds or the deadline passes; returns whether it held.
public func eventually(within seconds: Double = 5, _ condition: () -> Bool) async -> Bool {
  let end = ContinuousClock.now + .seconds(seconds)
  while !condition() {
    if ContinuousClock.now > end { return false }
    try? await Task.sleep(for: .milliseconds(1))
  }
  return true
}
