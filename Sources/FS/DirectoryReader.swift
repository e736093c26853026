internal import CLinux
internal import Glibc

/// Reads the names of an open directory with getdents64.
///
/// | offset | size | field of one record |
/// | 0 | 8 | inode |
/// | 8 | 8 | offset of the next |
/// | 16 | 2 | length of the record |
/// | 18 | 1 | type, 0 where the filesystem does not tell |
/// | 19 | – | name, NUL-terminated |
enum DirectoryReader {
  private static let bufferBytes = 32 << 10
  private static let nameOffset = 19

  /// Calls `body` with each name but `.` and `..`: as a C string, its S_IFMT bits (0 if unknown), its bytes.
  /// Stops where `body` returns false. Returns 0, or -errno of a listing that failed midway.
  static func forEachName(
    _ directory: Int32, _ body: (UnsafePointer<CChar>, UInt32, UnsafeRawBufferPointer) -> Bool
  ) -> Int32 {
    withUnsafeTemporaryAllocation(byteCount: bufferBytes, alignment: 8) { buffer in
      while true {
        let filled = linux_getdents(directory, buffer.baseAddress, buffer.count)
        if filled == 0 { return 0 }
        if filled < 0 { return Int32(filled) }
        var at = 0
        while at < Int(filled) {
          let length = Int(buffer.loadUnaligned(fromByteOffset: at + 16, as: UInt16.self))
          let start = buffer.baseAddress! + at + nameOffset
          let name = start.assumingMemoryBound(to: CChar.self)
          let count = strlen(name)
          let kind = linux_dirent_kind(buffer[at + 18])
          at += length
          if name[0] == 0x2E, count == 1 || (count == 2 && name[1] == 0x2E) { continue }
          guard body(name, kind, UnsafeRawBufferPointer(start: start, count: count)) else { return 0 }
        }
      }
    }
  }
}
