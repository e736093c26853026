internal import SoftadastraCore

extension DiskFile {
  func write(at offset: UInt64, _ bytes: [UInt8]) throws(SoftadastraError) {
    let result = bytes.withUnsafeBytes { bytes -> Result<Void, SoftadastraError> in
      do throws(SoftadastraError) { return .success(try write(at: offset, bytes)) } catch { return .failure(error) }
    }
    try result.get()
  }

  /// Fewer bytes than asked only at the end of the file.
  func read(at offset: UInt64, count: Int) throws(SoftadastraError) -> [UInt8] {
    var result: Result<Int, SoftadastraError> = .success(0)
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(SoftadastraError) {
        filled = try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
      } catch {
        filled = 0
        result = .failure(error)
      }
    }
    _ = try result.get()
    return bytes
  }
}
