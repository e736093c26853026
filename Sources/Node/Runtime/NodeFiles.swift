internal import Glibc
internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraTransport
internal import SoftadastraWAL

/// Opens what lies in a node's home: its identity, its store, its group. The store's lock guards all of it.
struct NodeFiles: Sendable {
  let identity: DeviceIdentity
  let store: Store
  let group: GroupState

  /// Of small values read again and again; part of the memory that an idle node holds.
  private static let valueCacheBytes = 4 << 20

  static func open(_ home: Home, _ options: NodeOptions, create: Bool) throws(SoftadastraError) -> NodeFiles {
    if create {
      try makeDirectory(home.path)
    } else if access(home.path, F_OK) != 0 {
      throw SoftadastraError(
        .notFound, "home", at: home.path, why: "there is no node yet", hint: "start one with: softadastra watch DIR")
    }
    try makeDirectory(home.logDirectory)
    var storeOptions = StoreOptions()
    storeOptions.durability = options.durability.value == "fast" ? .fast : .durable
    storeOptions.cacheBytes = Self.valueCacheBytes
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
    try DamageRecovery(store: store, home: home).run()
    let identity = try loadIdentity(home, options)
    let settings = NodeSettings(store: store)
    if let group = try settings.loadGroup() { return NodeFiles(identity: identity, store: store, group: group) }
    let group = GroupState.create(random: SystemRandom())
    try store.waitBlocking(try store.commit([settings.groupMutation(group)]))
    try SettingsCopy(of: store).write(to: home.settingsCopy)
    return NodeFiles(identity: identity, store: store, group: group)
  }

  private static func loadIdentity(_ home: Home, _ options: NodeOptions) throws(SoftadastraError) -> DeviceIdentity {
    if access(home.privateKey, F_OK) == 0 {
      return try DeviceIdentity(
        privateKeyPEM: try read(home.privateKey), certificatePEM: try read(home.certificate))
    }
    let identity = try newIdentity(at: home.identityDirectory)
    try makeDirectory(home.identityDirectory)
    // The certificate first: an interrupted creation leaves no key, and both are made anew.
    try write(identity.certificatePEM, to: home.certificate)
    try write(identity.privateKeyPEM, to: home.privateKey)
    return identity
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

  private static func read(_ path: String) throws(SoftadastraError) -> String {
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
