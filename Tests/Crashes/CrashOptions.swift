import Foundation
import Glibc

/// The command's options; anything else ends it.
struct CrashOptions {
  var kills = 200
  /// No round begins later than this.
  var seconds = Double.infinity
  var seed: UInt64
  var executable: String
  var directory: String
  /// Also what passed stays on the disk.
  var keeps = false

  init(_ arguments: ArraySlice<String>) {
    seed = UInt64(Date().timeIntervalSince1970)
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    executable = URL(filePath: own).deletingLastPathComponent().appending(path: "softadastra").path
    directory = FileManager.default.temporaryDirectory.path
    var rest = arguments
    while let name = rest.popFirst() {
      if name == "--keep" {
        keeps = true
        continue
      }
      guard let value = rest.popFirst() else { Self.usage() }
      switch name {
      case "--kills": kills = Self.number(value)
      case "--seconds": seconds = Self.number(value)
      case "--seed": seed = Self.number(value)
      case "--program": executable = value
      case "--directory": directory = value
      default: Self.usage()
      }
    }
  }

  private static func number<T: LosslessStringConvertible>(_ text: String) -> T {
    guard let value = T(text) else { Self.usage() }
    return value
  }

  private static func usage() -> Never {
    print(
      """
      usage: softadastra-crashes [--kills N] [--seconds S] [--seed N] [--program PATH] [--directory DIR] [--keep]

      Kills two real nodes (kill -9) at random moments while people work in both folders, and checks after each round
      that both hold what they must. 200 kills by default; the program is the softadastra beside this one.
      """)
    exit(64)
  }
}
