/// The limits that several modules share. Each is refused with its name, and tabled in `share/doc/limits.md`.
public enum Bounds {
  public static let maxKeyBytes = 64 << 10
  public static let maxValueBytes = 8 << 20
  public static let maxFrameBytes = 16 << 20
  public static let maxTextBytes = 4 << 10
}
