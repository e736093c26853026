internal import Glibc

/// The machine that a node runs on.
public struct PlatformInfo: Sendable, Hashable {
  /// `PRETTY_NAME` of `/etc/os-release`, such as `Debian GNU/Linux 13 (trixie)`; else the kernel's name.
  public var system: String
  /// Such as `Linux 6.12.9`.
  public var kernel: String
  /// Such as `x86_64`.
  public var architecture: String
  public var hostname: String

  public init(system: String, kernel: String, architecture: String, hostname: String) {
    self.system = NodeMetadata.cleaned(system)
    self.kernel = NodeMetadata.cleaned(kernel)
    self.architecture = NodeMetadata.cleaned(architecture)
    self.hostname = NodeMetadata.cleaned(hostname)
  }

  /// Asks the kernel and reads `/etc/os-release`. What cannot be learnt is `unknown`. Costs two system calls and a small
  /// file: once at start is enough.
  public static func collect() -> PlatformInfo {
    var names = utsname()
    guard uname(&names) == 0 else {
      return PlatformInfo(system: "unknown", kernel: "unknown", architecture: "unknown", hostname: "unknown")
    }
    let kernel = text(of: names.sysname)
    let system = release(from: read("/etc/os-release") ?? read("/usr/lib/os-release") ?? "") ?? kernel
    return PlatformInfo(
      system: system, kernel: "\(kernel) \(text(of: names.release))", architecture: text(of: names.machine),
      hostname: text(of: names.nodename))
  }

  /// The value of `PRETTY_NAME`, unquoted; nil where there is none.
  static func release(from text: String) -> String? {
    for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("PRETTY_NAME=") {
      var value = line.dropFirst("PRETTY_NAME=".count)
      if let quote = value.first, quote == "\"" || quote == "'", value.count >= 2, value.last == quote {
        value = value.dropFirst().dropLast()
      }
      return value.isEmpty ? nil : String(value)
    }
    return nil
  }

  private static let maxReleaseBytes = 16 << 10

  private static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: maxReleaseBytes)
    let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  private static func text<T>(of field: T) -> String {
    withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
