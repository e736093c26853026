public import SoftadastraCore

/// One folder's filesystem, seen from its root: everything the mirror does to a disk goes through here.
///
/// Paths are relative to the root and are resolved beneath it without following any symlink, whatever another process
/// swaps in meanwhile. Calls block; run them on worker threads. A file that vanished is `nil` from `status` and
/// `.notFound` elsewhere. `LinuxVolume` is the real one; the tests have one in memory.
public protocol Volume: Sendable {
  /// For messages: the absolute path of the root.
  var location: String { get }

  /// What its filesystem keeps of what a file is given. The same from the time on at which the folder begins.
  var heldAttributes: HeldAttributes { get }

  /// lstat. Nil if the path or one of its parents does not exist.
  func status(_ path: BytePath) throws(SoftadastraError) -> FileStatus?
  /// A complete, error-free listing, or an error. Unsorted; names that vanished between listing and stat are left out.
  func list(_ directory: BytePath) throws(SoftadastraError) -> [DirectoryItem]
  func openForReading(_ path: BytePath) throws(SoftadastraError) -> any ReadableFile
  /// The same without a look of its own, for one who has just looked, found a regular file, and will look again:
  /// `status` may become `statusWhenOpened`.
  func openForReading(_ path: BytePath, lookedAt status: FileStatus) throws(SoftadastraError) -> any ReadableFile
  func readLink(_ path: BytePath) throws(SoftadastraError) -> [UInt8]

  /// A new unnamed file (O_TMPFILE; where missing, a named one in the staging area) for content that is complete later.
  func stage(permissions: UInt16) throws(SoftadastraError) -> any StagedFile
  /// A named file in the staging area that survives a restart: for large transfers. Kept if it is there already.
  func stage(named name: String) throws(SoftadastraError) -> any StagedFile
  /// A file that lies in the staging area. Throws `notFound` if there is none: what is complete is never made anew, empty.
  func openStaged(_ name: String) throws(SoftadastraError) -> any StagedFile
  /// What the staging area holds by name.
  func stagedNames() throws(SoftadastraError) -> [String]
  func removeStaged(_ name: String) throws(SoftadastraError)
  /// Never over another one.
  func renameStaged(_ name: String, to other: String) throws(SoftadastraError)
  /// What lies under a staged name; with it a start after a crash can rebuild the `Displaced` of an open intent.
  func stagedStatus(_ name: String) throws(SoftadastraError) -> FileStatus?

  /// Gives the staged file its name. Fails with `.conflict` if the name is taken; `.notFound` if the parent is missing.
  /// Returns the status after linking.
  func link(_ file: any StagedFile, at path: BytePath) throws(SoftadastraError) -> FileStatus
  /// Puts the staged file in the place of `path` in one step, and the old file into the staging area, under a new name.
  /// Where it fails the staged file keeps its own.
  /// Returns the status now at `path`, and a handle to what was swapped out.
  func exchange(_ file: any StagedFile, at path: BytePath) throws(SoftadastraError) -> (FileStatus, Displaced)
  /// Moves a file, symlink or directory tree out of the folder into the staging area in one step (trash).
  func displace(_ path: BytePath) throws(SoftadastraError) -> Displaced
  /// Moves what was displaced (back) to a free name. `.conflict` if taken.
  func replace(_ displaced: Displaced, at path: BytePath) throws(SoftadastraError) -> FileStatus
  /// Swaps what was displaced with what lies at the path by now, and returns that. `.unsupported` where names cannot be
  /// exchanged in one step.
  func swapBack(_ displaced: Displaced, at path: BytePath) throws(SoftadastraError) -> Displaced
  /// Puts what was displaced into the versions archive, or purges it if `keep` is false.
  func discard(_ displaced: Displaced, from path: BytePath, keep: Bool) throws(SoftadastraError)
  /// Puts what was displaced into the versions archive, with the reason; returns where, if the volume can tell.
  @discardableResult
  func archive(_ displaced: Displaced, from path: BytePath, as reason: VersionReason) throws(SoftadastraError)
    -> BytePath?

  /// Moves a file or symlink out of the folder straight into the versions archive, in one step; nil, with nothing
  /// done, from a volume that knows no such step. The status is the one it has now.
  func retire(_ path: BytePath, as reason: VersionReason) throws(SoftadastraError) -> ArchivedFile?
  /// Takes an archived version back into the staging area, to be changed in place: its content is as it was. False, with
  /// nothing done, if anybody else has it open or by another name, or wrote to it, or where that cannot be told.
  func reuse(_ file: ArchivedFile, as stagedName: String) throws(SoftadastraError) -> Bool
  /// Moves what was retired (back) to a free name. `.conflict` if taken.
  func bringBack(_ file: ArchivedFile, at path: BytePath) throws(SoftadastraError) -> FileStatus

  func makeSymlink(_ target: [UInt8], at path: BytePath, modifiedNanoseconds: Int64) throws(SoftadastraError)
    -> FileStatus
  /// `.conflict` if the name is taken by anything, a directory included.
  func makeDirectory(_ path: BytePath, permissions: UInt16) throws(SoftadastraError) -> FileStatus
  /// Only an empty one; `.conflict` otherwise.
  func removeDirectory(_ path: BytePath) throws(SoftadastraError)
  /// `.changed` where that is no directory (any more): it is somebody's, and so is its mode.
  func setPermissions(ofDirectory path: BytePath, _ permissions: UInt16) throws(SoftadastraError) -> FileStatus
  /// Of a regular file that still has this fingerprint, else `.changed` and nothing is done: a new time would hide what
  /// somebody wrote to it meanwhile.
  func setAttributes(
    _ path: BytePath, permissions: UInt16, modifiedNanoseconds: Int64, expecting fingerprint: UInt64
  ) throws(SoftadastraError) -> FileStatus
  /// RENAME_NOREPLACE; `.conflict` if `to` is taken.
  func move(_ from: BytePath, to: BytePath) throws(SoftadastraError) -> FileStatus

  /// Runs the closure, on this thread; what it calls may keep directories open in between.
  func holdDirectories(while body: () -> Void)

  /// Runs the closure, on this thread, with a directory opened up that its owner has made read-only; who looks at it
  /// meanwhile is told the mode it had. False, with nothing done, if that is not what keeps us from writing.
  func openingUp(_ directory: BytePath, _ body: () -> Void) -> Bool

  /// Everything done so far is on the disk when this returns (syncfs).
  func barrier() throws(SoftadastraError)
  /// Bytes free for this user.
  func freeBytes() throws(SoftadastraError) -> UInt64
  /// Free bytes, and all there are; 0 in all where the volume cannot tell.
  func space() throws(SoftadastraError) -> VolumeSpace
}

/// How much room a filesystem has.
public struct VolumeSpace: Sendable, Hashable {
  /// For this user.
  public var free: UInt64
  public var total: UInt64
  public init(free: UInt64, total: UInt64) {
    self.free = free
    self.total = total
  }
}

extension Volume {
  public func holdDirectories(while body: () -> Void) { body() }

  public func openingUp(_ directory: BytePath, _ body: () -> Void) -> Bool { false }

  public func holdingDirectories<T>(_ body: () -> T) -> T {
    var result: T?
    holdDirectories { result = body() }
    return result!
  }

  /// Runs the closure, and once more where it is refused and the directory that `path` lies in, or the deepest above it that
  /// exists, could be opened up.
  public func openingUpParent<T>(
    of path: BytePath, _ body: () throws(SoftadastraError) -> T
  ) throws(SoftadastraError) -> T {
    do throws(SoftadastraError) {
      return try body()
    } catch {
      guard error.code == .permission, !path.isRoot else { throw error }
      var directory = path.parent
      while !directory.isRoot, (try? status(directory)) ?? nil == nil { directory = directory.parent }
      var again: Result<T, SoftadastraError>?
      let isOpened = openingUp(directory) {
        do throws(SoftadastraError) { again = .success(try body()) } catch { again = .failure(error) }
      }
      guard isOpened, let again else { throw error }
      return try again.get()
    }
  }

  public func openForReading(_ path: BytePath, lookedAt status: FileStatus) throws(SoftadastraError)
    -> any ReadableFile
  {
    try openForReading(path)
  }

  public func space() throws(SoftadastraError) -> VolumeSpace { VolumeSpace(free: try freeBytes(), total: 0) }

  @discardableResult
  public func archive(
    _ displaced: Displaced, from path: BytePath, as reason: VersionReason
  ) throws(SoftadastraError) -> BytePath? {
    try discard(displaced, from: path, keep: true)
    return nil
  }

  public func retire(_ path: BytePath, as reason: VersionReason) throws(SoftadastraError) -> ArchivedFile? { nil }

  public func reuse(_ file: ArchivedFile, as stagedName: String) throws(SoftadastraError) -> Bool { false }

  public func bringBack(_ file: ArchivedFile, at path: BytePath) throws(SoftadastraError) -> FileStatus {
    try move(file.archived, to: path)
  }

  public func stagedStatus(_ name: String) throws(SoftadastraError) -> FileStatus? {
    throw SoftadastraError(.unsupported, "cannot look at", at: name, why: "this volume does not tell")
  }
}

/// An open file that is read at absolute positions.
public protocol ReadableFile: AnyObject, Sendable {
  /// When it was opened: costs nothing more.
  var statusWhenOpened: FileStatus { get }
  func status() throws(SoftadastraError) -> FileStatus
  /// Fewer bytes than asked only at the end.
  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(SoftadastraError) -> Int
  /// The first byte at or after `offset` that is data, for sparse files; nil if only a hole remains.
  func nextData(from offset: UInt64) throws(SoftadastraError) -> Range<UInt64>?
}

/// A file being made, not yet part of the folder.
public protocol StagedFile: AnyObject, Sendable {
  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(SoftadastraError)
  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(SoftadastraError) -> Int
  /// Copies inside the kernel where it can (copy_file_range).
  func copy(from source: any ReadableFile, at sourceOffset: UInt64, to offset: UInt64, count: UInt64)
    throws(SoftadastraError)
  /// Sets the final size (the tail becomes a hole), permissions and mtime, in this order.
  func finish(size: UInt64, permissions: UInt16, modifiedNanoseconds: Int64) throws(SoftadastraError)
  /// fdatasync.
  func sync() throws(SoftadastraError)
  /// Has the disk begin to write what was written so far, so that `sync` finds less to do. Does not wait.
  func beginWriteback()
}

extension StagedFile {
  public func beginWriteback() {}
}

/// Something that was taken out of the folder and now lies in its staging area under this name.
public struct Displaced: Sendable, Hashable {
  public let stagedName: String
  public let status: FileStatus
  public init(stagedName: String, status: FileStatus) {
    self.stagedName = stagedName
    self.status = status
  }
}
