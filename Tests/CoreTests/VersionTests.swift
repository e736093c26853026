import SoftadastraCore
import TestSupport
import Testing

@Suite struct VersionTests {
  /// Some versions of one key, as replicas make them that see each other now and then.
  private func history(_ seed: UInt64) -> [Version] {
    var generator = SeededGenerator(seed: seed)
    var versions: [Version] = []
    var counters: [UInt64] = [0, 0, 0]
    for _ in 0..<12 {
      let replica = Int.random(in: 0..<3, using: &generator)
      counters[replica] += 1
      let base = Bool.random(using: &generator) ? versions.randomElement(using: &generator)?.vector : nil
      versions.append(
        Version(
          vector: base ?? VersionVector(),
          dot: Dot(replica: ReplicaID(rawValue: UInt64(replica + 1)), counter: counters[replica]),
          stamp: HybridTimestamp(rawValue: UInt64.random(in: 0...5, using: &generator)),
          author: AuthorTag(rawValue: UInt64.random(in: 0...1, using: &generator)),
          origin: Bool.random(using: &generator) ? versions.randomElement(using: &generator)?.dot : nil))
    }
    return versions
  }

  @Test(arguments: 0..<100 as Range<UInt64>) func comparisonIsAntisymmetric(seed: UInt64) {
    for a in history(seed) {
      for b in history(seed) {
        switch a.compare(b) {
        case .same: #expect(a.dot == b.dot)
        case .newer: #expect(b.compare(a) == .older)
        case .older: #expect(b.compare(a) == .newer)
        case .concurrent: #expect(b.compare(a) == .concurrent)
        }
      }
    }
  }

  /// A kept 1 against the deletion 2; C, who had made 1, edited or deleted it without knowing of that.
  @Test func whoHadSeenTheContentSupersedesWhatCarriesItOn() {
    func dot(_ replica: UInt64, _ counter: UInt64) -> Dot {
      Dot(replica: ReplicaID(rawValue: replica), counter: counter)
    }
    func version(_ dot: Dot, _ seen: [Dot], _ stamp: UInt64, origin: Dot? = nil) -> Version {
      var vector = VersionVector()
      for dot in seen { vector.add(dot) }
      return Version(
        vector: vector, dot: dot, stamp: HybridTimestamp(rawValue: stamp), author: AuthorTag(rawValue: 1),
        origin: origin)
    }
    let made = version(dot(3, 1), [], 1)
    let deleted = version(dot(2, 1), [], 2)
    let renewed = version(dot(1, 1), [made.dot, deleted.dot], 9, origin: made.dot)
    let edited = version(dot(3, 2), [made.dot], 3)
    #expect(renewed.compare(made) == .newer && renewed.compare(deleted) == .newer)
    #expect(edited.compare(renewed) == .newer && renewed.compare(edited) == .older)
    #expect(edited.compare(deleted) == .concurrent)
    // Another one who kept it: the same content, the total order decides.
    let renewedToo = version(dot(4, 1), [made.dot, deleted.dot], 8, origin: made.dot)
    #expect(renewed.compare(renewedToo) == .concurrent && edited.compare(renewedToo) == .newer)
    // An edit of what was kept has an origin of its own.
    let next = version(dot(1, 2), [renewed.dot, made.dot, deleted.dot], 10)
    #expect(next.compare(edited) == .concurrent)
    // Whoever has seen the new version itself is newer, whatever origins say.
    let kept = version(dot(4, 2), [edited.dot, made.dot, renewed.dot], 11, origin: renewed.dot)
    #expect(kept.compare(edited) == .newer)
  }

  @Test func theOriginIsWritten() throws {
    for version in history(7) {
      var writer = ByteWriter()
      writer.version(version)
      let copy = try writer.bytes.withUnsafeBytes { bytes in
        var reader = ByteReader(bytes)
        return try reader.version()
      }
      #expect(copy == version)
    }
    #expect(history(7).contains { $0.origin != $0.dot })
  }

  @Test(arguments: 0..<100 as Range<UInt64>) func winningIsATotalOrder(seed: UInt64) {
    let all = history(seed)
    for a in all {
      #expect(!a.wins(over: a))
      for b in all where a.dot != b.dot {
        #expect(a.wins(over: b) != b.wins(over: a))
        for c in all where a.wins(over: b) && b.wins(over: c) { #expect(a.wins(over: c)) }
      }
    }
  }

  @Test(arguments: 0..<100 as Range<UInt64>) func absorbing(seed: UInt64) {
    let all = history(seed)
    for a in all {
      #expect(a.absorbing(a) == a)
      for b in all {
        let joined = a.absorbing(b)
        #expect(joined.covers(a) && joined.covers(b))
        #expect(joined.dot == a.dot && joined.stamp == a.stamp)
        #expect(joined.absorbing(b) == joined)
        // The next edit of the survivor supersedes both.
        let next = Version(
          vector: joined.vector, dot: Dot(replica: ReplicaID(rawValue: 99), counter: 1), stamp: a.stamp,
          author: a.author)
        #expect(next.compare(a) == .newer && next.compare(b) == .newer)
      }
    }
  }

  @Test(arguments: 0..<100 as Range<UInt64>) func mergeIsAJoin(seed: UInt64) {
    let vectors = history(seed).map(\.vector)
    for a in vectors {
      for b in vectors {
        var ab = a
        ab.merge(b)
        var ba = b
        ba.merge(a)
        #expect(ab == ba)
        #expect(ab.covers(a) && ab.covers(b))
        #expect(ab.dots == ab.dots.sorted())
      }
    }
  }

  @Test func vector() {
    var vector = VersionVector()
    let a = ReplicaID(rawValue: 1)
    vector.add(Dot(replica: a, counter: 0))
    #expect(vector.isEmpty)
    vector.add(Dot(replica: a, counter: 5))
    vector.add(Dot(replica: a, counter: 3))
    #expect(vector[a] == 5)
    #expect(vector[ReplicaID(rawValue: 2)] == 0)
    #expect(vector.covers(Dot(replica: a, counter: 5)) && !vector.covers(Dot(replica: a, counter: 6)))
  }

  @Test func clockNeverGoesBack() {
    var clock = HybridClock()
    var last = HybridTimestamp(rawValue: 0)
    for wall: Int64 in [1000, 1000, 500, -7, 0, .min, 1001, .max, 3] {
      let next = clock.next(wallMilliseconds: wall)
      #expect(next > last)
      last = next
    }
    let ahead = HybridTimestamp(milliseconds: 1 << 47)
    var other = HybridClock()
    other.observe(ahead)
    #expect(other.next(wallMilliseconds: 1) > ahead)
    var full = HybridClock(last: HybridTimestamp(rawValue: .max))
    #expect(full.next(wallMilliseconds: 1).rawValue == .max)
  }
}
