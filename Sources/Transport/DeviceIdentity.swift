internal import Crypto
internal import FoundationEssentials
internal import NIOSSL
public import SoftadastraCore
internal import SwiftASN1
internal import X509

/// A device's P-256 key and its self-signed certificate, created once and kept for life.
///
/// The key is what counts: the node ID is its SHA-256. Name, dates and serial number of the certificate are there
/// because TLS asks for a certificate; nobody looks at them. The caller keeps both PEM texts, the key readable by its
/// owner only.
public struct DeviceIdentity: Sendable {
  /// PKCS #8.
  public let privateKeyPEM: String
  public let certificatePEM: String
  /// SubjectPublicKeyInfo in DER, 91 bytes.
  public let publicKey: [UInt8]
  public let nodeID: NodeID
  private let key: P256.Signing.PrivateKey

  /// Creates a key and its certificate. `commonName` is informative: a hostname will do.
  public static func generate(commonName: String) throws -> DeviceIdentity {
    let key = P256.Signing.PrivateKey()
    let name = try DistinguishedName { CommonName(String(commonName.unicodeScalars.prefix(64))) }
    let certificate = try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
      notValidBefore: Date(timeIntervalSince1970: firstValidSecond),
      notValidAfter: Date(timeIntervalSince1970: lastValidSecond), issuer: name, subject: name,
      signatureAlgorithm: .ecdsaWithSHA256, extensions: Certificate.Extensions(), issuerPrivateKey: .init(key))
    return try DeviceIdentity(
      privateKeyPEM: key.pemRepresentation, certificatePEM: try certificate.serializeAsPEM().pemString)
  }

  /// Reads what `generate` made. Fails with `.damaged` when a text is no P-256 key or certificate, or when the two do
  /// not belong together.
  public init(privateKeyPEM: String, certificatePEM: String) throws(SoftadastraError) {
    do {
      key = try P256.Signing.PrivateKey(pemRepresentation: privateKeyPEM)
    } catch {
      throw SoftadastraError(.damaged, "device key", why: "it is no P-256 private key in PEM form")
    }
    let certified: [UInt8]?
    do {
      let certificates = try NIOSSLCertificate.fromPEMBytes(Array(certificatePEM.utf8))
      certified = certificates.count == 1 ? try certificates[0].extractPublicKey().toSPKIBytes() : nil
    } catch {
      throw SoftadastraError(.damaged, "device certificate", why: "it is no certificate in PEM form")
    }
    let publicKey = Array(key.publicKey.derRepresentation)
    guard certified == publicKey else {
      throw SoftadastraError(.damaged, "device certificate", why: "it does not belong to the device key")
    }
    self.privateKeyPEM = privateKeyPEM
    self.certificatePEM = certificatePEM
    self.publicKey = publicKey
    nodeID = Self.nodeID(of: publicKey)
  }

  /// ECDSA over SHA-256, in DER.
  public func sign(_ bytes: [UInt8]) throws -> [UInt8] {
    Array(try key.signature(for: bytes).derRepresentation)
  }

  /// False also for anything that is no P-256 key or no signature.
  public static func verify(_ signature: [UInt8], of bytes: [UInt8], by publicKey: [UInt8]) -> Bool {
    guard let key = try? P256.Signing.PublicKey(derRepresentation: publicKey),
      let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature)
    else { return false }
    return key.isValidSignature(signature, for: bytes)
  }

  /// SHA-256 of a public key in DER.
  public static func nodeID(of publicKey: [UInt8]) -> NodeID {
    // A SHA-256 digest has the 32 bytes of a node ID by definition.
    NodeID(bytes: SHA256.hash(data: publicKey))!
  }

  /// 2000-01-01 and 2049-12-31: fixed, so that a wrong clock at creation leaves no trace.
  private static let firstValidSecond = 946_684_800.0
  private static let lastValidSecond = 2_524_521_600.0
}
