/// `status --json`. Field names are a contract with scripts.
public struct StatusReport: Codable, Sendable, Equatable {
  public struct Node: Codable, Sendable, Equatable {
    public var id: String
    public var name: String
    public var version: String
    public var running: Bool
    public var uptimeSeconds: Double
    public var pid: Int?
  }

  public struct Amount: Codable, Sendable, Equatable {
    public var files: Int
    public var bytes: UInt64
    public init(files: Int = 0, bytes: UInt64 = 0) {
      self.files = files
      self.bytes = bytes
    }
  }

  /// A path that is not in sync and cannot be for now.
  public struct Blocked: Codable, Sendable, Equatable {
    public var path: String
    /// Only for names that are no UTF-8.
    public var pathBase64: String?
    /// A `SoftadastraError.Code`, or `watch-limit`; `share/doc/folders.md` says what each means.
    public var reason: String
    public var message: String
  }

  /// A path on its way: `direction` is `send` (to a peer) or `receive`.
  public struct Pending: Codable, Sendable, Equatable {
    public var path: String
    public var pathBase64: String?
    public var direction: String
    /// The peer's ID, where it is known.
    public var peer: String?
    public var bytes: UInt64
  }

  public struct Folder: Codable, Sendable, Equatable {
    public var name: String
    public var id: String
    public var path: String
    public var mode: String
    /// `idle`, `scanning`, `syncing`, `paused` or `stopped`.
    public var state: String
    /// Why it is stopped, or what limits it; empty otherwise.
    public var notice: String
    public var files: Int
    public var bytes: UInt64
    /// Received but not yet applied here, and changed here but not yet taken in.
    public var pending: Amount
    public var conflicts: Int
    public var blocked: [Blocked]
    /// At most `StatusReport.maxPendingPaths`.
    public var pendingPaths: [Pending]
  }

  public struct Peer: Codable, Sendable, Equatable {
    public var id: String
    public var name: String
    public var address: String
    /// `connected`, `connecting` or `disconnected`.
    public var state: String
    public var toSend: Amount
    public var toReceive: Amount
    public var lastError: String?
    /// Only of a connected peer.
    public var compression: Compression?
  }

  /// What is sent to one peer, and whether it is worth compressing.
  public struct Compression: Codable, Sendable, Equatable {
    /// `sampling`, `active`, `strong`, `incompressible`, `link-faster`, `measuring-link` or `disabled`.
    public var state: String
    /// On this connection, as sent.
    public var sentBytes: UInt64
    /// The same before compression.
    public var plainBytes: UInt64
    /// Of the link, as last measured; nil until plain bytes filled its queue.
    public var linkBytesPerSecond: UInt64?
    /// Of the compressor, on what is sent to this peer; nil until something was compressed.
    public var compressorBytesPerSecond: UInt64?
  }

  public struct Sync: Codable, Sendable, Equatable {
    public var outbox: Int
    public var queued: Int
    public var inFlight: Int
    public var acknowledged: Int
    public var failed: Int
    public var retries: Int
  }

  public struct Store: Codable, Sendable, Equatable {
    public var entries: Int
    /// Deletions that are remembered for members that may not know them yet.
    public var tombstones: Int
    public var lastSequence: UInt64
  }

  public struct WAL: Codable, Sendable, Equatable {
    public var path: String
    public var segments: Int
    public var bytes: UInt64
    public var lastSequence: UInt64
  }

  public struct Transport: Codable, Sendable, Equatable {
    /// `listening` or `off`.
    public var state: String
    public var address: String
  }

  public struct Discovery: Codable, Sendable, Equatable {
    /// `running` or `off`.
    public var state: String
    public var port: Int
    public var peers: Int
  }

  public static let maxPendingPaths = 1000

  public var node: Node
  public var folders: [Folder]
  public var peers: [Peer]
  public var sync: Sync
  public var store: Store
  public var wal: WAL
  public var transport: Transport
  public var discovery: Discovery
}

/// `node --json`: this node's metadata.
public struct NodeReport: Codable, Sendable, Equatable {
  public var id: String
  public var name: String
  public var hostname: String
  public var os: String
  public var kernel: String
  public var version: String
  public var capabilities: [String]
  public var replica: String
  public var group: String
  public var members: Int
  public var running: Bool
  public var uptimeSeconds: Double
  public var home: String
}

/// One element of `store list --json`, and with `value` the answer of `store get --json`.
public struct ValueReport: Codable, Sendable, Equatable {
  public var key: String
  /// Only for keys that are no UTF-8.
  public var keyBase64: String?
  public var size: Int
  /// Replica and counter: what `put --if-version` takes.
  public var version: String
  public var valueBase64: String?
}

/// What `watch` asks a node to mirror.
public struct FolderRequest: Codable, Sendable, Equatable {
  public var path: String
  /// The directory's own name where nil.
  public var name: String?
  /// Nil: as before, or send-receive for a new one.
  public var mode: String?
  public var adopt: Bool
  public var fullScan: Bool
  /// Join an existing folder of the group with that name; false: only `--name` or an invite may do so.
  public var joinExisting: Bool
  public init(
    path: String, name: String? = nil, mode: String? = nil, adopt: Bool = false, fullScan: Bool = false,
    joinExisting: Bool = false
  ) {
    self.path = path
    self.name = name
    self.mode = mode
    self.adopt = adopt
    self.fullScan = fullScan
    self.joinExisting = joinExisting
  }
}

/// One notable event of a running node, as `watch` prints it: `event` and what belongs to it.
public struct NodeEvent: Codable, Sendable, Equatable {
  /// `ready`, `joined`, `peer-connected`, `peer-disconnected`, `folder-state`, `received`, `sent`, `deleted`,
  /// `renamed`, `conflict`, `blocked`, `unblocked`, `warning`.
  public var event: String
  public var nodeID: String?
  public var address: String?
  public var invite: String?
  public var peer: String?
  public var folder: String?
  public var path: String?
  public var message: String?
  public init(
    _ event: String, nodeID: String? = nil, address: String? = nil, invite: String? = nil, peer: String? = nil,
    folder: String? = nil, path: String? = nil, message: String? = nil
  ) {
    self.event = event
    self.nodeID = nodeID
    self.address = address
    self.invite = invite
    self.peer = peer
    self.folder = folder
    self.path = path
    self.message = message
  }
}

/// `sync tick --json`.
public struct TickReport: Codable, Sendable, Equatable {
  public var retried: Int
  public var pruned: Int
  public var batches: Int
  public var batchEntries: Int
  public init(retried: Int, pruned: Int, batches: Int, batchEntries: Int) {
    self.retried = retried
    self.pruned = pruned
    self.batches = batches
    self.batchEntries = batchEntries
  }
}

/// What `wait` found.
public struct WaitReport: Codable, Sendable, Equatable {
  public var done: Bool
  /// When not done: what is missing, one line.
  public var reason: String
}

/// One element of `discover --json`.
public struct DiscoveredReport: Codable, Sendable, Equatable {
  public var id: String
  public var address: String
  public init(id: String, address: String) {
    self.id = id
    self.address = address
  }
}
