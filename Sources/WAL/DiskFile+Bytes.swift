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

/// Files with bad spots.
extension DiskFile {
  private var pieceBytes: Int { 4096 }
  /// A disk that loses more at once has not aged: it may be back at the next attempt.
  private var maxLostBytes: Int { 1 << 20 }

  /// Reads the file's first bytes, with zeros for those that the disk cannot read any more. Fails with `.device` if these are
  /// many.
  func readSurviving(
    into buffer: UnsafeMutableRawBufferPointer
  ) throws(SoftadastraError) -> (count: Int, isWhole: Bool) {
    let failure: SoftadastraError
    do throws(SoftadastraError) { return (try read(at: 0, into: buffer), true) } catch { failure = error }
    guard failure.code == .device else { throw failure }
    var lost = 0
    for start in stride(from: 0, to: buffer.count, by: pieceBytes) {
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<min(start + pieceBytes, buffer.count)])
      do throws(SoftadastraError) {
        guard try read(at: UInt64(start), into: piece) == piece.count else { throw failure }
      } catch {
        guard error.code == .device else { throw error }
        piece.initializeMemory(as: UInt8.self, repeating: 0)
        lost += piece.count
        if lost > maxLostBytes { throw failure }
      }
    }
    return (buffer.count, lost == 0)
  }

  func readSurviving(count: Int) throws(SoftadastraError) -> (bytes: [UInt8], isWhole: Bool) {
    var result: Result<Bool, SoftadastraError> = .success(true)
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(SoftadastraError) {
        let (count, isWhole) = try readSurviving(into: UnsafeMutableRawBufferPointer(buffer))
        (filled, result) = (count, .success(isWhole))
      } catch { (filled, result) = (0, .failure(error)) }
    }
    return (bytes, try result.get())
  }
}
