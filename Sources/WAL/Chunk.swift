internal import SoftadastraCore

/// Encoded records that lie one behind the other in one segment, on their way to the disk.
///
/// Appended to under the log's lock; the writer then completes the heads. Payloads never change, so that they may be
/// read under the lock at any time until the chunk is dropped.
final class Chunk: @unchecked Sendable {
  /// Above this, the next batch starts another chunk.
  static let targetBytes = 1 << 20
  private static let firstBytes = 4 << 10

  /// The segment that was planned for it.
  let segment: UInt64
  let offset: Int
  let first: UInt64
  private(set) var last: UInt64
  private(set) var count = 0
  private(set) var memory: UnsafeMutableRawBufferPointer
  private var heads: [Int] = []

  init(segment: UInt64, offset: Int, first: UInt64, capacity: Int) {
    self.segment = segment
    self.offset = offset
    self.first = first
    last = first - 1
    memory = .allocate(byteCount: max(capacity, Self.firstBytes), alignment: 16)
  }

  deinit { memory.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }
  var end: Int { offset + count }

  func append(_ payload: [UInt8], kind: UInt8, sequence: UInt64, continues: Bool) {
    let total = RecordHeader.byteCount + payload.count
    reserve(count + total)
    let head = RecordHeader(
      length: UInt32(payload.count), mark: 0, sequence: sequence, group: 0, kind: kind,
      flags: continues ? RecordHeader.continuesFlag : 0)
    head.write(to: memory.baseAddress! + count)
    payload.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(rebasing: memory[(count + RecordHeader.byteCount)..<(count + total)])
        .copyMemory(from: $0)
    }
    heads.append(count)
    count += total
    last = sequence
  }

  /// Completes every head for the segment and group that the writer chose.
  func seal(mark: UInt32, group: UInt64) {
    for (index, head) in heads.enumerated() {
      let next = index + 1 < heads.count ? heads[index + 1] : count
      RecordHeader.seal(memory.baseAddress! + head, total: next - head, mark: mark, group: group)
    }
  }

  /// The payload of one of its records.
  func payload(_ position: WALPosition) -> [UInt8]? {
    let at = Int(position.offset) - offset + RecordHeader.byteCount
    guard position.sequence >= first, position.sequence <= last, at >= RecordHeader.byteCount,
      at + Int(position.length) <= count
    else { return nil }
    return Array(memory[at..<at + Int(position.length)])
  }

  private func reserve(_ needed: Int) {
    guard needed > memory.count else { return }
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(needed, memory.count * 2), alignment: 16)
    larger.copyMemory(from: bytes)
    memory.deallocate()
    memory = larger
  }
}
