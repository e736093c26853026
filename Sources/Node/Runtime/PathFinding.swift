internal import SoftadastraCore

/// Finds what a person means by a path: on disk, as `status` shows it, or with escaped bytes.
struct PathFinding {
  struct Place: Sendable, Hashable {
    let folder: WatchedFolder
    let path: BytePath
  }

  let folders: [WatchedFolder]

  /// All readings of the spellings, the likeliest first.
  func places(_ spellings: [String]) -> [Place] {
    var found: [Place] = []
    for spelling in spellings {
      for folder in folders {
        let prefix = folder.path == "/" ? "/" : folder.path + "/"
        let relative: String
        if spelling == folder.path {
          relative = ""
        } else if spelling.hasPrefix(prefix) {
          relative = String(spelling.dropFirst(prefix.count))
        } else if !spelling.hasPrefix("/") {
          relative = spelling.hasPrefix("./") ? String(spelling.dropFirst(2)) : spelling
        } else {
          continue
        }
        for bytes in [Array(relative.utf8), BytePath.unescape(relative)] {
          let trimmed = bytes.last == UInt8(ascii: "/") ? Array(bytes.dropLast()) : bytes
          let place = Place(folder: folder, path: BytePath(unchecked: trimmed))
          guard !found.contains(place), trimmed.isEmpty || (try? BytePath(validating: trimmed)) != nil else { continue }
          found.append(place)
        }
      }
    }
    return found
  }

  static func notFound(_ spellings: [String], _ why: String, hint: String = "") -> SoftadastraError {
    SoftadastraError(.notFound, "path", at: BytePath.escape((spellings.last ?? "").utf8), why: why, hint: hint)
  }

  /// The watched folder of that name, or at that path.
  static func folder(
    _ text: String, in folders: [WatchedFolder], names: [FolderID: String]
  ) throws(SoftadastraError) -> WatchedFolder {
    let matches = folders.filter { names[$0.id] == text || $0.path == text }
    guard let only = matches.first else {
      throw SoftadastraError(
        .notFound, "folder", at: BytePath.escape(text.utf8), why: "no watched folder has this name",
        hint: "softadastra folder list shows them")
    }
    guard matches.count == 1 else {
      throw SoftadastraError(
        .invalid, "folder", at: BytePath.escape(text.utf8), why: "several watched folders have this name",
        hint: "give the folder's path instead")
    }
    return only
  }
}
