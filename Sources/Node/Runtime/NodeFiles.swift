internal import Glibc
internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraTransport
internal import SoftadastraWAL

/// Opens what lies in a node's home: its identity, its store, its group. The store's lock guards all of it.
struct NodeFiles: Sendable {
  let identity: DeviceIdentity
  let store: Store
  let group: GroupState
  /// What is to be told at start: the home was copied, its key replaced.
  let notices: [String]

  /// Of small values read again and again; part of the memory that an idle node holds.
  private static let valueCacheBytes = 4 << 20

  static func open(_ home: Home, _ options: NodeOptions, create: Bool) async throws(SoftadastraError) -> NodeFiles {
    if let why = SettingRules.refusal(.text(options.name.value), for: .name) {
      throw SoftadastraError(.invalid, "name", why: why)
    }
    if create {
      try makeDirectory(home.path)
    } else if access(home.logDirectory, F_OK) != 0 {
      throw SoftadastraError(
        .notFound, "home", at: home.path, why: "there is no node yet", hint: "start one with: softadastra watch DIR")
    }
    try makeDirectory(home.logDirectory)
    var storeOptions = StoreOptions()
    storeOptions.durability = options.durability.value == "fast" ? .fast : .durable
    storeOptions.cacheBytes = Self.valueCacheBytes
    storeOptions.sums = FolderTotals.rule
    let store: Store
    do throws(SoftadastraError) {
      store = try Store.open(
        disk: try SystemDisk(path: home.logDirectory), options: storeOptions, time: SystemTime(), random: SystemRandom()
      )
    } catch {
      guard error.code == .conflict else { throw error }
      throw SoftadastraError(
        .conflict, "home", at: home.path, why: "its lock is \(error.why)",
        hint: "a node runs on it already; use another --home for a second one")
    }
    do throws(SoftadastraError) {
      try DamageRecovery(store: store, home: home).run()
      return try await identify(home, options, store)
    } catch {
      await store.close()
      throw error
    }
  }

  /// Key, group and place: a home that lies elsewhere than it recorded is a copy, and becomes a node of its own. A change
  /// of the group that was cut off is carried out first.
  private static func identify(
    _ home: Home, _ options: NodeOptions, _ store: Store
  ) async throws(SoftadastraError) -> NodeFiles {
    var identity = try loadIdentity(at: home.identityDirectory)
    let settings = NodeSettings(store: store)
    let place = try StorePlace.current(home.logDirectory)
    var notices: [String] = []
    let change = GroupChange(store: store)
    if let next = try change.pending() { try await change.finish(to: next) }
    guard let group = try settings.loadGroup() else {
      let group = GroupState.create(random: SystemRandom())
      try store.waitBlocking(try store.commit([settings.groupMutation(group), place.mutation]))
      try SettingsCopy(of: store).write(to: home.settingsCopy)
      return NodeFiles(identity: identity, store: store, group: group, notices: [])
    }
    if let recorded = try StorePlace.recorded(in: store) {
      if place.isCopy(of: recorded) {
        let renewal = IdentityRenewal(home: home, store: store, old: identity, place: place)
        let before = identity.nodeID
        identity = try await renewal.run(in: group, name: options.name.value)
        notices.append(
          "this state directory was copied or restored: it goes on as a node of its own, \(identity.nodeID.short), let in by \(before.short)"
        )
      }
    } else {
      try store.waitBlocking(try store.commit([place.mutation]))
    }
    let members = GroupView(store).members
    if members[identity.nodeID] == nil, !members.isEmpty {
      notices.append(
        "the key in \(home.identityDirectory) is not the one that the group knows: put the old one back, or join with an invite"
      )
    }
    return NodeFiles(identity: identity, store: store, group: group, notices: notices)
  }

  static func loadIdentity(at directory: String) throws(SoftadastraError) -> DeviceIdentity {
    let (key, certificate) = (directory + "/key.pem", directory + "/certificate.pem")
    if access(key, F_OK) == 0 {
      return try DeviceIdentity(privateKeyPEM: try read(key), certificatePEM: try read(certificate))
    }
    let identity = try newIdentity(at: directory)
    try makeDirectory(directory)
    // The certificate first: an interrupted creation leaves no key, and both are made anew.
    try write(identity.certificatePEM, to: certificate)
    try write(identity.privateKeyPEM, to: key)
    try syncDirectory(directory)
    return identity
  }

  static func removeIdentity(at directory: String) {
    for name in ["key.pem", "certificate.pem"] { unlink("\(directory)/\(name)") }
    rmdir(directory)
  }

  static func syncDirectory(_ path: String) throws(SoftadastraError) {
    let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SoftadastraError.system(errno, "sync", at: path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw SoftadastraError.system(errno, "sync", at: path) }
  }

  static func newIdentity(at location: String) throws(SoftadastraError) -> DeviceIdentity {
    do {
      return try DeviceIdentity.generate(commonName: "softadastra")
    } catch {
      throw SoftadastraError(.device, "identity", at: location, why: "\(error)")
    }
  }

  /// 0700, parents included where they are missing.
  static func makeDirectory(_ path: String) throws(SoftadastraError) {
    var prefix = path.hasPrefix("/") ? "/" : ""
    for name in path.split(separator: "/") {
      prefix += name
      if mkdir(prefix, 0o700) != 0, errno != EEXIST { throw SoftadastraError.system(errno, "create", at: prefix) }
      prefix += "/"
    }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw SoftadastraError(.invalid, "home", at: path, why: "it is not a directory")
    }
  }

  private static let maxPEMBytes = 64 << 10

  static func read(_ path: String) throws(SoftadastraError) -> String {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SoftadastraError.system(errno, "read", at: path) }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: maxPEMBytes)
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    guard count >= 0 else { throw SoftadastraError.system(errno, "read", at: path) }
    return String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// Complete or not at all: a new name first, then a rename.
  private static func write(_ text: String, to path: String) throws(SoftadastraError) {
    let temporary = path + ".new"
    let descriptor = Glibc.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SoftadastraError.system(errno, "create", at: temporary) }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0,
      rename(temporary, path) == 0
    else { throw SoftadastraError.system(errno, "write", at: path) }
  }
}
