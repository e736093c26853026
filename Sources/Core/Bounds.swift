/// The limits that several modules share. Each is refused with its name; `share/doc/limits.md` has them all.
public enum Bounds {
  public static let maxKeyBytes = 64 << 10
  /// Of a value that people put: the rest is for what is noted with it, as when it loses a conflict.
  public static let maxValueKeyBytes = maxKeyBytes - 64
  public static let maxValueBytes = 8 << 20
  public static let maxFrameBytes = 16 << 20
  public static let maxTextBytes = 4 << 10
}
