internal import CLinux
internal import Glibc
internal import SoftadastraCore

/// The control socket's place in the home, and a path to it that the kernel accepts.
///
/// A socket address holds 107 bytes of path. A home may lie deeper: then the address goes through a descriptor of the
/// directory, `/proc/self/fd/N/socket`, which stays open as long as this object.
final class ControlSocket: Sendable {
  static let maxPathBytes = 107
  static let name = "socket"

  let path: String
  private let directory: Int32?

  /// Opens the existing directory. `.notFound` where there is none: no node ever ran here.
  init(_ home: Home) throws(SoftadastraError) {
    if home.controlSocket.utf8.count <= Self.maxPathBytes {
      path = home.controlSocket
      directory = nil
      return
    }
    let descriptor = linux_openat(
      AT_FDCWD, home.controlDirectory, linux_o_path | linux_o_directory | Int32(O_CLOEXEC), 0)
    guard descriptor >= 0 else {
      throw .system(-descriptor, "cannot open", at: BytePath.escape(home.controlDirectory.utf8))
    }
    directory = descriptor
    path = "/proc/self/fd/\(descriptor)/\(Self.name)"
  }

  deinit {
    if let directory { close(directory) }
  }

  /// Makes the directory, for this user only, and removes the socket a dead node left behind.
  ///
  /// Only for the process that holds the node's lock: nobody else can know that the socket is stale.
  static func prepare(_ home: Home) throws(SoftadastraError) {
    let place = BytePath.escape(home.controlDirectory.utf8)
    guard mkdir(home.controlDirectory, 0o700) == 0 || errno == EEXIST else {
      throw .system(errno, "cannot create", at: place)
    }
    guard chmod(home.controlDirectory, 0o700) == 0 else { throw .system(errno, "cannot protect", at: place) }
    guard unlink(home.controlSocket) == 0 || errno == ENOENT else {
      throw .system(errno, "cannot replace", at: BytePath.escape(home.controlSocket.utf8))
    }
  }

  func protect() { chmod(path, 0o600) }

  func remove() { unlink(path) }
}
