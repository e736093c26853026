internal import SoftadastraCore
internal import SoftadastraTransport

/// Which of several connections between two members is used: the greatest.
///
/// Both sides come to the same answer by themselves: what the lower node ID dialled counts more, and of two that the same
/// one dialled the later, which both see in the same order unless they were made in the same moment.
struct ConnectionRank: Comparable {
  let isDialledByLower: Bool
  let id: ConnectionID

  init(_ id: ConnectionID, isInbound: Bool, peer: NodeID, here: NodeID) {
    isDialledByLower = isInbound == (peer < here)
    self.id = id
  }

  static func < (a: ConnectionRank, b: ConnectionRank) -> Bool {
    a.isDialledByLower == b.isDialledByLower ? a.id < b.id : b.isDialledByLower
  }
}
