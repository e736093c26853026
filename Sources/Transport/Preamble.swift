internal import NIOCore

// | field   | form | meaning                                   |
// | ------- | ---- | ----------------------------------------- |
// | magic   | 4    | `SFAD`                                    |
// | minimum | u16  | the oldest protocol that the sender speaks |
// | maximum | u16  | the newest                                |

/// The payload of the first frame each way. Its form never changes, so that any two versions can name themselves.
struct Preamble: Equatable {
  static let magic = Array("SFAD".utf8)
  static let bytes = 8

  var versions: ClosedRange<UInt16>

  init(versions: ClosedRange<UInt16>) { self.versions = versions }

  init?(_ payload: ByteBuffer) {
    var payload = payload
    guard payload.readableBytes == Self.bytes, payload.readBytes(length: 4) == Self.magic,
      let low = payload.readInteger(endianness: .little, as: UInt16.self),
      let high = payload.readInteger(endianness: .little, as: UInt16.self), low <= high
    else { return nil }
    versions = low...high
  }

  var payload: ByteBuffer {
    var out = ByteBuffer()
    out.writeBytes(Self.magic)
    out.writeInteger(versions.lowerBound, endianness: .little)
    out.writeInteger(versions.upperBound, endianness: .little)
    return out
  }

  /// The newest protocol that both speak.
  func common(with other: Preamble) -> UInt16? {
    let newest = min(versions.upperBound, other.versions.upperBound)
    return versions.contains(newest) && other.versions.contains(newest) ? newest : nil
  }

  static func text(_ versions: ClosedRange<UInt16>) -> String {
    versions.count == 1 ? "\(versions.lowerBound)" : "\(versions.lowerBound) to \(versions.upperBound)"
  }
}
