internal import Glibc
internal import SoftadastraCLI

@main
struct Softadastra {
  /// The program runs in a detached task: on the main actor every await would cost two thread switches.
  static func main() async {
    Program.prepareProcess()
    let arguments = Array(CommandLine.arguments.dropFirst())
    exit(await Task.detached { await Program.main(arguments) }.value)
  }
}
