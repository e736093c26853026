/// What a node can do beyond the basics, by name: an unknown name means nothing and harms nothing.
public enum Capability {
  public static let maxCount = 32
  public static let maxNameBytes = 32

  /// Lower-case letters, digits and `-`, 1 to 32 of them.
  public static func isValid(_ name: String) -> Bool {
    (1...maxNameBytes).contains(name.utf8.count)
      && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
  }
}
