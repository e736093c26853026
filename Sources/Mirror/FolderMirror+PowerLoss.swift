internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// The durable mark: what lies on the disk for certain, whatever becomes of the machine.
///
/// A filesystem may lose names, and bytes of files, that were written in the last seconds before a power loss: a received
/// file that was linked and whose barrier had not come, or a local file that was recorded and sent on. What is durable for
/// certain is what lay there when a barrier began, up to the mark: a sequence of the store, kept as a setting.
extension FolderMirror {
  private static let markDelayNanoseconds: UInt64 = 5_000_000_000

  /// Says that everything recorded up to the sequence was on the disk when a barrier began that has returned.
  func durableMark(_ sequence: UInt64) -> Mutation {
    DurableMark(sequence: sequence, wallMilliseconds: UInt64(clamping: time.wallMilliseconds())).mutation(folder)
  }

  func markedSequence() throws(SoftadastraError) -> UInt64 { try DurableMark.read(folder, in: store)?.sequence ?? 0 }

  /// After local work was recorded: its mark follows in a while, one for all that comes until then.
  func markDurableSoon() {
    guard !isMarkDue else { return }
    isMarkDue = true
    Task {
      await self.time.sleep(nanoseconds: Self.markDelayNanoseconds)
      self.isMarkDue = false
      if self.isRunning { await self.markDurable() }
    }
  }

  /// Makes what is recorded durable on disk, and says so. What fails is tried with the next mark: until then more is
  /// checked after a power loss.
  public func markDurable() async {
    let sequence = store.durableSequence
    let since = (try? markedSequence()) ?? 0
    guard !store.changes(prefix: StoreKey.filePrefix(folder), since: since, limit: 1).entries.isEmpty else { return }
    let volume = self.volume
    let isDone = await pool.run { (try? volume.barrier()) != nil }
    guard isDone else { return }
    _ = try? store.commit([durableMark(sequence)])
  }
}
