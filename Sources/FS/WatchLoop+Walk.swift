internal import CLinux
internal import Glibc
internal import SoftadastraCore
internal import Synchronization

/// How directories get their watches, and lose them.
extension WatchLoop {
  /// CREATE, CLOSE_WRITE, MODIFY, ATTRIB, MOVED_FROM, MOVED_TO, DELETE, and ONLYDIR, EXCL_UNLINK.
  private static let mask: UInt32 = 0x100 | 0x8 | 0x2 | 0x4 | 0x40 | 0x80 | 0x200 | 0x0100_0000 | 0x0400_0000
  /// DELETE_SELF and MOVE_SELF besides: below the root the parent tells.
  private static let rootMask: UInt32 = mask | 0x400 | 0x800
  private static let outerMask: UInt32 = 0x200 | 0x40 | 0x0100_0000

  /// A directory whose removal we cause to wait by holding it open raises DELETE_SELF too late; its parent tells at once.
  func watchOuter() {
    let link = "/proc/self/fd/\(root.number)"
    let real = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
      count = max(0, Int(linux_readlinkat(AT_FDCWD, link, buffer.baseAddress, buffer.count)))
    }
    guard let slash = real.lastIndex(of: UInt8(ascii: "/")), slash + 1 < real.count else { return }
    let flags = linux_o_path | linux_o_directory | O_CLOEXEC
    let number = withCPath(slash == 0 ? real[...0] : real[..<slash]) { linux_openat(AT_FDCWD, $0, flags, 0) }
    guard let opened = Descriptor(number) else { return }
    outerName = Array(real[(slash + 1)...])
    outerWatch = linux_watch(inotify.number, opened.number, Self.outerMask)
  }

  func checkRoot() {
    var held = linux_status()
    guard linux_fstat(root.number, &held) == 0, held.links > 0 else {
      isLost = true
      return
    }
    var named = linux_status()
    let result = linux_fstatat(AT_FDCWD, location, 0, &named)
    if result != 0 || named.inode != held.inode || named.device != held.device { isLost = true }
  }

  /// Opens a directory of the tree, and makes sure it is the one: its path may by now name another, if renames are still
  /// to be read. Watching a directory again answers with the descriptor it has.
  private func open(_ node: WatchNode) -> Descriptor? {
    guard let path = node.path else { return nil }
    let flags = O_RDONLY | linux_o_directory | O_NONBLOCK
    guard let opened = Descriptor(Beneath.open(root.number, path.bytes, flags: flags)) else { return nil }
    if node.isPolled { return opened }
    let watch = linux_watch(inotify.number, opened.number, node.isRoot ? Self.rootMask : Self.mask)
    if watch >= 0, watch == node.watch { return opened }
    if watch >= 0, watches[watch] == nil { _ = linux_unwatch(inotify.number, watch) }
    return nil
  }

  func isInPlace(_ node: WatchNode) -> Bool {
    guard open(node) != nil else { return false }
    return true
  }

  /// Its place in the tree or its children may be wrong; looked at again when more events were read.
  func doubt(_ node: WatchNode) {
    guard !node.isDoubtful, !node.isRemoved else { return }
    node.isDoubtful = true
    doubtful.append(node)
    if pollAt == .max { pollAt = Self.now() &+ Self.nanoseconds(options.pollMilliseconds) }
  }

  func settleDoubts() {
    let nodes = doubtful
    doubtful.removeAll()
    for node in nodes {
      node.isDoubtful = false
      guard !node.isRemoved else { continue }
      if !walk(node, knownToo: false, isReporting: true) { doubt(node) }
    }
  }

  /// A directory that appeared: watched first, then listed, then reported. What was written before the watch existed
  /// is found by whoever gets the report; what is written after raises events.
  func addDirectory(_ parent: WatchNode, _ name: [UInt8]) {
    guard let path = parent.path(appending: name) else { return doubt(parent) }
    if options.isIgnored?(path) == true { return }
    // Without its parent it cannot be found, but a rename that tells where the parent is now is on its way.
    guard let opened = open(parent) else { return doubt(parent) }
    let known = parent.children[name]
    let node = enter(parent, opened.number, name)
    // The same directory as before was watched since, so whatever happened in it was or will be told.
    if let node, node === known { return markReady(parent, name) }
    if let node, !walk(node, knownToo: false) { doubt(node) }
    subtrees.append(path)
  }

  /// Watches one directory. Nil if it is gone, unreadable, or not ours to enter.
  private func enter(_ parent: WatchNode, _ holder: Int32, _ name: [UInt8]) -> WatchNode? {
    let flags = O_RDONLY | linux_o_directory | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC
    guard let opened = Descriptor(withCPath(name) { linux_openat(holder, $0, flags, 0) }) else {
      if let known = parent.children[name] { remove(known) }
      return nil
    }
    var raw = linux_status()
    guard linux_fstat(opened.number, &raw) == 0, raw.device == device else { return nil }
    let known = parent.children[name]
    let watch = addWatch(opened.number, Self.mask)
    if let owner = watches[watch] {
      if owner === known { return owner }
      // A bind mount of a directory into itself.
      if parent.isWithin(owner) { return nil }
      // The same directory under another path: its rename was lost, or is still to be read. Its old parent may by now
      // hold another directory under that name.
      if let old = owner.parent { doubt(old) }
      owner.detach()
      if let known { remove(known) }
      owner.attach(to: parent, as: name)
      return owner
    }
    if let known {
      if watch < 0, known.isPolled { return known }
      remove(known)
    }
    let node = WatchNode(id: nextID, name: name)
    nextID += 1
    node.attach(to: parent, as: name)
    assign(node, watch)
    return node
  }

  private func assign(_ node: WatchNode, _ watch: Int32) {
    if watch >= 0 {
      node.watch = watch
      watches[watch] = node
      if node.isPolled {
        node.isPolled = false
        polledCount -= 1
      }
    } else if !node.isPolled, watch == -ENOSPC || watch == -ENOMEM {
      node.isPolled = true
      polledCount += 1
      if pollAt == .max { pollAt = Self.now() &+ Self.nanoseconds(options.pollMilliseconds) }
    }
  }

  private func addWatch(_ directory: Int32, _ mask: UInt32) -> Int32 {
    let watch = linux_watch(inotify.number, directory, mask)
    guard watch >= 0, watches[watch] == nil, watches.count >= options.maxWatches else { return watch }
    _ = linux_unwatch(inotify.number, watch)
    return -ENOSPC
  }

  /// Makes the tree below `start` what the disk holds: watches what is new, drops what is gone.
  ///
  /// - Parameters:
  ///   - knownToo: also descends into directories that were watched before.
  ///   - isReporting: reports what is new right below `start`.
  /// - Returns: false if `start` is not to be found where the tree has it.
  @discardableResult
  func walk(_ start: WatchNode, knownToo: Bool, isReporting: Bool = false) -> Bool {
    var stack = [start]
    while let node = stack.popLast() {
      guard let path = node.path, let opened = open(node) else {
        if node === start { return false }
        doubt(node)
        continue
      }
      var found: Set<[UInt8]> = []
      let end = DirectoryReader.forEachName(opened.number) { name, kind, bytes in
        if isDirectory(opened.number, name, kind) { found.insert(Array(bytes)) }
        return true
      }
      if end == 0 {
        for (name, child) in node.children where !found.contains(name) { remove(child) }
      }
      for name in found {
        if node.isRoot, name == BytePath.reservedName { continue }
        let below = path.appending(name)
        if options.isIgnored?(below) == true { continue }
        let known = node.children[name]
        let child = enter(node, opened.number, name)
        if isReporting, node === start, child !== known { subtrees.append(below) }
        if let child, knownToo || child !== known { stack.append(child) }
      }
    }
    return true
  }

  /// The watch of the root itself.
  func watchRoot() { assign(top, addWatch(root.number, Self.rootMask)) }

  private func isDirectory(_ directory: Int32, _ name: UnsafePointer<CChar>, _ kind: UInt32) -> Bool {
    if kind != 0 { return kind == UInt32(S_IFDIR) }
    var raw = linux_status()
    return linux_fstatat(directory, name, AT_SYMLINK_NOFOLLOW, &raw) == 0
      && raw.mode & UInt32(S_IFMT) == UInt32(S_IFDIR)
  }

  /// Takes a directory and all below it out of the tree.
  func remove(_ node: WatchNode) {
    node.detach()
    var stack = [node]
    while let next = stack.popLast() {
      next.isRemoved = true
      if next.watch >= 0 {
        _ = linux_unwatch(inotify.number, next.watch)
        forget(next.watch)
        next.watch = -1
      }
      if next.isPolled {
        next.isPolled = false
        polledCount -= 1
      }
      for child in Array(next.children.values) {
        child.detach()
        stack.append(child)
      }
    }
  }

  func forget(_ watch: Int32) {
    watches[watch] = nil
    if lastWatch?.0 == watch { lastWatch = nil }
  }

  // MARK: Directories without a watch

  /// Reports the highest of them, and asks the kernel again: watches may have become free.
  func poll(_ now: UInt64) {
    var stack = [top]
    var highest: [WatchNode] = []
    while let node = stack.popLast() {
      if node.isPolled { highest.append(node) } else { stack.append(contentsOf: node.children.values) }
    }
    settleDoubts()
    for node in highest {
      guard let path = node.path else { continue }
      if let opened = Descriptor(Beneath.open(root.number, path.bytes, flags: O_RDONLY | linux_o_directory)) {
        let watch = addWatch(opened.number, node.isRoot ? Self.rootMask : Self.mask)
        if watch >= 0, watches[watch] == nil {
          assign(node, watch)
          walk(node, knownToo: true)
        }
      }
      subtrees.append(path)
    }
    pollAt = polledCount > 0 || !doubtful.isEmpty ? now &+ Self.nanoseconds(options.pollMilliseconds) : .max
    updateLimit()
  }

  func updateLimit() {
    let polled = polledCount
    guard signals.withLock({ $0.limit?.directoriesPolled ?? 0 }) != polled else { return }
    let limit = polled == 0 ? nil : WatchLimit(directoriesPolled: polled, advice: advice(polled))
    signals.withLock { $0.limit = limit }
  }

  /// The next power of two that holds all watches the user has now, and those that are missing.
  private func advice(_ polled: Int) -> String {
    var wanted = 8192
    while wanted < Self.currentLimit() + polled { wanted *= 2 }
    return "sysctl fs.inotify.max_user_watches=\(wanted)"
  }

  private static func currentLimit() -> Int {
    let flags = O_RDONLY | O_CLOEXEC
    guard let file = Descriptor(linux_openat(AT_FDCWD, "/proc/sys/fs/inotify/max_user_watches", flags, 0)) else {
      return 0
    }
    let digits = [UInt8](unsafeUninitializedCapacity: 24) { buffer, count in
      count = max(0, Int(linux_read(file.number, buffer.baseAddress, buffer.count)))
    }
    return digits.prefix { (0x30...0x39).contains($0) }.reduce(0) { $0 &* 10 &+ Int($1 - 0x30) }
  }
}
