internal import SoftadastraCore
internal import SoftadastraNode

/// What one call of `watch` wants of its node, running already or started for it.
struct WatchTask: Sendable {
  let requests: [FolderRequest]
  let invite: String?
  /// As typed, for the line to run elsewhere.
  let shownDirectory: String
  let peers: [String]
  let printer: EventPrinter

  private static let joinPause = Duration.seconds(1)
  private static let maxJoinPause = Duration.seconds(30)

  /// Tries the invite once. False if nobody who could take it answers: that may change.
  func joinOnce(_ node: any NodeService) async throws -> Bool {
    guard let invite else { return true }
    return try await Self.once(orSay: "nobody takes the invite yet") { try await node.join(invite) }
  }

  /// False, and said, if nobody who could take an invite answers.
  static func once(orSay what: String, _ body: () async throws -> Void) async throws -> Bool {
    do {
      try await body()
      return true
    } catch {
      guard mayHeal(error) else { throw error }
      Output.message("\(what): \(error)")
      Output.message("hint: is the inviting node running, and reachable from here? trying again until it is")
      return false
    }
  }

  /// Goes on until the invite is taken, or refused.
  func joinPatiently(_ node: any NodeService) async throws {
    guard let invite else { return }
    try await Self.patiently { try await node.join(invite) }
  }

  /// Tries again, less and less often, until it succeeds, or fails for good.
  static func patiently(_ body: () async throws -> Void) async throws {
    var pause = joinPause
    while true {
      try await Task.sleep(for: pause)
      do {
        return try await body()
      } catch {
        guard mayHeal(error) else { throw error }
        pause = min(pause * 2, maxJoinPause)
      }
    }
  }

  /// Nobody was there who could take an invite.
  static func mayHeal(_ error: any Error) -> Bool {
    guard let error = error as? SoftadastraError else { return false }
    return error.code == .network || error.code == .timeout
  }

  func addFolders(_ node: any NodeService) async throws {
    for request in requests { try await node.addFolder(request) }
  }
}
