internal import NIOCore
internal import NIOSSL
internal import SoftadastraCore
internal import Synchronization

/// The TLS side of every connection: version 1.3 only, certificates on both sides, and no authority but the key itself.
struct TLSContexts {
  static let alpn = "softadastra/1"
  private let client: NIOSSLContext
  private let server: NIOSSLContext

  init(identity: DeviceIdentity, options: TransportOptions) throws(SoftadastraError) {
    do {
      let certificates = try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatePEM.utf8))
      let chain = certificates.map { NIOSSLCertificateSource.certificate($0) }
      let key = NIOSSLPrivateKeySource.privateKey(
        try NIOSSLPrivateKey(bytes: Array(identity.privateKeyPEM.utf8), format: .pem))
      var client = TLSConfiguration.makeClientConfiguration()
      client.certificateChain = chain
      client.privateKey = key
      self.client = try NIOSSLContext(configuration: Self.common(client, options))
      let server = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
      self.server = try NIOSSLContext(configuration: Self.common(server, options))
    } catch {
      throw SoftadastraError(.invalid, "TLS", why: "\(error)")
    }
  }

  /// No roots: `PeerProof` replaces the library's verification. Without `noHostnameVerification` a server would not ask
  /// for the client's certificate.
  private static func common(_ base: TLSConfiguration, _ options: TransportOptions) -> TLSConfiguration {
    var configuration = base
    configuration.minimumTLSVersion = .tlsv13
    configuration.maximumTLSVersion = .tlsv13
    configuration.certificateVerification = .noHostnameVerification
    configuration.trustRoots = .certificates([])
    configuration.applicationProtocols = [alpn]
    configuration.shutdownTimeout = TimeAmount(options.closeDeadline)
    return configuration
  }

  func serverHandler(_ proof: PeerProof) -> NIOSSLServerHandler {
    NIOSSLServerHandler(context: server, customVerificationCallback: proof.verify)
  }

  func clientHandler(_ proof: PeerProof) throws -> NIOSSLClientHandler {
    try NIOSSLClientHandler(context: client, serverHostname: nil, customVerificationCallback: proof.verify)
  }
}

/// Takes the peer's key out of its certificate during the handshake.
///
/// Exactly one certificate, with a P-256 key; dates, names, extensions and issuer are not looked at. That the peer holds
/// the private key is what TLS itself proves. A resumed session would skip this and leave no identity: refused later.
final class PeerProof: Sendable {
  private enum State {
    case none
    case proven(PeerIdentity)
    case refused(SoftadastraError)
  }

  private let state = Mutex(State.none)
  private let expected: NodeID?

  init(expecting expected: NodeID?) { self.expected = expected }

  var identity: PeerIdentity? {
    if case .proven(let identity) = state.withLock({ $0 }) { return identity }
    return nil
  }

  var refusal: SoftadastraError? {
    if case .refused(let error) = state.withLock({ $0 }) { return error }
    return nil
  }

  func verify(_ chain: [NIOSSLCertificate], _ promise: EventLoopPromise<NIOSSLVerificationResult>) {
    do throws(SoftadastraError) {
      let identity = try Self.identify(chain)
      if let expected, expected != identity.nodeID {
        throw SoftadastraError(
          .untrusted, "peer", why: "expected node \(expected), but \(identity.nodeID) answered",
          hint: "another node has this address now, or the node was set up anew")
      }
      state.withLock { $0 = .proven(identity) }
      promise.succeed(.certificateVerified)
    } catch {
      state.withLock { $0 = .refused(error) }
      promise.succeed(.failed)
    }
  }

  private static func identify(_ chain: [NIOSSLCertificate]) throws(SoftadastraError) -> PeerIdentity {
    guard chain.count == 1, let leaf = chain.first else {
      throw SoftadastraError(.untrusted, "peer", why: "it sent \(chain.count) certificates instead of one")
    }
    guard let key = try? leaf.extractPublicKey().toSPKIBytes() else {
      throw SoftadastraError(.untrusted, "peer's certificate", why: "its key cannot be read")
    }
    return try PeerIdentity(publicKey: key)
  }
}
