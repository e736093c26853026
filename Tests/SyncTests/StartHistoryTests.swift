import SoftadastraCore
import SoftadastraSync
import TestSupport
import Testing

@Suite struct StartHistoryTests {
  private static func history(_ starts: (UInt64, UInt64)...) -> StartHistory {
    StartHistory(starts.map { StartHistory.Start(nonce: $0.0, nextCounter: $0.1) })
  }

  /// Own starts, those known elsewhere, the highest counter seen there, the fork.
  @Test(
    arguments: [
      // Nothing known, and the same known.
      ([(1, 1)], [], 0, nil),
      ([(1, 1)], [(1, 1)], 40, nil),
      // An ordinary restart: the others have not heard of it.
      ([(1, 1), (2, 41)], [(1, 1)], 40, nil),
      // A backup of counter 20, restored when the others knew 40.
      ([(1, 1), (3, 21)], [(1, 1)], 40, 21),
      // The same, after another start that the backup does not know.
      ([(1, 1), (3, 21)], [(1, 1), (2, 31)], 40, 21),
      // A copy was started elsewhere while this node ran on.
      ([(1, 1)], [(1, 1), (2, 50)], 55, 50),
      // Both branches have started again.
      ([(1, 1), (4, 60)], [(1, 1), (2, 50)], 55, 50),
      ([(1, 1), (2, 50)], [(1, 1), (4, 60)], 70, 50),
      // The others know the start record and nothing else of that life.
      ([(1, 1), (3, 21)], [(1, 1), (2, 21)], 0, 21),
      // Before what is remembered nothing is known.
      ([(9, 100)], [(1, 1), (9, 100)], 120, nil),
      ([(9, 100)], [(1, 1)], 99, nil),
      ([(9, 100)], [(1, 1)], 100, 100),
    ] as [([(UInt64, UInt64)], [(UInt64, UInt64)], UInt64, UInt64?)])
  func aForkIsTheFirstCounterOfTwoLives(
    own: [(UInt64, UInt64)], known: [(UInt64, UInt64)], seen: UInt64, fork: UInt64?
  ) {
    let own = StartHistory(own.map { StartHistory.Start(nonce: $0.0, nextCounter: $0.1) })
    let known = StartHistory(known.map { StartHistory.Start(nonce: $0.0, nextCounter: $0.1) })
    #expect(own.fork(against: known, seen: seen) == fork)
  }

  @Test func aStartThatLeftNoVersionGivesItsCounterToTheNext() {
    var history = Self.history((1, 1), (2, 10))
    history.begin(StartHistory.Start(nonce: 3, nextCounter: 10))
    #expect(history == Self.history((1, 1), (3, 10)))
    for number in 0..<100 {
      history.begin(StartHistory.Start(nonce: 100 + UInt64(number), nextCounter: 20 + UInt64(number)))
    }
    #expect(history.starts.count == StartHistory.maxStarts)
    #expect(history.nonce(of: 119) == 199 && history.nonce(of: 1) == nil)
  }

  /// A replica's state that is written, started, backed up, restored and copied at random, beside a log of who really
  /// handed out which counter.
  @Test(arguments: 1...300)
  func itFindsExactlyTheRealForks(seed: Int) {
    struct Branch {
      var history = StartHistory()
      var counter: UInt64 = 0
      /// Which version each counter names in this branch: a number of its own.
      var versions: [UInt64: UInt64] = [:]
    }
    var random = SeededGenerator(seed: UInt64(seed))
    var made: UInt64 = 0
    func write(_ branch: inout Branch) {
      made += 1
      branch.counter += 1
      branch.versions[branch.counter] = made
    }
    func start(_ branch: inout Branch) {
      branch.history.begin(StartHistory.Start(nonce: random.next(), nextCounter: branch.counter + 1))
      write(&branch)
    }
    var branch = Branch()
    start(&branch)
    var branches = [branch]
    for _ in 0..<40 {
      let index = Int.random(in: 0..<branches.count, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0:
        // A backup, restored or copied: it always starts before it writes.
        var copy = branches[index]
        start(&copy)
        branches.append(copy)
      case 1: start(&branches[index])
      default: write(&branches[index])
      }
    }
    for own in branches {
      for other in branches {
        let real = other.versions.keys.filter { own.history.nonce(of: $0) != nil }.sorted().first {
          // A counter that this branch has not handed out yet is taken all the same.
          own.versions[$0] != other.versions[$0]
        }
        #expect(own.history.fork(against: other.history, seen: other.counter) == real)
      }
    }
  }

  @Test func theCodingIsBounded() throws {
    let message = SyncMessage.recognised(
      SyncMessage.Recognition(
        replica: ReplicaID(rawValue: 7), counter: 300, history: Self.history((1, 1), (2, 200), (3, 299))))
    let bytes = message.encoded()
    let decoded = try SyncMessage.decode(kind: message.kind, SharedBytes(bytes))
    #expect(decoded == message)
    for copy in damagedCopies(of: bytes, seed: 3) {
      _ = try? SyncMessage.decode(kind: message.kind, SharedBytes(copy))
    }
  }
}
