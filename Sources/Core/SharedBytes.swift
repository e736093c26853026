/// Memory that `SharedBytes` may be a part of; it stays as it is as long as somebody has it.
public protocol BytesOwner: Sendable {
  /// The pointer is valid during `body` only.
  func withOwnedBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result
}

extension [UInt8]: BytesOwner {
  public func withOwnedBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { withUnsafeBytes(body) }
}

/// Bytes that are handed on without a copy: a part of an array, or of a buffer that another module has filled.
///
/// Equal where the bytes are, wherever they lie. Keeps all of its owner's memory: copy out what is kept for long.
public struct SharedBytes: Sendable, Hashable {
  public let owner: any BytesOwner
  /// Which of the owner's bytes these are.
  public let range: Range<Int>

  public init(_ bytes: [UInt8]) {
    owner = bytes
    range = 0..<bytes.count
  }

  /// - Parameter range: must lie within what `owner` has.
  public init(_ owner: any BytesOwner, _ range: Range<Int>) {
    self.owner = owner
    self.range = range
  }

  /// Memory of `count` bytes is made by whoever sends them on, and filled by whoever has them; fewer may be filled.
  public typealias Maker = @Sendable (_ count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Int) -> SharedBytes

  public static let inArray: Maker = { count, fill in
    SharedBytes([UInt8](unsafeUninitializedCapacity: count) { $1 = fill(UnsafeMutableRawBufferPointer($0)) })
  }

  public var count: Int { range.count }

  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    owner.withOwnedBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// Without the first `count` bytes, of which there must be as many.
  public func dropFirst(_ count: Int) -> SharedBytes {
    SharedBytes(owner, range.lowerBound + count..<range.upperBound)
  }

  /// A copy of their own.
  public var array: [UInt8] { withUnsafeBytes { Array($0) } }

  public static func == (a: SharedBytes, b: SharedBytes) -> Bool {
    a.withUnsafeBytes { a in b.withUnsafeBytes { b in a.elementsEqual(b) } }
  }

  public func hash(into hasher: inout Hasher) {
    withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}
