internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraMirror
internal import SoftadastraStore
internal import SoftadastraSync

/// Listing conflicts and finding the one that a person means: the same with and without a running node.
struct ConflictOperations: Sendable {
  let store: Store
  let view: GroupView
  let folders: [WatchedFolder]

  func list() -> [ConflictReport] {
    let files = folders.flatMap { folder in
      present(folder).map {
        ConflictReport(
          $0, folder: view.folders[folder.id] ?? "",
          node: view.name(of: $0.version.author) ?? $0.version.author.description)
      }
    }
    return files + LostValues(store: store).all().map { ConflictReport($0, node: author(of: $0.dot)) }
  }

  private func author(of dot: Dot) -> String {
    guard let node = view.replicas[dot.replica] else { return dot.replica.description }
    return view.members[node]?.name ?? node.short
  }

  /// A copy that was taken away while the node did not look is none any more.
  private func present(_ folder: WatchedFolder) -> [FileConflict] {
    let all = FileConflicts.all(in: folder.id, of: store)
    guard !all.isEmpty, let volume = try? LinuxVolume(root: folder.path) else { return all }
    return all.filter { (try? volume.status($0.copy)) != .some(nil) }
  }

  enum Found: Sendable {
    case files(WatchedFolder, [FileConflict])
    case values([LostValue])
  }

  /// By the path of the copy, of the file it lost against, by key, or by the lost value's version.
  func find(_ spellings: [String], keep choice: ConflictChoice) throws(SoftadastraError) -> Found {
    for place in PathFinding(folders: folders).places(spellings) {
      let here = present(place.folder)
      if let copy = here.first(where: { $0.copy == place.path }) { return .files(place.folder, [copy]) }
      let all = here.filter { $0.path == place.path }
      if all.count > 1, choice == .other { throw ambiguous(spellings, all.count) }
      if !all.isEmpty { return .files(place.folder, all) }
    }
    let lost = LostValues(store: store).all().filter { value in
      spellings.contains {
        value.dot.description == $0 || value.key == Array($0.utf8) || value.key == BytePath.unescape($0)
      }
    }
    if lost.count > 1, choice == .other { throw ambiguous(spellings, lost.count) }
    guard !lost.isEmpty else {
      throw PathFinding.notFound(
        spellings, "there is no conflict of this name", hint: "softadastra conflicts lists them")
    }
    return .values(lost)
  }

  private func ambiguous(_ spellings: [String], _ count: Int) -> SoftadastraError {
    SoftadastraError(
      .invalid, "resolve", at: BytePath.escape((spellings.last ?? "").utf8), why: "it has \(count) copies",
      hint: "say which: give the copy that softadastra conflicts shows instead")
  }

  static func choice(_ text: String) throws(SoftadastraError) -> ConflictChoice {
    guard let choice = ConflictChoice(rawValue: text) else {
      throw SoftadastraError(.invalid, "keep", at: text, why: "it is not this, other or both")
    }
    return choice
  }
}
