internal import CLinux
internal import Glibc
public import SoftadastraCore

/// A version of a file in the archive.
public struct ArchivedVersion: Sendable, Hashable {
  /// Its place, from the folder's root.
  public let archived: BytePath
  /// What it was called, as far as its name was not shortened.
  public let path: BytePath
  public let name: ArchivedName
  public let status: FileStatus

  /// `2026-01-02T03:04:05.678Z`.
  public var shownTime: String { "\(name.time.iso.dropLast()).\(name.fraction)Z" }

  /// Earlier first; the move into the archive set the ctime.
  public static func precedes(_ a: ArchivedVersion, _ b: ArchivedVersion) -> Bool {
    a.name < b.name || (!(b.name < a.name) && a.status.changedNanoseconds < b.status.changedNanoseconds)
  }
}

/// A folder's versions archive, for looking and for keeping within its limits. Blocks: for worker threads.
public struct VersionsArchive: Sendable {
  public static let root = BytePath(".softadastra/versions")

  public let volume: LinuxVolume

  public init(volume: LinuxVolume) { self.volume = volume }

  // MARK: Looking

  /// The versions of one path, and of what lay below it, earliest first within each path.
  public func versions(of path: BytePath) throws(SoftadastraError) -> [ArchivedVersion] {
    var found: [ArchivedVersion] = []
    if !path.isRoot {
      for directory in places(of: path.parent) {
        found += try versions(in: directory, of: path.parent).filter {
          // Compared in the archived form: a name that was shortened is shortened alike.
          $0.name.applied(to: path.name).elementsEqual($0.archived.name)
        }.map { ArchivedVersion(archived: $0.archived, path: path, name: $0.name, status: $0.status) }
      }
      found.sort(by: ArchivedVersion.precedes)
    }
    try forEachDirectory(below: path) { directory, original throws(SoftadastraError) in
      let here = try versions(in: directory, of: original)
      found += here.sorted { $0.path < $1.path || ($0.path == $1.path && ArchivedVersion.precedes($0, $1)) }
    }
    return found
  }

  /// The directory that a path's versions lie in; two where an archived file bore the directory's name for a while.
  private func places(of directory: BytePath) -> [BytePath] {
    var places = [Self.root]
    for component in directory.components {
      places = places.flatMap { place in
        [place.appending(component), place.appending(Array(component) + [UInt8(ascii: "~")])]
      }.filter { (try? volume.status($0))?.kind == .directory }
    }
    return places
  }

  private func versions(in directory: BytePath, of original: BytePath) throws(SoftadastraError) -> [ArchivedVersion] {
    try items(in: directory).compactMap { item in
      guard let name = ArchivedName(parsing: item.name), let plain = ArchivedName.original(of: item.name) else {
        return nil
      }
      return ArchivedVersion(
        archived: directory.appending(item.name), path: original.appending(plain), name: name, status: item.status)
    }
  }

  private func items(in directory: BytePath) throws(SoftadastraError) -> [DirectoryItem] {
    do throws(SoftadastraError) {
      return try volume.list(directory)
    } catch {
      if error.code == .notFound { return [] }
      throw error
    }
  }

  /// Every directory of the archive at and below the original path, one at a time; deepest last.
  private func forEachDirectory(
    below path: BytePath, _ body: (BytePath, BytePath) throws(SoftadastraError) -> Void
  ) throws(SoftadastraError) {
    var stack = places(of: path).map { ($0, path) }
    while let (directory, original) = stack.popLast() {
      try body(directory, original)
      for item in try items(in: directory).sorted(by: { $1.name.lexicographicallyPrecedes($0.name) })
      where item.status.kind == .directory && ArchivedName(parsing: item.name) == nil {
        stack.append((directory.appending(item.name), original.appending(item.name)))
      }
    }
  }

  // MARK: Keeping within limits

  public struct Sweep: Sendable, Hashable {
    public var removed = 0
    public var removedBytes: UInt64 = 0
    public var keptBytes: UInt64 = 0
    /// Kept whatever the policy says: written to after they had left the folder.
    public var writtenLate: [ArchivedVersion] = []
  }

  /// Removes what the policy has no room for. Memory grows with the largest directory, not with the archive.
  ///
  /// - Parameter isInUse: true for a version that must stay whatever the policy says: somebody still writes to it.
  public func sweep(
    _ policy: VersionsPolicy, now: UTCTime, isInUse: (ArchivedVersion) -> Bool = { _ in false }
  ) throws(SoftadastraError) -> Sweep {
    var result = Sweep()
    // Bytes kept, by the hour they left the folder in: enough to find from where on they fit.
    var bytesByHour: [Int64: UInt64] = [:]
    try forEachDirectory(below: .root) { directory, original throws(SoftadastraError) in
      for (_, group) in Dictionary(grouping: try versions(in: directory, of: original), by: \.path) {
        let surplus = Set(policy.surplus(group.map(\.name.time), now: now))
        for (index, version) in group.enumerated() {
          if version.wasWrittenLate {
            result.writtenLate.append(version)
          } else if surplus.contains(index), !isInUse(version) {
            try remove(version, &result)
          } else {
            bytesByHour[version.hour, default: 0] += version.status.size
            result.keptBytes += version.status.size
          }
        }
      }
    }
    if policy.maxBytes > 0, result.keptBytes > policy.maxBytes {
      var excess = result.keptBytes - policy.maxBytes
      var lastHour: Int64?
      for (hour, bytes) in bytesByHour.sorted(by: { $0.key < $1.key }) {
        lastHour = hour
        if bytes >= excess { break }
        excess -= bytes
      }
      try removeOldest(through: lastHour ?? .max, downTo: policy.maxBytes, isInUse, &result)
    }
    try removeEmptyDirectories()
    return result
  }

  /// Everything from before the hour, then of the hour itself until the rest fits.
  private func removeOldest(
    through hour: Int64, downTo bytes: UInt64, _ isInUse: (ArchivedVersion) -> Bool, _ result: inout Sweep
  ) throws(SoftadastraError) {
    for isLastHour in [false, true] {
      try forEachDirectory(below: .root) { directory, original throws(SoftadastraError) in
        for version in try versions(in: directory, of: original).sorted(by: ArchivedVersion.precedes)
        where isLastHour ? version.hour == hour : version.hour < hour {
          guard result.keptBytes > bytes, !version.wasWrittenLate, !isInUse(version) else { continue }
          try remove(version, &result)
          result.keptBytes -= min(result.keptBytes, version.status.size)
        }
      }
    }
  }

  private func remove(_ version: ArchivedVersion, _ result: inout Sweep) throws(SoftadastraError) {
    // Into the staging area's trash first: also a directory then goes whole, and a crash leaves only trash.
    try volume.removeStaged(try volume.displace(version.archived).stagedName)
    result.removed += 1
    result.removedBytes += version.status.size
  }

  /// One that was changed lately may be about to receive a file: it waits for another sweep.
  private func removeEmptyDirectories() throws(SoftadastraError) {
    let quietBefore = (SystemTime().wallMilliseconds() / 1000 - Self.quietSeconds) * 1_000_000_000
    var directories: [BytePath] = []
    try forEachDirectory(below: .root) { directory, _ throws(SoftadastraError) in
      guard directory != Self.root, let status = try volume.status(directory) else { return }
      if status.modifiedNanoseconds < quietBefore { directories.append(directory) }
    }
    for directory in directories.reversed() { try? volume.removeDirectory(directory) }
  }

  private static let quietSeconds: Int64 = 3600
}

extension ArchivedVersion {
  /// The move into the archive changes the ctime, a write after it both times. A second of tolerance, since the name
  /// has no fraction; what comes earlier is noticed while the program runs.
  public var wasWrittenLate: Bool {
    let left = name.time.secondsSince1970
    return status.kind == .file && status.changedNanoseconds / 1_000_000_000 > left + 1
      && status.modifiedNanoseconds / 1_000_000_000 > left
  }

  fileprivate var hour: Int64 { name.time.secondsSince1970 / 3600 }
}
