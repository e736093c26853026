internal import Logging
internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraMirror
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraSync

/// Adding, resuming and describing the folders that this node mirrors.
extension NodeCore {
  /// How long a join by name waits for the group's records before a new folder is made.
  private static let groupPatience = Duration.seconds(5)

  // MARK: Adding

  func addFolder(_ request: FolderRequest) async throws(SoftadastraError) {
    while isAddingFolder {
      guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { throw closedError }
    }
    isAddingFolder = true
    defer { isAddingFolder = false }
    let wanted = request.mode.flatMap { MirrorMode(rawValue: $0) }
    if let text = request.mode, wanted == nil {
      throw SoftadastraError(
        .invalid, "mode", at: text, why: "there is no such mode", hint: "use send-receive, send-only or receive-only")
    }
    var request = request
    var path = try FolderPlace.checked(request.path, others: folders.values.map(\.path), home: home.path)
    if joining != nil, try !isKnown(path) {
      // An invite that was kept is used first: the folder meant is the group's, not one of a group that is left at once.
      try await waitForJoin()
      request.joinExisting = true
      path = try FolderPlace.checked(request.path, others: folders.values.map(\.path), home: home.path)
    }
    if let running = folders.values.first(where: { $0.path == path }) {
      if let name = request.name, name != running.name {
        throw SoftadastraError(
          .conflict, "folder", at: path, why: "it is watched already, as \(running.name)")
      }
      if let wanted, wanted != running.mode {
        folders[running.id] = nil
        await running.stop()
        replicator.remove(running.id)
        try await start(
          WatchedFolder(id: running.id, path: path, mode: wanted.rawValue), name: running.name,
          fullScan: request.fullScan, isNew: true)
      } else if request.fullScan {
        await running.mirror.rescan()
      }
      return
    }
    let marker = try FolderMarker.read(from: try LinuxVolume(root: path))
    let id = try await chooseFolder(request, path, marker)
    let before = NodeSettings(store: store).folders().first { $0.id == id }?.mode
    try await start(
      WatchedFolder(id: id, path: path, mode: wanted?.rawValue ?? before ?? MirrorMode.sendReceive.rawValue),
      name: view.folders[id] ?? "", fullScan: request.fullScan,
      isNew: true)
  }

  /// Mirrored here before: an invite has nothing to say about it.
  private func isKnown(_ path: String) throws(SoftadastraError) -> Bool {
    guard let marker = try FolderMarker.read(from: try LinuxVolume(root: path)), marker.group == group.id else {
      return false
    }
    return NodeSettings(store: store).folders().contains { $0.id == marker.folder && $0.path == path }
  }

  /// The folder's ID in the group: the marker's, an existing one of that name, or a new one.
  private func chooseFolder(
    _ request: FolderRequest, _ path: String, _ marker: FolderMarker?
  ) async throws(SoftadastraError) -> FolderID {
    if let marker, marker.group != group.id, !request.adopt, !request.joinExisting {
      throw SoftadastraError(
        .conflict, "folder", at: path, why: "it belongs to another group",
        hint: "to take it over, with the files as they are, watch it with --adopt")
    }
    if let marker, marker.group == group.id, let name = view.folders[marker.folder] {
      if let wanted = request.name, wanted != name {
        throw SoftadastraError(.conflict, "folder", at: path, why: "it is the folder \(name) already")
      }
      return marker.folder
    }
    if request.joinExisting, let id = try await existingFolder(request.name, path) { return id }
    let name = request.name ?? FolderPlace.name(of: path)
    if let known = view.folders(named: name).first {
      if request.name != nil || request.adopt { return known }
      throw SoftadastraError(
        .conflict, "folder", at: path, why: "the group has a folder named \(name) already",
        hint: "to mirror that one here, add --name \(name); to make another, give another --name")
    }
    let id = FolderID(rawValue: random.next())
    try await store.wait(
      try store.commit([groupPut(FolderRecord.storeKey(id), FolderRecord(name: name).encoded(), after: nil)]))
    view = GroupView(store)
    return id
  }

  /// The folder that a joiner means: the named one, or the only one. Nil if the group has none (yet).
  private func existingFolder(_ name: String?, _ path: String) async throws(SoftadastraError) -> FolderID? {
    let deadline = ContinuousClock.now + Self.groupPatience
    while true {
      if let name {
        if let id = view.folders(named: name).first { return id }
      } else if view.folders.count == 1 {
        return view.folders.keys.first
      } else if view.folders.count > 1 {
        let own = FolderPlace.name(of: path)
        if let id = view.folders(named: own).first { return id }
        throw SoftadastraError(
          .invalid, "folder", at: path,
          why: "the group has several folders: \(view.folders.values.sorted().joined(separator: ", "))",
          hint: "say which with --name")
      }
      guard ContinuousClock.now < deadline else { return nil }
      await waitForGroupRecords()
    }
  }

  private func waitForGroupRecords() async {
    let timer = Task { [weak self] in
      try? await Task.sleep(for: .milliseconds(200))
      await self?.wakeGroupWaiters()
    }
    await withCheckedContinuation { groupWaiters.append($0) }
    timer.cancel()
  }

  private func wakeGroupWaiters() {
    for waiter in groupWaiters { waiter.resume() }
    groupWaiters.removeAll()
  }

  // MARK: Running

  /// At start: a folder that cannot be mirrored now is reported, and the others run.
  func resume(_ folder: WatchedFolder) async {
    do throws(SoftadastraError) {
      let marker = try FolderMarker.read(from: try LinuxVolume(root: folder.path))
      let taken = try GroupChange(store: store).taken(folder.id)
      guard let marker, marker.folder == folder.id, marker.group == group.id || marker.group == taken?.from else {
        throw SoftadastraError(
          .notFound, "folder", at: folder.path, why: "its marker .softadastra/folder is gone: another disk, or none",
          hint: "mount it again and restart, or watch it anew with --adopt; nothing is deleted anywhere")
      }
      try await start(folder, name: view.folders[folder.id] ?? "", fullScan: false, isNew: taken != nil)
    } catch {
      stoppedFolders[folder.id] = (folder, error)
      report(NodeEvent("warning", folder: view.folders[folder.id], message: error.description))
      logger.error("\(error)")
    }
  }

  private func start(
    _ folder: WatchedFolder, name: String, fullScan: Bool, isNew: Bool
  ) async throws(SoftadastraError) {
    if isNew {
      let volume = try LinuxVolume(root: folder.path)
      let known = try? FolderMarker.read(from: volume)
      if known?.folder != folder.id {
        // Another directory than the one that the entries tell of: what is missing here was not deleted.
        try await NewPlace.forget(folder.id, in: store)
      }
      try volume.prepareStaging()
      try FolderMarker(group: group.id, folder: folder.id).write(to: volume)
      try await store.wait(
        try store.commit([
          NodeSettings(store: store).folderMutation(folder), GroupChange(store: store).takenRemoval(folder.id),
        ]))
    }
    let index = nextFolderIndex
    nextFolderIndex += 1
    let handle = try await FolderHandle(
      id: folder.id, index: index, name: name, path: folder.path,
      mode: MirrorMode(rawValue: folder.mode) ?? .sendReceive,
      group: group, author: author, store: store, pool: pool, time: time, host: host(folder.id, name),
      rescanSeconds: options.rescanSeconds.value, fullScan: fullScan,
      minFreePercent: options.minFreePercent.value, versions: options.versionsPolicy,
      isAfterPowerLoss: isAfterPowerLoss)
    stoppedFolders[folder.id] = nil
    restingFolders.removeAll { $0.id == folder.id }
    folders[folder.id] = handle
    await replicator.add(handle.mirror)
  }

  private func host(_ id: FolderID, _ name: String) -> MirrorHost {
    let broadcaster = self.broadcaster
    return MirrorHost(
      settled: { [weak self] space, origins in await self?.settled(space, origins) },
      nothingPending: { [weak self] space in await self?.nothingPending(space) },
      send: { [weak self] peer, message in await self?.send(message, to: peer) },
      report: { event in broadcaster.send(event, folder: name) },
      makeBytes: SharedBytes.inPayload)
  }
}

extension NodeEvent {
  init(_ event: MirrorEvent, folder: String) {
    switch event {
    case .state(let state): self.init("folder-state", folder: folder, message: state.name)
    case .received(let path): self.init("received", folder: folder, path: path.description)
    case .deleted(let path): self.init("deleted", folder: folder, path: path.description)
    case .renamed(let from, let to):
      self.init("renamed", folder: folder, path: to.description, message: "from \(from)")
    case .conflict(let path, let copy):
      self.init("conflict", folder: folder, path: path.description, message: "kept as \(copy)")
    case .kept(let path):
      self.init(
        "kept", folder: folder, path: path.description, message: "one deleted it, another edited it: the edit stays")
    case .healed(let path):
      self.init(
        "healed", folder: folder, path: path.description,
        message: "a power loss damaged it: what was left is in the archive, and it is fetched again")
    case .blocked(let path, let error):
      self.init("blocked", folder: folder, path: path.description, message: error.why)
    }
  }
}

extension MirrorState {
  var name: String {
    switch self {
    case .scanning: "scanning"
    case .idle: "idle"
    case .syncing: "syncing"
    case .stopped: "stopped"
    }
  }
}
