internal import CLinux
internal import Glibc
internal import SoftadastraCore
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraTransport

/// A state directory that was copied, or restored from a backup, becomes a node of its own: the original may still run,
/// and two nodes with one key could not even talk to each other.
///
/// It takes a new replica ID and a new key, and the old key signs the new one's member record: that is how the others
/// let it in (`JoinMessage.introduction`). The new key lies in `identity.new` until the record is durable; then the two
/// directories change places, and the store records its new place. Interrupted at any point it is done again from
/// there.
struct IdentityRenewal {
  let home: Home
  let store: Store
  let old: DeviceIdentity
  let place: StorePlace

  /// The identity to go on with.
  func run(in group: GroupState, name: String) async throws(SoftadastraError) -> DeviceIdentity {
    let settings = NodeSettings(store: store)
    if let introduction = settings.introduction(), introduction.node == old.nodeID {
      // The directories have changed places already.
      try await finish()
      return old
    }
    let new = try NodeFiles.loadIdentity(at: home.newIdentityDirectory)
    _ = try await ReplicaStart.begin(store, node: new.nodeID, nonce: SystemRandom().next(), isCopy: true)
    let member = try MemberRecord.make(new.publicKey, name: name, in: group.id, by: old)
    let key = MemberRecord.storeKey(new.nodeID)
    let version = store.newVersion(basedOn: VersionVector(), author: new.nodeID.tag)
    try await store.wait(
      try store.commit([
        .put(key: key, value: member.encoded(), version: version), settings.introductionMutation(member),
      ]))
    let result = linux_rename(
      AT_FDCWD, home.newIdentityDirectory, AT_FDCWD, home.identityDirectory, linux_rename_exchange)
    guard result == 0 else { throw SoftadastraError.system(-result, "renew identity", at: home.identityDirectory) }
    try NodeFiles.syncDirectory(home.path)
    try await finish()
    return new
  }

  private func finish() async throws(SoftadastraError) {
    try await store.wait(try store.commit([place.mutation]))
    NodeFiles.removeIdentity(at: home.newIdentityDirectory)
  }
}

extension StorePlace {
  /// Of a directory on this machine.
  static func current(_ directory: String) throws(SoftadastraError) -> StorePlace {
    var status = stat()
    guard stat(directory, &status) == 0 else { throw SoftadastraError.system(errno, "look at", at: directory) }
    let machine = (try? NodeFiles.read("/etc/machine-id")) ?? ""
    return StorePlace(
      machine: String(machine.prefix { !$0.isWhitespace }.prefix(64)), inode: UInt64(status.st_ino),
      born: linux_birth(directory))
  }
}
