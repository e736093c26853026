import Softadastra

/// Two clients in one process, over real TCP and TLS: one invites, the other joins, a value travels.
@main
struct TransportClientServer {
  static func main() async throws {
    let base = "/tmp/softadastra-example-\(UInt64.random(in: 0...UInt64.max))"
    let server = Client(ClientOptions(storage: .fast(path: base + "/server"), name: "server", listen: "127.0.0.1:0"))
    let client = Client(ClientOptions(storage: .fast(path: base + "/client"), name: "client", listen: "127.0.0.1:0"))
    try await server.open()
    try await client.open()
    print("server listens on", await server.address ?? "nothing")
    let changes = try await client.watch("greeting")
    try await client.join(try await server.invite())
    try await server.put("greeting", "hello")
    for await change in changes where change.key == "greeting" { break }
    let greeting: String? = try await client.get("greeting")
    precondition(greeting == "hello")
    print("client got:", greeting ?? "nothing")
    await client.close()
    await server.close()
  }
}
