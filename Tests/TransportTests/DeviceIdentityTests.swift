import SoftadastraCore
import Testing

@testable import SoftadastraTransport

@Suite struct DeviceIdentityTests {
  @Test func survivesItsPEMForm() throws {
    let made = try DeviceIdentity.generate(commonName: "laptop")
    let read = try DeviceIdentity(privateKeyPEM: made.privateKeyPEM, certificatePEM: made.certificatePEM)
    #expect(read.nodeID == made.nodeID && read.publicKey == made.publicKey && made.publicKey.count == 91)
    #expect(try DeviceIdentity.generate(commonName: "laptop").nodeID != made.nodeID)
  }

  @Test func namesOfAnyKindWork() throws {
    for name in ["", "ä ö", String(repeating: "x", count: 500)] {
      _ = try DeviceIdentity.generate(commonName: name)
    }
  }

  @Test func signaturesBelongToKeyAndBytes() throws {
    let a = try DeviceIdentity.generate(commonName: "a")
    let b = try DeviceIdentity.generate(commonName: "b")
    let signature = try a.sign([1, 2, 3])
    #expect(DeviceIdentity.verify(signature, of: [1, 2, 3], by: a.publicKey))
    #expect(!DeviceIdentity.verify(signature, of: [1, 2, 4], by: a.publicKey))
    #expect(!DeviceIdentity.verify(signature, of: [1, 2, 3], by: b.publicKey))
    #expect(!DeviceIdentity.verify([], of: [1, 2, 3], by: a.publicKey))
    #expect(!DeviceIdentity.verify(signature, of: [1, 2, 3], by: [1, 2]))
  }

  @Test func damagedFilesAreNamed() throws {
    let a = try DeviceIdentity.generate(commonName: "a")
    let b = try DeviceIdentity.generate(commonName: "b")
    for (key, certificate) in [
      ("", a.certificatePEM), (a.privateKeyPEM, ""), (a.privateKeyPEM, b.certificatePEM), ("x", "y"),
      (a.privateKeyPEM, a.certificatePEM + b.certificatePEM),
    ] {
      let error = #expect(throws: SoftadastraError.self) {
        try DeviceIdentity(privateKeyPEM: key, certificatePEM: certificate)
      }
      #expect(error?.code == .damaged)
    }
  }
}

@Suite struct PeerAddressTests {
  @Test(arguments: [
    ("10.0.0.2:22420", "10.0.0.2", 22420), ("[::]:0", "::", 0), ("[fe80::1%lan0]:9", "fe80::1%lan0", 9),
    ("desk.local:65535", "desk.local", 65535), (":22420", "::", 22420),
  ]) func reads(text: String, host: String, port: Int) throws {
    let address = try #require(PeerAddress(text))
    #expect(address.host == host && address.port == port)
    #expect(PeerAddress(address.description) == address)
  }

  @Test(arguments: [
    "", "host", "host:", "host:x", "host:-1", "host:65536", "fe80::1:80", "::1", "[::1]", "[::1]80", "[host]:1",
    "a b:1",
    "[]:1", "host:+1", "x\u{0}y:1",
  ]) func refuses(text: String) {
    #expect(PeerAddress(text) == nil)
  }
}
