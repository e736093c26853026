public import SoftadastraCore
public import SoftadastraSync

/// What a folder's mirror needs of the node around it.
public struct MirrorHost: Sendable {
  /// Remote changes that were outstanding are applied or superseded.
  public var settled: @Sendable (SpaceID, [(peer: NodeID, sequence: UInt64)]) async -> Void
  /// No remote change of this folder waits any more.
  public var nothingPending: @Sendable (SpaceID) async -> Void
  public var send: @Sendable (NodeID, SyncMessage) async -> Void
  public var report: @Sendable (MirrorEvent) -> Void
  /// Where the bytes of files are read into that peers ask for.
  public var makeBytes: SharedBytes.Maker

  public init(
    settled: @escaping @Sendable (SpaceID, [(peer: NodeID, sequence: UInt64)]) async -> Void,
    nothingPending: @escaping @Sendable (SpaceID) async -> Void,
    send: @escaping @Sendable (NodeID, SyncMessage) async -> Void,
    report: @escaping @Sendable (MirrorEvent) -> Void, makeBytes: @escaping SharedBytes.Maker = SharedBytes.inArray
  ) {
    self.settled = settled
    self.nothingPending = nothingPending
    self.send = send
    self.report = report
    self.makeBytes = makeBytes
  }
}

/// Something worth telling people about.
public enum MirrorEvent: Sendable, Hashable {
  case state(MirrorState)
  case received(BytePath)
  case deleted(BytePath)
  case renamed(BytePath, to: BytePath)
  case conflict(BytePath, copy: BytePath)
  /// It was deleted by one and edited by another: the edit stays.
  case kept(BytePath)
  /// A power loss damaged it: what was left of it is in the archive, and it comes again.
  case healed(BytePath)
  case blocked(BytePath, SoftadastraError)
}

/// What a folder's mirror is doing.
public enum MirrorState: Sendable, Hashable {
  case scanning
  case idle
  case syncing
  /// Nothing is read or written until someone does what the error says.
  case stopped(SoftadastraError)
}

/// Which way a folder is mirrored.
public enum MirrorMode: String, Sendable, Hashable {
  case sendReceive = "send-receive"
  case sendOnly = "send-only"
  case receiveOnly = "receive-only"
}
