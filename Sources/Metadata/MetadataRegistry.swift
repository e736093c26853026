public import SoftadastraCore

/// The latest metadata of each node that was heard of.
public struct MetadataRegistry: Sendable {
  /// As many as a group has members.
  public static let maxNodes = 1024

  private var nodes: [NodeID: NodeMetadata] = [:]

  public init() {}

  public var all: [NodeMetadata] { nodes.values.sorted { $0.nodeID < $1.nodeID } }

  public subscript(node: NodeID) -> NodeMetadata? { nodes[node] }

  /// Keeps what came last. Returns whether anything changed; a full table takes no new node.
  @discardableResult
  public mutating func update(_ metadata: NodeMetadata) -> Bool {
    let known = nodes[metadata.nodeID]
    guard known != metadata, known != nil || nodes.count < Self.maxNodes else { return false }
    nodes[metadata.nodeID] = metadata
    return true
  }

  public mutating func remove(_ node: NodeID) { nodes[node] = nil }
}
