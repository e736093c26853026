internal import Foundation

/// A directory that is gone with its last reference. Below `$TMPDIR`, which must lie on the disk to be measured.
public final class ScratchDirectory {
  public let path: String

  public init(_ purpose: String) throws {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp"
    var template = Array("\(base)/softadastra-\(purpose)-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw YardstickError("cannot make a directory in \(base)") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  public func directory(_ name: String) throws -> String {
    let made = path + "/" + name
    guard mkdir(made, 0o700) == 0 else { throw YardstickError("cannot make \(made)") }
    return made
  }

  /// The closure, with this directory kept for as long as it is.
  public func kept<R>(_ body: @escaping () throws -> R) -> () throws -> R {
    { try withExtendedLifetime(self) { try body() } }
  }
}
