public import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore

/// A program that had a file open while a peer's version took its place may write on: to a file in the archive.
extension FolderMirror {
  private static let maxNames = 100

  /// Brings a file that was written to in the archive back into the folder, as a conflict copy.
  ///
  /// The file itself is moved, not copied: what the program goes on to write lands in the copy, and is taken in like
  /// any other edit. A file that cannot be moved stays in the archive, with its bytes.
  public func keepLateBytes(_ archived: BytePath, of path: BytePath) async {
    guard isRunning else { return }
    let author = configuration.author
    let volume = self.volume
    let copy: BytePath? = await pool.run {
      guard let status = try? volume.status(archived) else { return nil }
      for number in 0..<UInt64(Self.maxNames) {
        let name = ConflictName.path(
          for: path, modifiedNanoseconds: status.modifiedNanoseconds, by: author,
          contentDigest: status.fingerprint &+ number)
        do throws(SoftadastraError) {
          try Self.makeParents(of: name, on: volume)
          _ = try volume.move(archived, to: name)
          return name
        } catch {
          guard error.code == .conflict else { return nil }
        }
      }
      return nil
    }
    guard let copy else { return }
    lateCopies.insert(copy)
    host.report(.conflict(path, copy: copy))
    handle([.changed(copy)])
  }

  private static func makeParents(of path: BytePath, on volume: any Volume) throws(SoftadastraError) {
    let parent = path.parent
    guard !parent.isRoot, try volume.status(parent) == nil else { return }
    try makeParents(of: parent, on: volume)
    do throws(SoftadastraError) {
      _ = try volume.makeDirectory(parent, permissions: 0o755)
    } catch {
      guard error.code == .conflict else { throw error }
    }
  }
}
