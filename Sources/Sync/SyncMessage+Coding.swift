public import SoftadastraCore

// Kinds and payloads. Integers and byte strings as in Core's `ByteWriter`; `space` as in `SpaceID`.
//
// | kind | message      | payload                                                                                |
// | ---- | ------------ | -------------------------------------------------------------------------------------- |
// | 1    | hello        | group u64 u64, replica, nonce u64, counter varint, port u16, metadata bytes (<= 64 KiB)   |
// | 2    | subscribe    | space, replica u64, since varint, nonce u64, watermark vector                          |
// | 3    | unsubscribe  | space                                                                                  |
// | 4    | changes      | space, after varint, through varint, bool, [watermark], count varint, changes          |
// | 5    | acknowledge  | space, known varint, applied varint                                                    |
// | 6    | want         | space, count varint (<= 4,096), keys                                                   |
// | 7    | move answer  | space, dot, done bool                                                                  |
// | 8    | fetch        | request varint, folder u64, path bytes, dot, offset varint, length varint (<= 12 MiB)  |
// | 9    | data         | request varint, bytes to the end                                                       |
// | 10   | fetch failed | request varint, reason u8                                                              |
// | 11   | supplement   | space, count varint (<= 4,096), changes                                                |
// | 12   | settle       | id varint                                                                              |
// | 13   | settled      | id varint, bool                                                                        |
// | 14   | recognised   | replica u64, counter varint, count varint (<= 64), nonce u64 and next counter varint each |
// | 15   | survey       | space, vector                                                                          |
// | 16   | inventory    | space, last bool, count varint (<= 4,096), key byte string and dot each                |
// | 17   | gone         | as an inventory                                                                        |

extension SyncMessage {
  /// The kind of the messages that carry the bytes of files.
  public static let dataKind: UInt8 = 9

  public var kind: UInt8 {
    switch self {
    case .hello: 1
    case .subscribe: 2
    case .unsubscribe: 3
    case .changes: 4
    case .acknowledge: 5
    case .want: 6
    case .moveAnswer: 7
    case .fetch: 8
    case .data: Self.dataKind
    case .fetchFailed: 10
    case .supplement: 11
    case .settle: 12
    case .settled: 13
    case .recognised: 14
    case .survey: 15
    case .inventory: 16
    case .gone: 17
    }
  }

  public func encoded() -> [UInt8] {
    var writer = ByteWriter(capacity: sizeEstimate)
    switch self {
    case .hello(let hello):
      writer.uint64(hello.group.high)
      writer.uint64(hello.group.low)
      writer.uint64(hello.replica.rawValue)
      writer.uint64(hello.startNonce)
      writer.varint(hello.nextCounter)
      writer.uint16(hello.listenPort)
      writer.byteString(hello.metadata)
    case .subscribe(let subscribe):
      writer.space(subscribe.space)
      writer.uint64(subscribe.replica.rawValue)
      writer.varint(subscribe.since)
      writer.uint64(subscribe.nonce)
      writer.vector(subscribe.watermark)
    case .unsubscribe(let space): writer.space(space)
    case .changes(let changes):
      writer.space(changes.space)
      writer.varint(changes.after)
      writer.varint(changes.through)
      writer.bool(changes.watermark != nil)
      if let watermark = changes.watermark { writer.watermark(watermark) }
      writer.varint(changes.items.count)
      for item in changes.items { item.encode(into: &writer) }
    case .acknowledge(let ack):
      writer.space(ack.space)
      writer.varint(ack.known)
      writer.varint(ack.applied)
    case .want(let space, let keys):
      writer.space(space)
      writer.varint(keys.count)
      for key in keys { writer.byteString(key) }
    case .supplement(let space, let items):
      writer.space(space)
      writer.varint(items.count)
      for item in items { item.encode(into: &writer) }
    case .moveAnswer(let space, let dot, let done):
      writer.space(space)
      writer.dot(dot)
      writer.bool(done)
    case .fetch(let fetch):
      writer.varint(fetch.request)
      writer.uint64(fetch.folder.rawValue)
      writer.byteString(fetch.path.bytes)
      writer.dot(fetch.dot)
      writer.varint(fetch.offset)
      writer.varint(UInt64(fetch.length))
    case .data(let data): return data.encoded.array
    case .settle(let id): writer.varint(id)
    case .settled(let id, let isQuiet):
      writer.varint(id)
      writer.bool(isQuiet)
    case .recognised(let recognition):
      writer.uint64(recognition.replica.rawValue)
      writer.varint(recognition.counter)
      writer.starts(recognition.history)
    case .survey(let space, let vector):
      writer.space(space)
      writer.vector(vector)
    case .inventory(let space, let items, let isLast), .gone(let space, let items, let isLast):
      writer.space(space)
      writer.bool(isLast)
      writer.varint(items.count)
      for item in items {
        writer.byteString(item.key)
        writer.dot(item.dot)
      }
    case .fetchFailed(let request, let reason):
      writer.varint(request)
      writer.uint8(reason.rawValue)
    }
    return writer.bytes
  }

  private var sizeEstimate: Int {
    switch self {
    case .changes(let changes): changes.items.reduce(64) { $0 + $1.encodedSizeEstimate }
    case .supplement(_, let items): items.reduce(64) { $0 + $1.encodedSizeEstimate }
    case .inventory(_, let items, _), .gone(_, let items, _): items.reduce(64) { $0 + $1.key.count + 24 }
    default: 128
    }
  }

  /// Decodes one frame of a peer. Nil for a kind this version does not know, which is skipped.
  ///
  /// The bytes of files are a part of `payload`, all else is copied out of it.
  public static func decode(kind: UInt8, _ payload: SharedBytes) throws(CodingError) -> SyncMessage? {
    let result = payload.withUnsafeBytes { bytes -> Result<SyncMessage?, CodingError> in
      do throws(CodingError) {
        var reader = ByteReader(bytes)
        if kind == dataKind { return .success(.data(try data(&reader, of: payload))) }
        guard let message = try decode(kind: kind, &reader) else { return .success(nil) }
        try reader.expectEnd()
        return .success(message)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private static func data(_ reader: inout ByteReader, of payload: SharedBytes) throws(CodingError) -> FetchedData {
    let request = try reader.varint()
    guard reader.remaining <= maxFetchBytes else { throw .tooLarge(what: "data", limit: maxFetchBytes) }
    return FetchedData(request: request, encoded: payload, headBytes: payload.count - reader.remaining)
  }

  private static func decode(kind: UInt8, _ reader: inout ByteReader) throws(CodingError) -> SyncMessage? {
    switch kind {
    case 1:
      return .hello(
        Hello(
          group: GroupID(high: try reader.uint64(), low: try reader.uint64()),
          replica: ReplicaID(rawValue: try reader.uint64()), startNonce: try reader.uint64(),
          nextCounter: try reader.varint(), listenPort: try reader.uint16(),
          metadata: try reader.byteString(limit: maxMetadataBytes, "metadata")))
    case 2:
      return .subscribe(
        Subscribe(
          space: try reader.space(), replica: ReplicaID(rawValue: try reader.uint64()), since: try reader.varint(),
          nonce: try reader.uint64(), watermark: try reader.vector()))
    case 3: return .unsubscribe(try reader.space())
    case 4: return .changes(try changes(&reader))
    case 5:
      return .acknowledge(
        Acknowledge(space: try reader.space(), known: try reader.varint(), applied: try reader.varint()))
    case 6:
      let space = try reader.space()
      let count = try reader.count(limit: maxWantedKeys, "wanted keys")
      var keys: [[UInt8]] = []
      for _ in 0..<count { keys.append(try reader.byteString(limit: Bounds.maxKeyBytes, "key")) }
      return .want(space, keys: keys)
    case 7: return .moveAnswer(try reader.space(), try reader.dot(), done: try reader.bool())
    case 8:
      return .fetch(
        Fetch(
          request: try reader.varint(), folder: FolderID(rawValue: try reader.uint64()),
          path: try BytePath(validating: try reader.byteString(limit: BytePath.maxBytes, "path")),
          dot: try reader.dot(), offset: try reader.varint(),
          length: UInt32(try reader.count(limit: maxFetchBytes, "fetch length"))))
    case 10:
      let request = try reader.varint()
      guard let reason = FetchFailure(rawValue: try reader.uint8()) else { throw .invalid(what: "fetch failure") }
      return .fetchFailed(request: request, reason)
    case 11:
      let space = try reader.space()
      let count = try reader.count(limit: maxWantedKeys, "supplement")
      var items: [Change] = []
      for _ in 0..<count { items.append(try Change(from: &reader)) }
      return .supplement(space, items)
    case 12: return .settle(try reader.varint())
    case 13: return .settled(try reader.varint(), try reader.bool())
    case 14:
      return .recognised(
        Recognition(
          replica: ReplicaID(rawValue: try reader.uint64()), counter: try reader.varint(), history: try reader.starts())
      )
    case 15: return .survey(try reader.space(), try reader.vector())
    case 16, 17:
      let space = try reader.space()
      let isLast = try reader.bool()
      let items = try inventory(&reader)
      return kind == 16 ? .inventory(space, items, isLast: isLast) : .gone(space, items, isLast: isLast)
    default: return nil
    }
  }

  private static func inventory(_ reader: inout ByteReader) throws(CodingError) -> [InventoryItem] {
    let count = try reader.count(limit: maxWantedKeys, "inventory")
    var items: [InventoryItem] = []
    for _ in 0..<count {
      items.append(
        InventoryItem(key: try reader.byteString(limit: Bounds.maxKeyBytes, "key"), dot: try reader.dot()))
    }
    return items
  }

  private static func changes(_ reader: inout ByteReader) throws(CodingError) -> Changes {
    let space = try reader.space()
    let after = try reader.varint()
    let through = try reader.varint()
    guard after <= through else { throw .invalid(what: "changes range") }
    let watermark = try reader.bool() ? try reader.watermark() : nil
    let count = try reader.count(limit: maxItems, "changes")
    var items: [Change] = []
    items.reserveCapacity(min(count, reader.remaining / 32))
    for _ in 0..<count {
      let item = try Change(from: &reader)
      guard item.sequence > after, item.sequence <= through else { throw .invalid(what: "change sequence") }
      items.append(item)
    }
    return Changes(space: space, after: after, through: through, watermark: watermark, items: items)
  }
}
