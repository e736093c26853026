import Foundation

/// `status --json`, as far as tests of folders read it.
struct NodeStatus: Decodable {
  struct Blocked: Decodable, Equatable {
    var path: String
    var reason: String
  }
  struct Folder: Decodable {
    var name: String
    var state: String
    var notice: String
    var files: Int
    var blocked: [Blocked]
  }
  struct Node: Decodable { var id: String }
  var node: Node
  var folders: [Folder]

  static func of(_ node: TestNode) async throws -> NodeStatus {
    try JSONDecoder().decode(NodeStatus.self, from: Data(try await node.succeed(["status", "--json"]).utf8))
  }

  var blocked: [Blocked] { folders.flatMap(\.blocked) }
}
