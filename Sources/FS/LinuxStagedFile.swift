internal import CLinux
internal import Glibc
internal import SoftadastraCore
internal import Synchronization

/// A file in the making: unnamed (O_TMPFILE), or under a name in the staging area.
final class LinuxStagedFile: StagedFile {
  enum Place {
    case unnamed
    /// Under this name in the staging area; removed with the last reference unless it is kept.
    case staged(String, isKept: Bool)
    /// Part of the folder.
    case placed
  }

  let descriptor: Descriptor
  private let path: BytePath
  /// Made when an error is, not for every file.
  var location: String { volume.describe(path) }
  let place: Mutex<Place>
  private struct Known {
    /// How far this object has written.
    var end: UInt64 = 0
    /// Of a new file, as far as they are known; nil for one that was there before.
    var permissions: UInt16?
    /// As the finished file is to have them.
    var wantedPermissions: UInt16?
  }

  /// Whoever waits for another's write sleeps: the kernel would have it spin on the file's own lock.
  private let known: Mutex<Known>
  /// Keeps the volume, and with it the root, for the removal at the end.
  private let volume: LinuxVolume

  init(
    _ descriptor: consuming Descriptor, _ place: Place, of volume: LinuxVolume, at path: BytePath,
    permissions: UInt16? = nil
  ) {
    self.descriptor = descriptor
    known = Mutex(Known(permissions: permissions))
    self.place = Mutex(place)
    self.volume = volume
    self.path = path
  }

  deinit {
    if case .staged(let name, isKept: false) = place.withLock({ $0 }) { try? volume.removeStaged(name) }
  }

  func status() throws(SoftadastraError) -> FileStatus {
    var raw = linux_status()
    let result = linux_fstat(descriptor.number, &raw)
    guard result == 0 else { throw .system(-result, "cannot look at", at: location) }
    return FileStatus(raw)
  }

  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(SoftadastraError) {
    try known.withLock { known throws(SoftadastraError) in
      try FileTransfer.write(descriptor.number, at: offset, bytes, location)
      if !bytes.isEmpty { known.end = max(known.end, offset + UInt64(bytes.count)) }
    }
  }

  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(SoftadastraError) -> Int {
    try FileTransfer.read(descriptor.number, at: offset, into: buffer, location)
  }

  private static let copyBufferBytes = 256 << 10

  func copy(from source: any ReadableFile, at sourceOffset: UInt64, to offset: UInt64, count: UInt64)
    throws(SoftadastraError)
  {
    var done: UInt64 = 0
    if let file = source as? LinuxFile {
      while done < count {
        guard let from = Int64(exactly: sourceOffset + done), let to = Int64(exactly: offset + done) else {
          throw .system(EFBIG, "cannot copy to", at: location)
        }
        let step = Int(min(count - done, 1 << 30))
        let copied = linux_copy_range(file.descriptor.number, from, descriptor.number, to, step)
        if copied == -Int64(EINTR) { continue }
        // 0 is the end of the source, but some filesystems also answer so where they cannot copy: the loop below tells.
        if copied == 0 || [EXDEV, EOPNOTSUPP, ENOSYS, EINVAL, EPERM].contains(Int32(-copied)) { break }
        guard copied > 0 else { throw .system(Int32(-copied), "cannot copy to", at: location) }
        done += UInt64(copied)
      }
      if done > 0 { known.withLock { $0.end = max($0.end, offset + done) } }
    }
    guard done < count else { return }
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Int(min(count - done, UInt64(Self.copyBufferBytes))), alignment: 16)
    defer { buffer.deallocate() }
    while done < count {
      let step = Int(min(UInt64(buffer.count), count - done))
      let got = try source.read(at: sourceOffset + done, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<step]))
      guard got > 0 else {
        throw SoftadastraError(.changed, "cannot copy to", at: location, why: "the source became shorter")
      }
      try write(at: offset + done, UnsafeRawBufferPointer(rebasing: buffer[..<got]))
      done += UInt64(got)
    }
  }

  func finish(size: UInt64, permissions: UInt16, modifiedNanoseconds: Int64) throws(SoftadastraError) {
    // A small new file is mostly known to be right already.
    let permissions = permissions & 0o777
    let isRight = known.withLock { known in
      known.wantedPermissions = permissions
      return known.permissions == permissions && known.end == size
    }
    if !isRight {
      try adjust(size: size, permissions: permissions)
      known.withLock { ($0.permissions, $0.wantedPermissions) = (nil, nil) }
    }
    let result = linux_set_modified(descriptor.number, modifiedNanoseconds)
    guard result == 0 else { throw .system(-result, "cannot set the time of", at: location) }
  }

  /// One look saves two journalled changes where size and mode are right already.
  private func adjust(size: UInt64, permissions: UInt16) throws(SoftadastraError) {
    guard let length = Int64(exactly: size) else { throw .system(EFBIG, "cannot resize", at: location) }
    let now = try status()
    if now.size != size {
      let result = linux_truncate(descriptor.number, length)
      guard result == 0 else { throw .system(-result, "cannot resize", at: location) }
    }
    if now.mode != permissions { try setPermissions(permissions) }
  }

  private func setPermissions(_ permissions: UInt16) throws(SoftadastraError) {
    guard volume.heldAttributes.permissions else { return }
    guard fchmod(descriptor.number, mode_t(permissions)) == 0 else {
      throw .system(errno, "cannot set permissions of", at: location)
    }
  }

  /// What is in the folder now. Its mode is put right, where that is possible, if nobody looked at it before and the staging
  /// area has got a default access list meanwhile, which takes bits from new files.
  func placed() throws(SoftadastraError) -> FileStatus {
    place.withLock { $0 = .placed }
    let now = try status()
    guard let wanted = known.withLock({ $0.wantedPermissions }), now.mode != wanted,
      (try? setPermissions(wanted)) != nil
    else { return now }
    return try status()
  }

  func sync() throws(SoftadastraError) {
    let result = linux_datasync(descriptor.number)
    guard result == 0 else { throw .system(-result, "cannot sync", at: location) }
  }

  func beginWriteback() { linux_begin_writeback(descriptor.number) }
}
