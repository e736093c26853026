import Foundation
import Glibc

/// `softadastra-crashes`: real nodes, killed at random moments under load from both sides. See `CrashOptions`.
@main
struct CrashCommand {
  static func main() async {
    let options = CrashOptions(CommandLine.arguments.dropFirst())
    let base = "\(options.directory)/softadastra-crashes-\(getpid())"
    say("seed \(options.seed), in \(base)")
    let trace = Trace()
    let begun = Trace.now()
    do {
      try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
      let run = try CrashRun(options, base: base, trace: trace)
      do {
        try await run.begin()
        while run.kills < options.kills, Trace.now() - begun < options.seconds { try await run.round() }
        try await run.end()
      } catch {
        await run.abandon()
        throw error
      }
      say("\(run.summary), \(Int(Trace.now() - begun)) s: nothing was lost")
      if !options.keeps { try FileManager.default.removeItem(atPath: base) }
    } catch {
      trace.add("check", "\(error)")
      trace.write(to: "\(base)/trace.txt")
      say("FAILED after \(Int(Trace.now() - begun)) s: \(error)")
      say("what happened is in \(base)/trace.txt, beside both folders and homes")
      exit(1)
    }
  }
}

/// Prints a line at once, also into a file.
func say(_ line: String) {
  print(line)
  fflush(nil)
}

struct Failure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
