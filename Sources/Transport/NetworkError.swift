internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import SoftadastraCore

extension SoftadastraError {
  /// The library's reason for a failed connection, in one line.
  static func network(_ error: any Error, _ what: String, at location: String) -> SoftadastraError {
    switch error {
    case let error as SoftadastraError: error
    case let error as IOError:
      SoftadastraError(.network, what, at: location, why: String(cString: strerror(error.errnoCode)))
    case let error as NIOConnectionError:
      if let first = error.connectionErrors.first {
        network(first.error, what, at: location)
      } else {
        SoftadastraError(.network, what, at: location, why: "no address is known for \(error.host)")
      }
    case ChannelError.connectTimeout: SoftadastraError(.timeout, what, at: location, why: "no answer")
    case NIOSSLError.uncleanShutdown:
      SoftadastraError(.network, what, at: location, why: "the peer or the network cut it")
    case is NIOSSLError, is BoringSSLError: SoftadastraError(.network, what, at: location, why: "TLS: \(error)")
    default: SoftadastraError(.network, what, at: location, why: "\(error)")
    }
  }
}
