internal import FoundationEssentials
internal import NIOCore
internal import SoftadastraCore

/// JSON and base64 of the control socket.
enum ControlCoding {
  static func line(_ value: some Encodable) throws(SoftadastraError) -> ByteBuffer {
    do {
      let data = try JSONEncoder().encode(value)
      var buffer = ByteBuffer()
      buffer.reserveCapacity(data.count + 1)
      buffer.writeBytes(data)
      buffer.writeInteger(UInt8(ascii: "\n"))
      return buffer
    } catch {
      throw SoftadastraError(.invalid, "cannot write to the control socket", why: "\(error)")
    }
  }

  static func decode<T: Decodable>(_ type: T.Type, _ line: [UInt8]) throws(SoftadastraError) -> T {
    do {
      return try JSONDecoder().decode(type, from: Data(line))
    } catch {
      throw SoftadastraError(
        .invalid, "cannot read from the control socket", why: "a line is not what the protocol says",
        hint: "are the command and the running node of the same version? softadastra node stop, then start it again")
    }
  }

  static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

  static func bytes(_ base64: String?, _ what: String) throws(SoftadastraError) -> [UInt8] {
    guard let base64, let data = Data(base64Encoded: base64) else {
      throw SoftadastraError(.invalid, "cannot run the request", why: "\(what) is missing or no base64")
    }
    return Array(data)
  }

  static func required<T>(_ value: T?, _ what: String) throws(SoftadastraError) -> T {
    guard let value else {
      throw SoftadastraError(.invalid, "cannot run the request", why: "\(what) is missing")
    }
    return value
  }
}
