import SoftadastraCore
import SoftadastraFS

/// Lists a directory tree through directory descriptors, without following symlinks.
@main
struct FSScan {
  static func main() throws {
    let root = CommandLine.arguments.dropFirst().first ?? "."
    let volume = try LinuxVolume(root: root)
    var todo = [BytePath.root]
    var files = 0
    var bytes: UInt64 = 0
    while let directory = todo.popLast() {
      // A directory that vanished or may not be read is left out here; a mirror would report it.
      for item in (try? volume.list(directory)) ?? [] {
        switch item.status.kind {
        case .directory: todo.append(directory.appending(item.name))
        case .file:
          files += 1
          bytes += item.status.size
        case .symlink, .other: break
        }
      }
    }
    print("\(files) files, \(bytes) bytes below \(volume.location)")
  }
}
