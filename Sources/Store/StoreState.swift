internal import SoftadastraCore
internal import SoftadastraWAL

/// What the store's lock guards: the index and the source of versions.
struct StoreState: ~Copyable, Sendable {
  var index = EntryIndex()
  var cache: ValueCache
  var replica: ReplicaID
  var counter: UInt64 = 0
  var clock = HybridClock()
  /// Of the counter record that a compaction must keep, and of the replica record.
  var counterSequence: UInt64 = 0
  var replicaSequence: UInt64 = 0
  var lastSequence: UInt64 = 0
  /// Of the newest tombstone that was applied.
  var lastTombstoneSequence: UInt64 = 0
  var overwrites = Overwrites()
  /// Bytes of the records that the index points to.
  var liveBytes: UInt64 = 0
  var sums: EntrySums
  /// Of each replica, by its number: the highest counter among the entries that were ever applied.
  private var highestCounters: [UInt64] = [0]
  private(set) var replicas: [ReplicaID] = [ReplicaID(rawValue: 0)]
  private var replicaNumbers: [ReplicaID: UInt16] = [:]

  static let recordOverhead: UInt64 = 36

  init(replica: ReplicaID, cacheBytes: Int, sums: SumRule?) {
    self.replica = replica
    self.sums = EntrySums(sums)
    cache = ValueCache(budget: cacheBytes)
  }

  /// A small number for a replica; nil when 65,535 are in use.
  mutating func number(of replica: ReplicaID) -> UInt16? {
    if let known = replicaNumbers[replica] { return known }
    guard replicas.count <= Int(UInt16.max) else { return nil }
    let number = UInt16(replicas.count)
    replicas.append(replica)
    replicaNumbers[replica] = number
    return number
  }

  /// Whether numbers are left for the replicas of all these records. Cheap while there are many.
  func hasNumbers(for payloads: [(kind: UInt8, bytes: [UInt8])]) -> Bool {
    let free = Int(UInt16.max) + 1 - replicas.count
    guard payloads.count > free else { return true }
    let new = payloads.compactMap { payload -> ReplicaID? in
      guard payload.kind == RecordKind.entry else { return nil }
      return payload.bytes.withUnsafeBytes { try? EntryRecord.skim($0, replica: replica) }?.dot?.replica
    }
    return Set(new.filter { replicaNumbers[$0] == nil }).count <= free
  }

  mutating func noteCounter(_ counter: UInt64, of number: UInt16) {
    while highestCounters.count <= Int(number) { highestCounters.append(0) }
    if highestCounters[Int(number)] < counter { highestCounters[Int(number)] = counter }
  }

  func highestCounter(of replica: ReplicaID) -> UInt64 {
    guard let number = replicaNumbers[replica], Int(number) < highestCounters.count else { return 0 }
    return highestCounters[Int(number)]
  }

  func summary(_ number: UInt32) -> EntrySummary {
    let slot = index.slot(number).pointee
    return EntrySummary(
      sequence: slot.sequence,
      dot: slot.replica == 0 ? nil : Dot(replica: replicas[Int(slot.replica)], counter: slot.counter),
      stamp: HybridTimestamp(rawValue: slot.stamp), isDeleted: slot.isDeleted, tag: slot.tag, flags: slot.flags,
      valueCount: Int(slot.valueCount))
  }

  /// The slot of a key. One whose record is kept is recognised by that, without a look at the index's own copy.
  func find(_ key: UnsafeRawBufferPointer) -> UInt32? {
    index.find(EntryIndex.hash(key)) { number in
      cache.with(number) { EntryRecord.hasKey($1, key) } ?? index.equal(number, key)
    }
  }

  /// Applies one record. Applying an old one again changes nothing.
  ///
  /// - Parameter retained: the payload of a commit, to be cached; nil for what is read from the log.
  mutating func apply(
    kind: UInt8, position: WALPosition, payload: UnsafeRawBufferPointer, retained: [UInt8]? = nil
  ) throws(CodingError) {
    let sequence = position.sequence
    lastSequence = max(lastSequence, sequence)
    switch kind {
    case RecordKind.entry: try applyEntry(position, payload, retained)
    case RecordKind.erase:
      guard let number = index.find(payload), index.slot(number).pointee.sequence < sequence else { return }
      if retained != nil { noteOverwrite(index.slot(number).pointee, by: sequence, payload) }
      liveBytes -= min(liveBytes, Self.cost(index.slot(number).pointee))
      sums.remove(index.slot(number).pointee, payload)
      cache.remove(number)
      index.remove(number)
    case RecordKind.retag:
      var reader = ByteReader(payload)
      let tag = try reader.uint64()
      guard let number = index.find(try reader.raw(reader.remaining)), index.slot(number).pointee.sequence < sequence
      else { return }
      index.slot(number).pointee.tag = tag
      // What is kept of the record says otherwise. A store in memory has nothing else.
      if !cache.isEverything { cache.remove(number) }
    case RecordKind.replica:
      var reader = ByteReader(payload)
      let new = ReplicaID(rawValue: try reader.uint64())
      guard sequence > replicaSequence else { return }
      if new != replica { counter = 0 }
      replica = new
      replicaSequence = sequence
    case RecordKind.counter:
      var reader = ByteReader(payload)
      let bound = try reader.varint()
      clock.observe(HybridTimestamp(rawValue: try reader.uint64()))
      guard sequence > counterSequence else { return }
      counterSequence = sequence
      counter = max(counter, bound)
    default: throw .invalid(what: "record kind \(kind)")
    }
  }

  private mutating func applyEntry(_ position: WALPosition, _ payload: UnsafeRawBufferPointer, _ retained: [UInt8]?)
    throws(CodingError)
  {
    let record = try EntryRecord.skim(payload, replica: replica)
    counter = max(counter, record.seen)
    clock.observe(record.stamp)
    var replicaNumber: UInt16 = 0
    if let dot = record.dot {
      if dot.replica == replica { counter = max(counter, dot.counter) }
      guard let known = number(of: dot.replica) else { throw .tooLarge(what: "replicas", limit: Int(UInt16.max)) }
      replicaNumber = known
      noteCounter(dot.counter, of: known)
    }
    let hash = EntryIndex.hash(record.key)
    let found = index.find(record.key, hash: hash)
    if let old = found {
      guard index.slot(old).pointee.sequence < position.sequence else { return }
      if retained != nil { noteOverwrite(index.slot(old).pointee, by: position.sequence, record.key) }
      liveBytes -= min(liveBytes, Self.cost(index.slot(old).pointee))
      sums.remove(index.slot(old).pointee, record.key)
    }
    let value = UnsafeRawBufferPointer(rebasing: payload[record.valueOffset...])
    let fields = Slot(
      sequence: position.sequence, counter: record.dot?.counter ?? 0, stamp: record.stamp.rawValue, tag: record.tag,
      key: 0, offset: position.offset, length: position.length,
      valueCount: UInt32(value.count), keyCountLessOne: 0, replica: replicaNumber, flags: record.flags,
      state: record.isDeleted ? Slot.deletedBit : 0,
      amount: sums.amount(record.key, value, isDeleted: record.isDeleted))
    if record.isDeleted { lastTombstoneSequence = max(lastTombstoneSequence, position.sequence) }
    let number = index.put(record.key, hash: hash, over: found, fields)
    liveBytes += Self.cost(fields)
    sums.add(fields, record.key)
    if let retained { cache.insert(number, sequence: position.sequence, retained) } else { cache.remove(number) }
  }

  /// Entries without a version are in no peer's feed.
  private mutating func noteOverwrite(_ slot: Slot, by sequence: UInt64, _ key: UnsafeRawBufferPointer) {
    if slot.replica != 0 { overwrites.note(slot.sequence, by: sequence, key) }
  }

  static func cost(_ slot: Slot) -> UInt64 { UInt64(slot.length) + recordOverhead }

  /// A compaction put a record elsewhere.
  func move(_ position: WALPosition) {
    guard let number = index.find(sequence: position.sequence) else { return }
    index.slot(number).pointee.offset = position.offset
  }

  /// Whether a compaction must keep a record.
  func isLive(_ record: WALRecord, isBase: Bool) -> Bool {
    switch record.kind {
    case RecordKind.entry:
      guard let head = try? EntryRecord.skim(record.payload, replica: replica), let number = index.find(head.key) else {
        return false
      }
      return index.slot(number).pointee.sequence == record.sequence
    case RecordKind.erase:
      // Needed only while an older record of the key may still be in the log.
      return !isBase && index.find(record.payload) == nil
    case RecordKind.retag:
      guard record.payload.count >= 8 else { return false }
      let tag = UInt64(littleEndian: record.payload.loadUnaligned(as: UInt64.self))
      guard let number = index.find(UnsafeRawBufferPointer(rebasing: record.payload[8...])) else { return false }
      let slot = index.slot(number).pointee
      return slot.sequence < record.sequence && slot.tag == tag
    case RecordKind.replica: return record.sequence >= replicaSequence
    case RecordKind.counter: return record.sequence >= counterSequence
    default: return true
    }
  }
}
