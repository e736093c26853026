internal import SoftadastraSync

/// Changes of one feed that came as differences to a version that is not here, until they come whole.
///
/// While there are any, the cursor that is recorded stays where it was: after a cut or a crash the peer sends them again.
struct AwaitedChanges {
  /// The sequence in the peer's log under which each key was announced.
  private var sequences: [[UInt8]: UInt64] = [:]

  var isEmpty: Bool { sequences.isEmpty }

  mutating func insert(_ awaited: [(key: [UInt8], sequence: UInt64)]) {
    for (key, sequence) in awaited { sequences[key] = sequence }
  }

  /// Takes out what has come, under whatever sequence. Returns what is settled by that: the announced sequences under
  /// which nothing is outstanding (any more).
  mutating func answered(by changes: [Change], outstanding: [UInt64]) -> [UInt64] {
    guard !sequences.isEmpty else { return [] }
    return changes.compactMap { change in
      guard let announced = sequences.removeValue(forKey: change.key) else { return nil }
      return outstanding.contains(announced) ? nil : announced
    }
  }
}
