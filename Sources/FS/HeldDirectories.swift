internal import CLinux
internal import Glibc
internal import SoftadastraCore

/// A directory held open; closed with the last reference.
final class HeldDirectory: Sendable {
  private let descriptor: Descriptor
  var number: Int32 { descriptor.number }

  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}

/// The directories that one run of calls on one thread keeps open, so that each is resolved once and not for every
/// file in it.
///
/// A run is a slice of a batch, or a few directories of a scan. When another process renames a directory meanwhile, what the
/// run does in it counts as done before the rename: the rename raises its events after the run began, so whatever
/// the run saw is looked at again. Directories are resolved beneath the root when they are opened, as ever. What the
/// run itself moves or removes is forgotten.
final class HeldDirectories {
  /// Above this the one used first is closed.
  private static let maxHeld = 16

  private let volume: LinuxVolume
  private var entries: [(path: [UInt8], directory: HeldDirectory)] = []

  private init(_ volume: LinuxVolume) { self.volume = volume }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// The run that this thread is in, if it is one on this volume.
  static func current(on volume: LinuxVolume) -> HeldDirectories? {
    guard let pointer = pthread_getspecific(key) else { return nil }
    let held = Unmanaged<HeldDirectories>.fromOpaque(pointer).takeUnretainedValue()
    return held.volume === volume ? held : nil
  }

  static func run(on volume: LinuxVolume, _ body: () -> Void) {
    guard pthread_getspecific(key) == nil else { return body() }
    let held = HeldDirectories(volume)
    withExtendedLifetime(held) {
      pthread_setspecific(key, Unmanaged.passUnretained(held).toOpaque())
      body()
      pthread_setspecific(key, nil)
    }
  }

  func find(_ path: some Collection<UInt8>) -> HeldDirectory? {
    entries.last { $0.path.count == path.count && $0.path.elementsEqual(path) }?.directory
  }

  func keep(_ directory: HeldDirectory, at path: some Collection<UInt8>) {
    if entries.count == Self.maxHeld { entries.removeFirst() }
    entries.append((Array(path), directory))
  }

  /// The name may mean another directory from now on, and so may all below it.
  func forget(_ path: BytePath) {
    entries.removeAll { BytePath(unchecked: $0.path).isWithin(path) }
  }
}

extension LinuxVolume {
  public func holdDirectories(while body: () -> Void) { HeldDirectories.run(on: self, body) }

  /// The directory, or -errno.
  func hold(_ path: some Collection<UInt8>) -> (directory: HeldDirectory?, result: Int32) {
    let run = HeldDirectories.current(on: self)
    if let found = run?.find(path) { return (found, 0) }
    let result = Beneath.open(root.number, path, flags: Self.throughFlags)
    guard let opened = Descriptor(result) else { return (nil, result) }
    let directory = HeldDirectory(opened)
    run?.keep(directory, at: path)
    return (directory, result)
  }

  func forgetHeld(_ path: BytePath) { HeldDirectories.current(on: self)?.forget(path) }

  /// Opens a path of the folder: by its name in the held directory during a run, else in one call.
  func openBeneath(_ path: BytePath, flags: Int32) -> Int32 {
    guard !path.isRoot, HeldDirectories.current(on: self) != nil else {
      return Beneath.open(root.number, path.bytes, flags: flags)
    }
    let name = path.name
    let (parent, result) = hold(path.bytes.prefix(max(0, path.bytes.count - name.count - 1)))
    guard let parent else { return result }
    return withCPath(name) { linux_openat(parent.number, $0, flags | O_CLOEXEC | O_NOFOLLOW, 0) }
  }
}
