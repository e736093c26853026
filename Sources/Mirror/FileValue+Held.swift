internal import SoftadastraFS

/// What a filesystem shows of a value that holds less than others.
extension FileValue {
  /// A file as it was found.
  init(of status: FileStatus, _ manifest: Manifest) {
    self.init(
      kind: .file(size: status.size, modifiedNanoseconds: status.modifiedNanoseconds, manifest),
      permissions: status.permissions)
  }

  /// This, as it was found on a disk, with what that cannot hold taken from what is known of the file: its permissions, and
  /// its time where its bytes are the same and the time found is what became of it.
  ///
  /// - Parameter known: what the disk is to hold, if anything; of another kind it says nothing.
  func completed(from known: FileValue?, _ held: HeldAttributes) -> FileValue {
    guard held != .all else { return self }
    var value = self
    switch (kind, known?.kind) {
    case (.file(let size, let shown, let manifest), .file(_, let modified, let knownManifest)?):
      // With other bytes it is an edit, and its time another one.
      if manifest.chunks == knownManifest.chunks, held.shows(modified, as: shown) {
        value.kind = .file(size: size, modifiedNanoseconds: modified, manifest)
      }
      if !held.permissions { value.permissions = known!.permissions }
    case (.directory, .directory?):
      if !held.permissions { value.permissions = known!.permissions }
    case (.symlink(let target, let shown), .symlink(let knownTarget, let modified)?):
      if target == knownTarget, held.shows(modified, as: shown) {
        value.kind = .symlink(target: target, modifiedNanoseconds: modified)
      }
    default:
      if !held.permissions, let usual = usualPermissions { value.permissions = usual }
    }
    return value
  }

  /// Of what was made where there are none; symlinks never have any.
  private var usualPermissions: UInt16? {
    switch kind {
    case .file: 0o644
    case .directory: Self.implicitDirectoryPermissions
    case .symlink: nil
    }
  }
}
