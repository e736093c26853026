/// Waits for something that must come true.
///
/// - Parameter problem: what is wrong while it is not.
/// - Throws: ``NotInTime``, or what `condition` throws.
public func until(
  _ problem: String, within patience: Duration = .seconds(30), _ condition: () async throws -> Bool
) async throws {
  let clock = ContinuousClock()
  let deadline = clock.now + patience
  while try await !condition() {
    guard clock.now < deadline else { throw NotInTime(description: "\(problem): not within \(patience)") }
    try await Task.sleep(for: .milliseconds(5))
  }
}

public struct NotInTime: Error, CustomStringConvertible {
  public let description: String
}
