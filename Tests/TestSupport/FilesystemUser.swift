public import Glibc
public import SoftadastraCore
public import SoftadastraFS

/// Runs the closure, on this thread, as somebody whom permissions stop; root is stopped by none.
///
/// - Parameter user: whose files these are; for a test that is not run by root they are its own.
public func asUser(_ user: uid_t = 65534, _ body: () throws -> Void) throws {
  guard geteuid() == 0 else { return try body() }
  typealias SetUser = @convention(c) (uid_t) -> Int32
  let setUser = unsafeBitCast(dlsym(nil, "setfsuid")!, to: SetUser.self)
  _ = setUser(user)
  defer { _ = setUser(0) }
  try body()
}

/// A folder of that somebody, with a directory in it that is read-only for its owner.
public func readOnlyDirectory(_ place: BytePath, in directory: TemporaryDirectory) throws -> LinuxVolume {
  chown(directory.path, geteuid() == 0 ? 65534 : geteuid(), getegid())
  let volume = try LinuxVolume(root: directory.path)
  try asUser {
    try volume.prepareStaging()
    _ = try volume.makeDirectory(place, permissions: 0o555)
  }
  return volume
}
