internal import SoftadastraCore
internal import SoftadastraWAL

// The checkpoint: the index as a file, so that opening costs what changed since and not what ever happened.
//
// The file `checkpoint` is a sequence of blocks:
//
// | offset | bytes | field    | meaning                             |
// | ------ | ----- | -------- | ----------------------------------- |
// | 0      | 8     | checksum | XXH3-64 of kind, length and payload |
// | 8      | 4     | kind     | 1: head, 2: entries, 3: end         |
// | 12     | 4     | length   | of the payload                      |
// | 16     | n     | payload  |                                     |
//
// | block   | payload                                                                                              |
// | ------- | ---------------------------------------------------------------------------------------------------- |
// | head    | magic u64, replay sequence u64, replay offset u32, replica u64 and its record's sequence u64,        |
// |         | counter u64 and its record's sequence u64, stamp u64, rule for sums u8 (0: none), segments (count    |
// |         | varint, then first u64 and incarnation u64 each)                                                     |
// | entries | each: sequence u64, counter u64, stamp u64, tag u64, offset u32, length u32, value bytes u32,        |
// |         | replica u16, flags u8, state u8, amount + 1 varint (0: none), bytes shared with the key before       |
// |         | varint, rest of the key byte string                                                                  |
// | end     | number of entries u64, replicas (count varint, then u64 each) by the entries' numbers                |
//
// It is written while commits go on. Entries may be newer than the replay sequence; replaying from there again
// changes nothing for them. It counts only if every segment it names is still in the same use.

/// Everything of a checkpoint but its entries.
struct CheckpointHead {
  static let fileName = "checkpoint"
  static let temporaryName = "checkpoint.tmp"
  static let magic: UInt64 = 0x3250_4B43_4144_4153  // "SADACKP2"
  static let maxSegments = 1 << 20

  var replay: WALPosition
  var replica: ReplicaID
  var replicaSequence: UInt64
  var counter: UInt64
  var counterSequence: UInt64
  var stamp: HybridTimestamp
  /// The number of the rule for sums that the store had which wrote it; 0 without one.
  var sumRule: UInt8
  var segments: [WALSegmentInfo]

  func encoded() -> [UInt8] {
    var writer = ByteWriter(capacity: 128 + segments.count * 16)
    writer.uint64(Self.magic)
    writer.uint64(replay.sequence)
    writer.uint32(replay.offset)
    writer.uint64(replica.rawValue)
    writer.uint64(replicaSequence)
    writer.uint64(counter)
    writer.uint64(counterSequence)
    writer.uint64(stamp.rawValue)
    writer.uint8(sumRule)
    writer.varint(segments.count)
    for segment in segments {
      writer.uint64(segment.first)
      writer.uint64(segment.incarnation)
    }
    return writer.bytes
  }

  static func decode(_ reader: inout ByteReader) throws(CodingError) -> CheckpointHead {
    guard try reader.uint64() == magic else { throw .invalid(what: "checkpoint") }
    var head = CheckpointHead(
      replay: WALPosition(sequence: try reader.uint64(), offset: try reader.uint32(), length: 0),
      replica: ReplicaID(rawValue: try reader.uint64()), replicaSequence: try reader.uint64(),
      counter: try reader.uint64(), counterSequence: try reader.uint64(),
      stamp: HybridTimestamp(rawValue: try reader.uint64()), sumRule: try reader.uint8(),
      segments: [])
    for _ in 0..<(try reader.count(limit: maxSegments, "segments")) {
      head.segments.append(WALSegmentInfo(first: try reader.uint64(), incarnation: try reader.uint64()))
    }
    return head
  }
}

/// The framing of checkpoint blocks.
enum CheckpointBlock {
  static let head: UInt32 = 1
  static let entries: UInt32 = 2
  static let end: UInt32 = 3

  static func frame(_ kind: UInt32, _ payload: [UInt8]) -> [UInt8] {
    var body = ByteWriter(capacity: payload.count + 8)
    body.uint32(kind)
    body.uint32(UInt32(payload.count))
    body.raw(payload)
    var block = ByteWriter(capacity: payload.count + 16)
    block.uint64(Checksum.xxh3(body.bytes))
    block.raw(body.bytes)
    return block.bytes
  }

  /// The next block, its checksum confirmed.
  static func next(_ reader: inout ByteReader) throws(CodingError) -> (kind: UInt32, payload: ByteReader) {
    let sum = try reader.uint64()
    var ahead = reader
    let kind = try ahead.uint32()
    let length = try ahead.uint32()
    let body = try reader.raw(8 + Int(length))
    guard Checksum.xxh3(body) == sum else { throw .invalid(what: "checkpoint block") }
    return (kind, ByteReader(UnsafeRawBufferPointer(rebasing: body[8...])))
  }
}

extension StoreState {
  /// Up to `limit` entries from the key on, and the last key taken; nil at the end.
  func encodeEntries(after last: [UInt8]?, limit: Int) -> (payload: [UInt8], count: Int, last: [UInt8])? {
    var writer = ByteWriter(capacity: limit * 96)
    var count = 0
    var before: [UInt8] = []
    // The smallest key behind `last` is `last` with a zero appended.
    let start = last.map { $0 + [0] } ?? []
    start.withUnsafeBytes { start in
      index.walk(from: start) { number in
        let slot = index.slot(number).pointee
        let key = index.keyBytes(number)
        var shared = 0
        while shared < before.count, shared < key.count, before[shared] == key[shared] { shared += 1 }
        writer.uint64(slot.sequence)
        writer.uint64(slot.counter)
        writer.uint64(slot.stamp)
        writer.uint64(slot.tag)
        writer.uint32(slot.offset)
        writer.uint32(slot.length)
        writer.uint32(slot.valueCount)
        writer.uint16(slot.replica)
        writer.uint8(slot.flags)
        writer.uint8(slot.state)
        writer.varint(slot.amount &+ 1)
        writer.varint(shared)
        writer.byteString(key[shared...])
        before = Array(key)
        count += 1
        return count < limit
      }
    }
    return count == 0 ? nil : (writer.bytes, count, before)
  }

  mutating func decodeEntries(_ reader: inout ByteReader, highestReplica: inout UInt16) throws(CodingError) -> Int {
    var key: [UInt8] = []
    var count = 0
    while !reader.isAtEnd {
      var slot = Slot(
        sequence: try reader.uint64(), counter: try reader.uint64(), stamp: try reader.uint64(),
        tag: try reader.uint64(), key: 0, offset: try reader.uint32(), length: try reader.uint32(),
        valueCount: try reader.uint32(), keyCountLessOne: 0, replica: try reader.uint16(), flags: try reader.uint8(),
        state: 0)
      slot.state = try reader.uint8()
      slot.amount = try reader.varint() &- 1
      let shared = try reader.count(limit: key.count, "shared key bytes")
      let rest = try reader.raw(try reader.count(limit: Bounds.maxKeyBytes - shared, "key"))
      key.removeLast(key.count - shared)
      key.append(contentsOf: rest)
      highestReplica = max(highestReplica, slot.replica)
      noteCounter(slot.counter, of: slot.replica)
      guard !key.isEmpty else { throw .invalid(what: "checkpoint entry") }
      lastSequence = max(lastSequence, slot.sequence)
      liveBytes += Self.cost(slot)
      key.withUnsafeBytes {
        _ = index.put($0, slot)
        sums.add(slot, $0)
      }
      count += 1
    }
    return count
  }

  /// Room is made for so many entries in advance, rather too few than too many.
  private static let fileBytesPerEntry = 128

  /// The state in a checkpoint file; throws if any of it is not what was written.
  static func restore(
    _ bytes: UnsafeRawBufferPointer, _ options: StoreOptions, segments: [WALSegmentInfo], replay: inout WALPosition?
  ) throws(CodingError) -> StoreState {
    var reader = ByteReader(bytes)
    var (kind, payload) = try CheckpointBlock.next(&reader)
    guard kind == CheckpointBlock.head else { throw .invalid(what: "checkpoint") }
    let head = try CheckpointHead.decode(&payload)
    guard Set(segments).isSuperset(of: head.segments) else { throw .invalid(what: "checkpoint of other segments") }
    guard head.sumRule == options.sums?.number ?? 0 else { throw .invalid(what: "checkpoint without these sums") }
    var state = StoreState(replica: head.replica, cacheBytes: options.cacheBytes, sums: options.sums)
    state.index.beginLoading(about: bytes.count / Self.fileBytesPerEntry)
    var highest: UInt16 = 0
    var count: UInt64 = 0
    while true {
      (kind, payload) = try CheckpointBlock.next(&reader)
      if kind == CheckpointBlock.entries {
        count += UInt64(try state.decodeEntries(&payload, highestReplica: &highest))
      } else if kind == CheckpointBlock.end, try payload.uint64() == count {
        break
      } else {
        throw .invalid(what: "checkpoint")
      }
    }
    let replicas = try payload.count(limit: Int(UInt16.max) + 1, "replicas")
    _ = try payload.uint64()
    for _ in 1..<max(replicas, 1) { _ = state.number(of: ReplicaID(rawValue: try payload.uint64())) }
    guard state.replicas.count == replicas, Int(highest) < replicas else { throw .invalid(what: "replicas") }
    state.index.finishLoading()
    state.index.sortFeed()
    state.replicaSequence = head.replicaSequence
    state.counter = head.counter
    state.counterSequence = head.counterSequence
    state.clock.observe(head.stamp)
    state.lastSequence = max(state.lastSequence, head.replay.sequence - 1)
    replay = head.replay
    return state
  }
}
