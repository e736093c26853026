extension ValueReport {
  /// The value's bytes, where the report carries them.
  public var value: [UInt8]? { valueBase64.flatMap { try? ControlCoding.bytes($0, "value") } }
}
