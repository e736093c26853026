internal import Glibc
public import SoftadastraCore

/// One directory, as the scanner saw it.
public struct ScannedDirectory: Sendable {
  public enum Outcome: Sendable {
    /// The complete, error-free listing, sorted by name: what is to be looked at, and what a rule ignores.
    case listed(items: [DirectoryItem], ignored: [DirectoryItem])
    /// Nothing is known about what lies here or below. Never to be taken for an empty directory.
    case failed(SoftadastraError)
  }
  public let path: BytePath
  public let outcome: Outcome
  public init(path: BytePath, outcome: Outcome) {
    self.path = path
    self.outcome = outcome
  }
}

/// Walks a folder with several threads, one directory at a time each.
///
/// `.softadastra` at the root is skipped. A directory on which another filesystem is mounted is reported as failed with
/// `.unsupported` and not entered. Cost: about 1 µs an entry and thread.
public enum Scanner {
  /// Visits the directory at `below` and every one under it. Returns when all were visited.
  ///
  /// - Parameters:
  ///   - prepare: gets each complete listing before any of its items is judged: the place to read a rule file in it.
  ///   - isIgnored: an ignored directory is not entered.
  ///   - visit: called once a directory, from several threads at once, parents before their children.
  /// - Throws: only if `below` itself is not there or cannot be looked at.
  public static func scan(
    _ volume: any Volume, below: BytePath = .root, threads: Int = 2,
    prepare: (@Sendable (BytePath, [DirectoryItem]) -> Void)? = nil,
    isIgnored: @escaping @Sendable (BytePath, FileKind) -> Bool = { _, _ in false },
    visit: @escaping @Sendable (ScannedDirectory) -> Void
  ) throws(SoftadastraError) {
    guard let root = try volume.status(.root), let start = try volume.status(below) else {
      throw SoftadastraError(.notFound, "cannot scan", at: below.description, why: "it is not there")
    }
    guard start.kind == .directory else {
      throw SoftadastraError(.notFound, "cannot scan", at: below.description, why: "it is no directory")
    }
    let walk = Walk(
      volume: volume, device: root.device, prepare: prepare, isIgnored: isIgnored, visit: visit, start: below)
    let others = (1..<max(1, threads)).compactMap { _ in BackgroundThread { walk.run() } }
    walk.run()
    for thread in others { thread.join() }
  }

  private final class Walk: @unchecked Sendable {
    private let volume: any Volume
    private let device: UInt64
    private let prepare: (@Sendable (BytePath, [DirectoryItem]) -> Void)?
    private let isIgnored: @Sendable (BytePath, FileKind) -> Bool
    private let visit: @Sendable (ScannedDirectory) -> Void

    private var mutex = pthread_mutex_t()
    private var changed = pthread_cond_t()
    /// Both under `mutex`. Last in, first out: the stack stays as small as the tree is deep and wide.
    private var stack: [BytePath]
    private var busy = 0

    init(
      volume: any Volume, device: UInt64, prepare: (@Sendable (BytePath, [DirectoryItem]) -> Void)?,
      isIgnored: @escaping @Sendable (BytePath, FileKind) -> Bool,
      visit: @escaping @Sendable (ScannedDirectory) -> Void, start: BytePath
    ) {
      self.volume = volume
      self.device = device
      self.prepare = prepare
      self.isIgnored = isIgnored
      self.visit = visit
      stack = [start]
      pthread_mutex_init(&mutex, nil)
      pthread_cond_init(&changed, nil)
    }

    deinit {
      pthread_cond_destroy(&changed)
      pthread_mutex_destroy(&mutex)
    }

    func run() {
      while let directory = next() {
        let found = scan(directory)
        pthread_mutex_lock(&mutex)
        stack.append(contentsOf: found)
        busy -= 1
        pthread_cond_broadcast(&changed)
        pthread_mutex_unlock(&mutex)
      }
    }

    /// Nil once nothing is left and nobody can find more.
    private func next() -> BytePath? {
      pthread_mutex_lock(&mutex)
      defer { pthread_mutex_unlock(&mutex) }
      while stack.isEmpty {
        if busy == 0 { return nil }
        pthread_cond_wait(&changed, &mutex)
      }
      busy += 1
      return stack.removeLast()
    }

    private func scan(_ directory: BytePath) -> [BytePath] {
      var listing: [DirectoryItem]
      do throws(SoftadastraError) {
        listing = try volume.list(directory)
      } catch {
        visit(ScannedDirectory(path: directory, outcome: .failed(error)))
        return []
      }
      if directory.isRoot { listing.removeAll { $0.name == BytePath.reservedName } }
      listing.sort { byteOrder($0.name, $1.name) }
      prepare?(directory, listing)
      var items: [DirectoryItem] = []
      items.reserveCapacity(listing.count)
      var ignored: [DirectoryItem] = []
      var below: [BytePath] = []
      var mounts: [BytePath] = []
      for item in listing {
        let path = directory.appending(item.name)
        if isIgnored(path, item.status.kind) {
          ignored.append(item)
          continue
        }
        items.append(item)
        switch item.status.kind {
        case .directory where item.status.device == device: below.append(path)
        case .directory, .other: if item.status.device != device { mounts.append(path) }
        case .file, .symlink: break
        }
      }
      visit(ScannedDirectory(path: directory, outcome: .listed(items: items, ignored: ignored)))
      for path in mounts {
        let error = SoftadastraError(
          .unsupported, "cannot scan", at: path.description, why: "another filesystem is mounted there")
        visit(ScannedDirectory(path: path, outcome: .failed(error)))
      }
      return below
    }
  }
}

/// The order of the bytes, as `BytePath` has it.
func byteOrder(_ a: [UInt8], _ b: [UInt8]) -> Bool {
  a.withUnsafeBytes { a in
    b.withUnsafeBytes { b in
      let shared = min(a.count, b.count)
      let order = shared == 0 ? 0 : memcmp(a.baseAddress!, b.baseAddress!, shared)
      return order != 0 ? order < 0 : a.count < b.count
    }
  }
}
