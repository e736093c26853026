internal import SoftadastraCore
internal import SoftadastraFS

/// Finding earlier versions of what a person names: the same with and without a running node.
struct VersionOperations: Sendable {
  let folders: [WatchedFolder]
  let names: [FolderID: String]

  /// What `restore` is to put back.
  struct Plan: Sendable {
    let folder: WatchedFolder
    let versions: [ArchivedVersion]
  }

  func list(_ spellings: [String]) throws(SoftadastraError) -> [VersionReport] {
    let (folder, _, versions) = try find(spellings)
    return reports(Plan(folder: folder, versions: versions))
  }

  func reports(_ plan: Plan) -> [VersionReport] {
    plan.versions.map { version in
      let path = ShownBytes(version.path.bytes)
      return VersionReport(
        folder: names[plan.folder.id] ?? "", path: path.text, pathBase64: path.base64, time: version.shownTime,
        size: version.status.size, reason: version.name.reason.rawValue)
    }
  }

  func plan(_ spellings: [String], at text: String?) throws(SoftadastraError) -> Plan {
    var moment: VersionMoment?
    if let text {
      moment = VersionMoment(text)
      guard moment != nil else {
        throw SoftadastraError(
          .invalid, "time", at: BytePath.escape(text.utf8), why: "it is not like 2026-01-02T03:04:05Z",
          hint: "take one that softadastra versions shows")
      }
    }
    let (folder, path, versions) = try find(spellings)
    guard !versions.isEmpty else {
      throw SoftadastraError(
        .notFound, "restore", at: path.description, why: "there is no earlier version of it",
        hint: "softadastra versions lists what there is")
    }
    let volume = try LinuxVolume(root: folder.path)
    var chosen: [ArchivedVersion] = []
    for (file, own) in Dictionary(grouping: versions, by: \.path).sorted(by: { $0.key < $1.key }) {
      if let moment {
        if let version = moment.pick(own) { chosen.append(version) }
      } else if file == path {
        chosen.append(own[own.count - 1])
      } else if try volume.status(file) == nil, own[own.count - 1].name.reason != .conflict {
        // Below a directory only what is gone comes back.
        chosen.append(own[own.count - 1])
      }
    }
    guard !chosen.isEmpty else {
      throw SoftadastraError(
        .notFound, "restore", at: path.description,
        why: moment == nil ? "nothing is missing there" : "nothing was replaced or deleted at or after that time",
        hint: "softadastra versions lists what there is")
    }
    return Plan(folder: folder, versions: chosen)
  }

  /// The first reading of the path that has versions; else the first that lies in a folder.
  private func find(
    _ spellings: [String]
  ) throws(SoftadastraError) -> (WatchedFolder, BytePath, [ArchivedVersion]) {
    let places = PathFinding(folders: folders).places(spellings)
    for place in places {
      let archive = VersionsArchive(volume: try LinuxVolume(root: place.folder.path))
      let versions = try archive.versions(of: place.path)
      if !versions.isEmpty { return (place.folder, place.path, versions) }
    }
    guard let first = places.first else {
      throw PathFinding.notFound(
        spellings, "it is in none of the watched folders", hint: "softadastra folder list shows them")
    }
    return (first.folder, first.path, [])
  }
}
