public import SoftadastraCore

/// What a node tells the others about itself: for people and for `status`, never for decisions of trust.
public struct NodeMetadata: Sendable, Hashable {
  public static let maxTextBytes = 128

  public var nodeID: NodeID
  /// The hostname, unless the user chose another name.
  public var name: String
  public var platform: PlatformInfo
  /// Of the program, such as `0.1.0`.
  public var version: String
  public var capabilities: Set<String>
  /// Milliseconds since 1970, by the node's own clock.
  public var startedAt: Int64

  /// Texts are shortened to `maxTextBytes` and cleaned of control characters; capabilities that are no valid names, or
  /// too many, are left out.
  public init(
    nodeID: NodeID, name: String, platform: PlatformInfo, version: String = softadastraVersion,
    capabilities: Set<String> = [], startedAt: Int64
  ) {
    self.nodeID = nodeID
    self.name = Self.cleaned(name)
    self.platform = platform
    self.version = Self.cleaned(version)
    self.capabilities = Set(capabilities.filter(Capability.isValid).sorted().prefix(Capability.maxCount))
    self.startedAt = startedAt
  }

  /// Whole milliseconds since the start, by the clock that is passed; 0 where that lies before the start.
  public func uptimeMilliseconds(at now: Int64) -> Int64 {
    let (elapsed, overflow) = now.subtractingReportingOverflow(startedAt)
    return overflow ? 0 : max(0, elapsed)
  }

  static func cleaned(_ text: String) -> String {
    var out = Substring(BytePath.escape(Array(text.utf8)))
    while out.utf8.count > maxTextBytes { out = out.dropLast() }
    return String(out)
  }
}
