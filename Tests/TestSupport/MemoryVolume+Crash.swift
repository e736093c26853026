import SoftadastraFS
import Synchronization

extension MemoryVolume {
  /// Another volume that holds what this one holds now.
  public func backup() -> MemoryVolume { crashed(seed: nil) }

  /// From now on this volume holds what the other one does; its clock does not go back.
  public func restore(_ other: MemoryVolume) {
    let old = other.state.withLock { $0 }
    state.withLock {
      $0.tree = old.tree
      $0.durable = old.durable
      $0.now = max($0.now, old.now)
      $0.generation += 1
    }
  }

  /// The volume as the next process finds it; this one is of no use to anybody from now on, if its calls fail.
  ///
  /// - Parameter seed: of a power loss: of the names changed since the last barrier all or none are there, and of each
  ///   file whose bytes were not synced all, a part with zeros behind, or nothing. Nil: only the process was killed.
  public func crashed(seed: UInt64?) -> MemoryVolume {
    let next = MemoryVolume()
    let copy = state.withLock { $0 }
    next.state.withLock { state in
      state = copy
      state.fault = nil
      state.generation += 1
      guard let seed else { return }
      var random = SeededRandom(seed: seed)
      if random.below(2) == 0 {
        state.tree = state.durable
      } else {
        for inode in state.tree.nodes.keys.sorted() {
          guard let node = state.tree.nodes[inode], node.kind == .file,
            state.durable.nodes[inode]?.content != node.content
          else { continue }
          switch random.below(3) {
          case 0: continue
          case 1: state.tree.nodes[inode]!.content = []
          default:
            let count = random.below(node.content.count + 1)
            let zeros = [UInt8](repeating: 0, count: node.content.count - count)
            state.tree.nodes[inode]!.content = Array(node.content[..<count]) + zeros
          }
        }
      }
      state.durable = state.tree
    }
    return next
  }
}
