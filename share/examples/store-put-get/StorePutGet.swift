import Softadastra

/// A store in memory: put, get, list, compare-and-swap, remove.
@main
struct StorePutGet {
  static func main() async throws {
    let client = Client(.memoryOnly)
    try await client.open()
    let version = try await client.put("user:1", "Gaspard")
    try await client.put("user:1", "Softadastra", ifVersion: version)
    let value: String? = try await client.get("user:1")
    precondition(value == "Softadastra")
    print("user:1 is", value ?? "missing")
    print("keys:", try await client.list("user:").map(\.key))
    try await client.remove("user:1")
    let isThere = try await client.contains("user:1")
    precondition(!isThere)
    await client.close()
  }
}
