/// The one error of all modules: what failed, where, why, and what it means for the caller.
///
/// `what`, `location` and `why` make one line for people; `hint` says what to do. The four flags answer
/// what the architecture asks of every failure: is it fatal, can it be retried, is local state still
/// valid, was the operation accepted. A lower layer's reason travels in `why` and is never replaced.
public struct SoftadastraError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A code exists only where a caller can react to it.
  public enum Code: String, Sendable, Hashable {
    /// A value breaks a rule or a limit; the same call fails again.
    case invalid
    /// The thing asked for is not there.
    case notFound = "not-found"
    /// Something is there already, or another process holds it.
    case conflict
    /// A compare-and-swap found another version.
    case versionMismatch = "version-mismatch"
    /// Stored or received bytes are not what their checksum or format says.
    case damaged
    case permission
    /// The filesystem is full, or would become so.
    case noSpace = "no-space"
    /// The user's quota is used up.
    case quota
    case readOnly = "read-only"
    /// Too many watches, members or requests.
    case limit
    /// This process, or the system, has too many files open.
    case tooManyFiles = "too-many-files"
    /// So many files are gone at once that a person must confirm it.
    case massDeletion = "mass-deletion"
    /// Changed in a folder that only receives.
    case localChange = "local-change"
    /// An input or output error of the device.
    case device
    /// The peer or the network failed.
    case network
    /// The peer is not who it should be, or may not do this.
    case untrusted
    case timeout
    /// The thing was closed, or the operation was cancelled.
    case closed
    /// The file changed while it was worked on.
    case changed
    case unsupported
  }

  public var code: Code
  public var what: String
  public var location: String
  public var why: String
  public var hint: String
  public var isFatal: Bool
  public var isRetryable: Bool
  public var isLocalStateValid: Bool
  public var wasAccepted: Bool

  public init(
    _ code: Code, _ what: String, at location: String = "", why: String, hint: String = "",
    fatal: Bool = false, retryable: Bool? = nil, localStateValid: Bool = true, accepted: Bool = false
  ) {
    self.code = code
    self.what = what
    self.location = location
    self.why = why
    self.hint = hint
    isFatal = fatal
    isRetryable = retryable ?? Self.retryableCodes.contains(code)
    isLocalStateValid = localStateValid
    wasAccepted = accepted
  }

  private static let retryableCodes: Set<Code> = [
    .noSpace, .quota, .readOnly, .limit, .tooManyFiles, .network, .timeout, .changed, .permission, .device,
  ]

  /// One line: `what location: why`.
  public var description: String {
    location.isEmpty ? "\(what): \(why)" : "\(what) \(location): \(why)"
  }
}

extension SoftadastraError {
  /// The error of a failed system call, from its `errno`.
  public static func system(_ errno: Int32, _ what: String, at location: String = "") -> SoftadastraError {
    let (code, hint) = classify(errno)
    return SoftadastraError(code, what, at: location, why: errnoText(errno), hint: hint)
  }
}
