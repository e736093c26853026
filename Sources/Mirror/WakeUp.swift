/// Lets one loop of an actor sleep until there is work. Used on its actor only.
struct WakeUp {
  private var isRaised = false
  private var waiter: CheckedContinuation<Void, Never>?

  mutating func raise() {
    if let waiter {
      self.waiter = nil
      waiter.resume()
    } else {
      isRaised = true
    }
  }

  /// Registers the continuation, or resumes it at once if `raise` came first.
  mutating func wait(_ continuation: CheckedContinuation<Void, Never>) {
    if isRaised {
      isRaised = false
      continuation.resume()
    } else {
      waiter = continuation
    }
  }
}
