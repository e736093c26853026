internal import SoftadastraCore

// The control socket speaks JSON lines: one request a line from the client, any number of answers a line from the
// node. Answers carry the request's id; answers to different requests may interleave.
//
// | line    | fields                                                                                    |
// | ------- | ----------------------------------------------------------------------------------------- |
// | request | `v` protocol version, `id` chosen by the client, `call`, `arguments` (only what it needs) |
// | answer  | `v`, `id`, and `value` or `error`                                                         |
// | stream  | any number of answers with `value`, then one with `end`                                   |
//
// Keys and values are base64. Closing the connection cancels whatever still runs for it.

/// What both ends of the control socket must agree on.
enum ControlProtocol {
  static let version = 1
  /// A value of 8 MiB is 11.2 MiB in base64; the rest is for its key and the envelope.
  static let maxLineBytes = 16 << 20
  /// Of the node's own, which are trusted: a status may name very many blocked files.
  static let maxAnswerBytes = 1 << 30
  static let maxRequestsPerConnection = 64
}

enum ControlCall: String, Codable, Sendable {
  case status, node, stop
  case addFolder = "add-folder"
  case invite, join
  case addPeerAddress = "add-peer-address"
  case removePeerAddress = "remove-peer"
  case retry, tick, wait
  case put, get, remove, list
  case watchValues = "watch-values"
  case compactLog = "compact-log"
  case conflicts
  case resolveConflict = "resolve-conflict"
  case versions, restore
  case removeFolder = "remove-folder"
  case confirmDeletions = "confirm-deletions"
  case revertFolder = "revert-folder"
  case events
  case discover
}

struct ControlRequest: Codable, Sendable {
  var v: Int
  var id: UInt64
  /// A `ControlCall`; a string here, so that an unknown one can be answered by name.
  var call: String
  var arguments: ControlArguments?
}

/// The arguments of all calls; each call takes what it needs and refuses to run without it.
struct ControlArguments: Codable, Sendable {
  var folder: FolderRequest?
  var text: String?
  /// Spellings of one path, to be tried in order.
  var path: [String]?
  var seconds: Double?
  var count: Int?
  /// Base64, as are `value` and `after`.
  var key: String?
  var value: String?
  var after: String?
  var ifVersion: String?
}

struct ControlAnswer<Value: Codable & Sendable>: Codable, Sendable {
  var v = ControlProtocol.version
  var id: UInt64
  var value: Value?
  var error: ControlError?
  var end: Bool?
}

/// The value of a call that returns none.
struct ControlNothing: Codable, Sendable {}

/// A `SoftadastraError` on the wire, with all its fields.
struct ControlError: Codable, Sendable, Equatable {
  var code: String
  var what: String
  var location: String
  var why: String
  var hint: String
  var fatal: Bool
  var retryable: Bool
  var localStateValid: Bool
  var accepted: Bool

  init(_ error: SoftadastraError) {
    code = error.code.rawValue
    what = error.what
    location = error.location
    why = error.why
    hint = error.hint
    fatal = error.isFatal
    retryable = error.isRetryable
    localStateValid = error.isLocalStateValid
    accepted = error.wasAccepted
  }

  /// A code of a newer node that this one does not know is `.unsupported`; the text still tells.
  var error: SoftadastraError {
    SoftadastraError(
      SoftadastraError.Code(rawValue: code) ?? .unsupported, what, at: location, why: why, hint: hint, fatal: fatal,
      retryable: retryable, localStateValid: localStateValid, accepted: accepted)
  }
}
