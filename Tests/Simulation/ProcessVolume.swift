import Glibc
import SoftadastraCore
import SoftadastraFS
import Synchronization
import TestSupport

/// A machine's volume as one process sees it: it ends with the process, and users work in it between any two calls.
final class ProcessVolume: Volume {
  private let volume: MemoryVolume
  private let isDead = Mutex(false)
  /// Before each call: a chance for somebody else to work on the volume, or for the process to die.
  private let interrupt: @Sendable () -> Void
  private let emit: @Sendable (WatchEvent) -> Void
  private let replacing = Mutex<BytePath?>(nil)

  /// What lies at this path was looked at and is about to be taken away, while somebody else works on the volume.
  var pathBeingReplaced: BytePath? { replacing.withLock(\.self) }

  init(
    _ volume: MemoryVolume, interrupt: @escaping @Sendable () -> Void, emit: @escaping @Sendable (WatchEvent) -> Void
  ) {
    self.volume = volume
    self.interrupt = interrupt
    self.emit = emit
  }

  var heldAttributes: HeldAttributes { volume.heldAttributes }

  func die() { isDead.withLock { $0 = true } }

  private func call<T>(
    replacing path: BytePath? = nil, _ body: () throws(SoftadastraError) -> T
  ) throws(SoftadastraError) -> T {
    replacing.withLock { $0 = path }
    interrupt()
    replacing.withLock { $0 = nil }
    if isDead.withLock({ $0 }) { throw .system(EIO, "cannot work on", at: volume.location) }
    return try body()
  }

  /// The same for what changes a path, which the watcher reports.
  private func change<T>(_ paths: BytePath..., body: () throws(SoftadastraError) -> T) throws(SoftadastraError) -> T {
    let result = try call(body)
    for path in paths where !path.isReserved { emit(.changed(path)) }
    return result
  }

  /// The same for what comes with all that is below it.
  private func bring<T>(_ path: BytePath, body: () throws(SoftadastraError) -> T) throws(SoftadastraError) -> T {
    let result = try call(body)
    let isDirectory = (try? volume.status(path))??.kind == .directory
    if !path.isReserved { emit(isDirectory ? .subtreeChanged(path) : .changed(path)) }
    return result
  }

  private func takeAway<T>(_ path: BytePath, body: () throws(SoftadastraError) -> T) throws(SoftadastraError) -> T {
    let result = try call(replacing: path, body)
    if !path.isReserved { emit(.changed(path)) }
    return result
  }

  var location: String { volume.location }

  func status(_ path: BytePath) throws(SoftadastraError) -> FileStatus? {
    try call { () throws(SoftadastraError) in try volume.status(path) }
  }
  func list(_ directory: BytePath) throws(SoftadastraError) -> [DirectoryItem] {
    try call { () throws(SoftadastraError) in try volume.list(directory) }
  }
  func openForReading(_ path: BytePath) throws(SoftadastraError) -> any ReadableFile {
    try call { () throws(SoftadastraError) in try volume.openForReading(path) }
  }
  func openForReading(_ path: BytePath, lookedAt status: FileStatus) throws(SoftadastraError) -> any ReadableFile {
    try call { () throws(SoftadastraError) in try volume.openForReading(path, lookedAt: status) }
  }
  func readLink(_ path: BytePath) throws(SoftadastraError) -> [UInt8] {
    try call { () throws(SoftadastraError) in try volume.readLink(path) }
  }
  func stage(permissions: UInt16) throws(SoftadastraError) -> any StagedFile {
    try call { () throws(SoftadastraError) in try volume.stage(permissions: permissions) }
  }
  func stage(named name: String) throws(SoftadastraError) -> any StagedFile {
    try call { () throws(SoftadastraError) in try volume.stage(named: name) }
  }
  func openStaged(_ name: String) throws(SoftadastraError) -> any StagedFile {
    try call { () throws(SoftadastraError) in try volume.openStaged(name) }
  }
  func stagedNames() throws(SoftadastraError) -> [String] {
    try call { () throws(SoftadastraError) in try volume.stagedNames() }
  }
  func removeStaged(_ name: String) throws(SoftadastraError) {
    try call { () throws(SoftadastraError) in try volume.removeStaged(name) }
  }
  func renameStaged(_ name: String, to other: String) throws(SoftadastraError) {
    try call { () throws(SoftadastraError) in try volume.renameStaged(name, to: other) }
  }
  func stagedStatus(_ name: String) throws(SoftadastraError) -> FileStatus? {
    try call { () throws(SoftadastraError) in try volume.stagedStatus(name) }
  }
  func link(_ file: any StagedFile, at path: BytePath) throws(SoftadastraError) -> FileStatus {
    try change(path) { () throws(SoftadastraError) in try volume.link(file, at: path) }
  }
  func exchange(_ file: any StagedFile, at path: BytePath) throws(SoftadastraError) -> (FileStatus, Displaced) {
    try takeAway(path) { () throws(SoftadastraError) in try volume.exchange(file, at: path) }
  }
  func displace(_ path: BytePath) throws(SoftadastraError) -> Displaced {
    try takeAway(path) { () throws(SoftadastraError) in try volume.displace(path) }
  }
  func replace(_ displaced: Displaced, at path: BytePath) throws(SoftadastraError) -> FileStatus {
    try bring(path) { () throws(SoftadastraError) in try volume.replace(displaced, at: path) }
  }
  func swapBack(_ displaced: Displaced, at path: BytePath) throws(SoftadastraError) -> Displaced {
    try bring(path) { () throws(SoftadastraError) in try volume.swapBack(displaced, at: path) }
  }
  func discard(_ displaced: Displaced, from path: BytePath, keep: Bool) throws(SoftadastraError) {
    try call { () throws(SoftadastraError) in try volume.discard(displaced, from: path, keep: keep) }
  }
  func retire(_ path: BytePath, as reason: VersionReason) throws(SoftadastraError) -> ArchivedFile? {
    try takeAway(path) { () throws(SoftadastraError) in try volume.retire(path, as: reason) }
  }
  func bringBack(_ file: ArchivedFile, at path: BytePath) throws(SoftadastraError) -> FileStatus {
    try bring(path) { () throws(SoftadastraError) in try volume.bringBack(file, at: path) }
  }
  func makeSymlink(_ target: [UInt8], at path: BytePath, modifiedNanoseconds: Int64) throws(SoftadastraError)
    -> FileStatus
  {
    try change(path) { () throws(SoftadastraError) in
      try volume.makeSymlink(target, at: path, modifiedNanoseconds: modifiedNanoseconds)
    }
  }
  func makeDirectory(_ path: BytePath, permissions: UInt16) throws(SoftadastraError) -> FileStatus {
    let status = try call { () throws(SoftadastraError) in
      try volume.makeDirectory(path, permissions: permissions)
    }
    if !path.isReserved { emit(.subtreeChanged(path)) }
    return status
  }
  func removeDirectory(_ path: BytePath) throws(SoftadastraError) {
    try change(path) { () throws(SoftadastraError) in try volume.removeDirectory(path) }
  }
  func setPermissions(ofDirectory path: BytePath, _ permissions: UInt16) throws(SoftadastraError) -> FileStatus {
    try change(path) { () throws(SoftadastraError) in try volume.setPermissions(ofDirectory: path, permissions) }
  }
  func setAttributes(
    _ path: BytePath, permissions: UInt16, modifiedNanoseconds: Int64, expecting fingerprint: UInt64
  ) throws(SoftadastraError) -> FileStatus {
    try change(path) { () throws(SoftadastraError) in
      try volume.setAttributes(
        path, permissions: permissions, modifiedNanoseconds: modifiedNanoseconds, expecting: fingerprint)
    }
  }
  func move(_ from: BytePath, to: BytePath) throws(SoftadastraError) -> FileStatus {
    let status = try call { () throws(SoftadastraError) in try volume.move(from, to: to) }
    emit(.moved(from: from, to: to, isDirectory: status.kind == .directory))
    return status
  }
  func barrier() throws(SoftadastraError) { try call { () throws(SoftadastraError) in try volume.barrier() } }
  func freeBytes() throws(SoftadastraError) -> UInt64 {
    try call { () throws(SoftadastraError) in try volume.freeBytes() }
  }
}
