internal import CLinux
internal import Glibc
internal import SoftadastraCore

/// What one event of the kernel means.
extension WatchLoop {
  private static let bit = (
    modify: UInt32(0x2), attributes: UInt32(0x4), closeWrite: UInt32(0x8), movedFrom: UInt32(0x40),
    movedTo: UInt32(0x80), create: UInt32(0x100), delete: UInt32(0x200), deleteSelf: UInt32(0x400),
    moveSelf: UInt32(0x800), unmount: UInt32(0x2000), overflow: UInt32(0x4000), ignored: UInt32(0x8000),
    isDirectory: UInt32(0x4000_0000)
  )

  func handle(_ watch: Int32, _ mask: UInt32, _ cookie: UInt32, _ name: UnsafeRawBufferPointer, _ now: UInt64) {
    let bit = Self.bit
    if mask & bit.overflow != 0 {
      hasOverflowed = true
      return
    }
    let node: WatchNode
    if let lastWatch, lastWatch.0 == watch {
      node = lastWatch.1
    } else if let found = watches[watch] {
      node = found
      lastWatch = (watch, found)
    } else {
      if watch == outerWatch, name.elementsEqual(outerName) { checkRoot() }
      return
    }
    if mask & (bit.ignored | bit.unmount | bit.deleteSelf | bit.moveSelf) != 0 {
      handleSelf(node, watch, mask)
      return
    }
    guard !name.isEmpty else {
      // A directory's own attributes come from its parent too, but for the root.
      if node.isRoot { isRootChanged = true }
      return
    }
    if node.isRoot, name.elementsEqual(BytePath.reservedName) {
      // Not watched, but its coming and going tells whether the folder is still ours.
      if mask & (bit.create | bit.delete | bit.movedFrom | bit.movedTo) != 0 { markReady(node, name) }
      return
    }
    if mask & bit.isDirectory != 0 {
      handleDirectory(node, mask, cookie, name, now)
    } else {
      handleFile(node, mask, cookie, name, now)
    }
  }

  private func handleSelf(_ node: WatchNode, _ watch: Int32, _ mask: UInt32) {
    if node.isRoot {
      isLost = true
    } else if mask & Self.bit.ignored != 0, node.watch == watch {
      forget(watch)
      node.watch = -1
    } else if mask & Self.bit.unmount != 0, let path = node.path {
      subtrees.append(path)
    }
  }

  private func handleFile(
    _ node: WatchNode, _ mask: UInt32, _ cookie: UInt32, _ name: UnsafeRawBufferPointer, _ now: UInt64
  ) {
    let bit = Self.bit
    if mask & bit.modify != 0 {
      let index = pending.findOrInsert(node, name)
      if pending.entries[index].writingSince == 0 { startWriting(index, now, now, options.quietMilliseconds) }
      pending.touch(index, now)
    } else if mask & (bit.closeWrite | bit.delete) != 0 {
      let index = pending.findOrInsert(node, name)
      pending.endWriting(index)
      pending.markReady(index)
    } else if mask & bit.create != 0 {
      guard isBeingWritten(node, name) else { return markReady(node, name) }
      let index = pending.findOrInsert(node, name)
      guard pending.entries[index].writingSince == 0 else { return }
      startWriting(index, now, now, options.createdMilliseconds)
      pending.setOnlyCreated(index)
    } else if mask & bit.attributes != 0 {
      // Times and modes set while the file is written come with its end.
      if let index = pending.find(node, name), pending.entries[index].writingSince > 0 { return }
      markReady(node, name)
    } else if mask & bit.movedFrom != 0 {
      var writing: (UInt64, UInt64)?
      if let index = pending.find(node, name) {
        let entry = pending.entries[index]
        if entry.writingSince > 0 { writing = (entry.writingSince, entry.lastWrite) }
        pending.remove(index)
      }
      depart(node, name, cookie, isDirectory: false, child: nil, writing, now)
    } else if mask & bit.movedTo != 0 {
      arriveFile(node, name, cookie)
    }
  }

  private func handleDirectory(
    _ node: WatchNode, _ mask: UInt32, _ cookie: UInt32, _ name: UnsafeRawBufferPointer, _ now: UInt64
  ) {
    let bit = Self.bit
    if mask & bit.create != 0 {
      addDirectory(node, Array(name))
    } else if mask & bit.delete != 0 {
      if let child = node.children[Array(name)] { remove(child) }
      markReady(node, name)
      if node.isRoot { checkRoot() }
    } else if mask & bit.attributes != 0 {
      // Without a watch it was unreadable so far.
      if let child = node.children[Array(name)], child.watch >= 0 || child.isPolled {
        markReady(node, name)
      } else {
        addDirectory(node, Array(name))
      }
    } else if mask & bit.movedFrom != 0 {
      let child = node.children[Array(name)]
      depart(node, name, cookie, isDirectory: true, child: child, nil, now)
      child?.detach()
    } else if mask & bit.movedTo != 0 {
      arriveDirectory(node, Array(name), cookie)
    }
  }

  private func startWriting(_ index: Int, _ since: UInt64, _ last: UInt64, _ quiet: UInt64) {
    let deadline = last &+ Self.nanoseconds(min(quiet, options.busyMilliseconds))
    pending.startWriting(index, since: since, last: last, deadline: deadline)
  }

  func markReady(_ node: WatchNode, _ name: UnsafeRawBufferPointer) {
    pending.markReady(pending.findOrInsert(node, name))
  }

  func markReady(_ node: WatchNode, _ name: [UInt8]) { name.withUnsafeBytes { markReady(node, $0) } }

  /// False for what is complete when it appears: symlinks, devices, further names of a file; and for what is gone. True
  /// for anything in a burst.
  private func isBeingWritten(_ node: WatchNode, _ name: UnsafeRawBufferPointer) -> Bool {
    looks += 1
    guard looks <= Self.maxLooks else { return true }
    guard let path = node.path(appending: Array(name)) else { return false }
    var raw = linux_status()
    // Only when to report hangs on it, so it may look through a directory that is being swapped for a symlink.
    let looked = withCPath(path.bytes) { linux_fstatat(root.number, $0, AT_SYMLINK_NOFOLLOW, &raw) }
    guard looked == 0 else { return false }
    return raw.mode & UInt32(S_IFMT) == UInt32(S_IFREG) && raw.links == 1
  }

  // MARK: Renames

  private func depart(
    _ node: WatchNode, _ name: UnsafeRawBufferPointer, _ cookie: UInt32, isDirectory: Bool, child: WatchNode?,
    _ writing: (UInt64, UInt64)?, _ now: UInt64
  ) {
    let name = Array(name)
    departures.append(
      Departure(
        cookie: cookie, path: node.path(appending: name), node: node, name: name, isDirectory: isDirectory,
        child: child, writing: writing, deadline: now &+ Self.nanoseconds(options.pairMilliseconds)))
  }

  private func departure(_ cookie: UInt32) -> Departure? {
    guard let index = departures.firstIndex(where: { $0.cookie == cookie }) else { return nil }
    return departures.remove(at: index)
  }

  private func arriveFile(_ node: WatchNode, _ name: UnsafeRawBufferPointer, _ cookie: UInt32) {
    guard let departure = departure(cookie) else { return markReady(node, name) }
    if let index = pending.find(node, name) { pending.remove(index) }
    guard let from = departure.path, let to = node.path(appending: Array(name)) else {
      markReady(departure.node, departure.name)
      return markReady(node, name)
    }
    moves.append(.moved(from: from, to: to, isDirectory: false))
    if let writing = departure.writing {
      let index = pending.findOrInsert(node, name)
      startWriting(index, writing.since, writing.last, options.quietMilliseconds)
      pending.setWritten(index)
    }
  }

  private func arriveDirectory(_ node: WatchNode, _ name: [UInt8], _ cookie: UInt32) {
    guard let departure = departure(cookie) else { return addDirectory(node, name) }
    let to = node.path(appending: name)
    if let from = departure.path, let to {
      moves.append(.moved(from: from, to: to, isDirectory: true))
    } else {
      markReady(departure.node, departure.name)
    }
    // A walk may have found it at its new place already.
    guard let child = departure.child, !child.isRemoved, child.parent == nil else { return addDirectory(node, name) }
    if let to, options.isIgnored?(to) == true { return remove(child) }
    if let replaced = node.children[name] { remove(replaced) }
    child.attach(to: node, as: name)
    // A walk ahead of the events may have met another directory under the old name.
    if !isInPlace(child) { doubt(node) }
  }

  /// A first half without its other left the folder.
  func settleDepartures(before now: UInt64) {
    while let first = departures.first, first.deadline <= now {
      departures.removeFirst()
      if let child = first.child, child.parent == nil, !child.isRemoved { remove(child) }
      markReady(first.node, first.name)
    }
  }
}
