public import SoftadastraCore

/// What two members say to each other. One message is one transport frame; `kind` is the frame's kind.
public enum SyncMessage: Sendable, Hashable {
  case hello(Hello)
  case subscribe(Subscribe)
  case unsubscribe(SpaceID)
  case changes(Changes)
  case acknowledge(Acknowledge)
  /// Send these entries again, whole: their delta's base is not here.
  case want(SpaceID, keys: [[UInt8]])
  /// The answer to `want`: outside the feed, it moves no cursor.
  case supplement(SpaceID, [Change])
  case moveAnswer(SpaceID, Dot, done: Bool)
  case fetch(Fetch)
  case data(FetchedData)
  case fetchFailed(request: UInt64, FetchFailure)
  /// "Take in what you have seen, send me all of it, and tell me when I have applied it."
  case settle(UInt64)
  /// The answer to `settle`; false if it took too long.
  case settled(UInt64, Bool)
  /// The answer to `hello`: what is known here of the other's replica.
  case recognised(Recognition)
  /// To one who may hold what was deleted and forgotten: "list what you have that this vector covers".
  case survey(SpaceID, VersionVector)
  /// One page of the answer to `survey`.
  case inventory(SpaceID, [InventoryItem], isLast: Bool)
  /// The answer to a page of an inventory: what of it was deleted.
  case gone(SpaceID, [InventoryItem], isLast: Bool)

  /// The first message each way.
  public struct Hello: Sendable, Hashable {
    public var group: GroupID
    public var replica: ReplicaID
    /// Of this start of the node: two clones of one replica differ in it.
    public var startNonce: UInt64
    /// The first counter that this start may hand out.
    public var nextCounter: UInt64
    /// Where the node accepts connections; 0 if it does not.
    public var listenPort: UInt16
    /// `NodeMetadata`, encoded.
    public var metadata: [UInt8]
    public init(
      group: GroupID, replica: ReplicaID, startNonce: UInt64, nextCounter: UInt64, listenPort: UInt16, metadata: [UInt8]
    ) {
      self.listenPort = listenPort
      self.group = group
      self.replica = replica
      self.startNonce = startNonce
      self.nextCounter = nextCounter
      self.metadata = metadata
    }
  }

  /// The receiver compares it with its own history: see `StartHistory`.
  public struct Recognition: Sendable, Hashable {
    public var replica: ReplicaID
    /// The highest of the replica's counters that was seen.
    public var counter: UInt64
    public var history: StartHistory
    public init(replica: ReplicaID, counter: UInt64, history: StartHistory) {
      self.replica = replica
      self.counter = counter
      self.history = history
    }
  }

  /// "Send me your changes of this space from here on."
  public struct Subscribe: Sendable, Hashable {
    public var space: SpaceID
    /// Whose log `since` counts in: a replica that was replaced meanwhile starts again at 0.
    public var replica: ReplicaID
    public var since: UInt64
    /// The life of that replica in which `since` was reached: a log that was rolled back since starts again at 0, too.
    public var nonce: UInt64
    /// What the subscriber has applied or knows to be superseded.
    public var watermark: VersionVector
    public init(space: SpaceID, replica: ReplicaID, since: UInt64, nonce: UInt64, watermark: VersionVector) {
      self.space = space
      self.replica = replica
      self.since = since
      self.nonce = nonce
      self.watermark = watermark
    }
  }

  /// The changes of a space after `after` up to `through` in the sender's log, superseded ones left out.
  public struct Changes: Sendable, Hashable {
    public var space: SpaceID
    public var after: UInt64
    public var through: UInt64
    /// The sender's watermark at `through`; only when the feed ended there.
    public var watermark: Watermark?
    public var items: [Change]
    public init(space: SpaceID, after: UInt64, through: UInt64, watermark: Watermark?, items: [Change]) {
      self.space = space
      self.after = after
      self.through = through
      self.watermark = watermark
      self.items = items
    }
  }

  /// A live entry: its key below the space's prefix, and its version.
  public struct InventoryItem: Sendable, Hashable {
    public var key: [UInt8]
    public var dot: Dot
    public init(key: [UInt8], dot: Dot) {
      self.key = key
      self.dot = dot
    }
  }

  public struct Acknowledge: Sendable, Hashable {
    public var space: SpaceID
    /// Durable at the receiver up to here; moves the sender's cursor.
    public var known: UInt64
    /// On the receiver's disk and in its store up to here.
    public var applied: UInt64
    public init(space: SpaceID, known: UInt64, applied: UInt64) {
      self.space = space
      self.known = known
      self.applied = applied
    }
  }

  /// "Send me these byte ranges of that version of that file."
  public struct Fetch: Sendable, Hashable {
    public var request: UInt64
    public var folder: FolderID
    public var path: BytePath
    public var dot: Dot
    public var offset: UInt64
    /// At most `maxFetchBytes`.
    public var length: UInt32
    public init(request: UInt64, folder: FolderID, path: BytePath, dot: Dot, offset: UInt64, length: UInt32) {
      self.request = request
      self.folder = folder
      self.path = path
      self.dot = dot
      self.offset = offset
      self.length = length
    }
  }

  /// Bytes of a file. They lie behind the message's head, so that no copy is made to send or to receive them.
  public struct FetchedData: Sendable, Hashable {
    public let request: UInt64
    /// The whole message as it travels.
    public let encoded: SharedBytes
    private let headBytes: Int

    public var bytes: SharedBytes { encoded.dropFirst(headBytes) }

    /// As it arrived.
    init(request: UInt64, encoded: SharedBytes, headBytes: Int) {
      self.request = request
      self.encoded = encoded
      self.headBytes = headBytes
    }

    /// - Parameter fill: writes up to `count` bytes and says how many.
    public init(
      request: UInt64, count: Int, in make: SharedBytes.Maker, fill: (UnsafeMutableRawBufferPointer) -> Int
    ) {
      var head = ByteWriter(capacity: 10)
      head.varint(request)
      let headBytes = head.bytes.count
      let encoded = withoutActuallyEscaping(fill) { fill in
        make(headBytes + count) { buffer in
          buffer.copyBytes(from: head.bytes)
          return headBytes + fill(UnsafeMutableRawBufferPointer(rebasing: buffer[headBytes...]))
        }
      }
      self.init(request: request, encoded: encoded, headBytes: headBytes)
    }
  }

  public enum FetchFailure: UInt8, Sendable, Hashable {
    /// Another version is there by now; its change is on the way.
    case superseded = 1
    /// It should be there, and cannot be read, or is being changed.
    case unreadable = 2
    case unknownFolder = 3
  }

  /// One chunk of the largest size class.
  public static let maxFetchBytes = 12 << 20
  public static let maxItems = 65_536
  public static let maxWantedKeys = 4096
  public static let maxMetadataBytes = 64 << 10
}
