internal import CLinux
internal import Glibc
internal import SoftadastraCore

/// A regular file opened for reading.
final class LinuxFile: ReadableFile {
  let descriptor: Descriptor
  private let volume: LinuxVolume
  private let path: BytePath
  let statusWhenOpened: FileStatus
  /// Made when an error is, not for every file.
  var location: String { volume.describe(path) }

  init(_ descriptor: consuming Descriptor, _ status: FileStatus, of volume: LinuxVolume, at path: BytePath) {
    self.descriptor = descriptor
    statusWhenOpened = status
    self.volume = volume
    self.path = path
  }

  func status() throws(SoftadastraError) -> FileStatus {
    var raw = linux_status()
    let result = linux_fstat(descriptor.number, &raw)
    guard result == 0 else { throw .system(-result, "cannot look at", at: location) }
    return FileStatus(raw)
  }

  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(SoftadastraError) -> Int {
    try FileTransfer.read(descriptor.number, at: offset, into: buffer, location)
  }

  func nextData(from offset: UInt64) throws(SoftadastraError) -> Range<UInt64>? {
    guard let position = Int64(exactly: offset) else { return nil }
    let start = linux_seek_data(descriptor.number, position)
    if start == -Int64(ENXIO) { return nil }
    guard start >= 0 else { throw .system(Int32(-start), "cannot find data in", at: location) }
    let end = linux_seek_hole(descriptor.number, start)
    // The file shrank between the two calls.
    if end == -Int64(ENXIO) { return nil }
    guard end >= start else { throw .system(Int32(-end), "cannot find data in", at: location) }
    return UInt64(start)..<UInt64(end)
  }
}

/// Whole reads, writes and copies out of the kernel's partial ones.
enum FileTransfer {
  static func read(
    _ descriptor: Int32, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer,
    _ location: @autoclosure () -> String
  ) throws(SoftadastraError) -> Int {
    guard Int64(exactly: offset) != nil else { return 0 }
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = linux_pread(descriptor, rest.baseAddress, rest.count, Int64(offset) + Int64(done))
      if count == 0 { break }
      if count == -Int64(EINTR) { continue }
      guard count > 0 else { throw .system(Int32(-count), "cannot read", at: location()) }
      done += Int(count)
    }
    return done
  }

  static func write(
    _ descriptor: Int32, at offset: UInt64, _ bytes: UnsafeRawBufferPointer,
    _ location: @autoclosure () -> String
  )
    throws(SoftadastraError)
  {
    let (end, overflow) = offset.addingReportingOverflow(UInt64(bytes.count))
    guard !overflow, end <= UInt64(Int64.max) else { throw .system(EFBIG, "cannot write", at: location()) }
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = linux_pwrite(descriptor, rest.baseAddress, rest.count, Int64(offset) + Int64(done))
      if count == -Int64(EINTR) { continue }
      guard count > 0 else { throw .system(count == 0 ? EIO : Int32(-count), "cannot write", at: location()) }
      done += Int(count)
    }
  }
}
