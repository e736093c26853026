internal import ArgumentParser
internal import Glibc
internal import Logging
internal import ServiceLifecycle
internal import SoftadastraCore
internal import SoftadastraNode
internal import UnixSignals

struct WatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Mirror folders with the other machines of the group.",
    discussion: """
      Starts the node in the foreground if none runs for this home; otherwise asks the running one to add the folders, \
      and follows what it does. Without a folder it mirrors those of the configuration and those watched before. \
      SIGINT and SIGTERM end it cleanly, SIGHUP has it read the configuration again.

      Examples:
        softadastra watch ~/Shared
        softadastra watch ~/Shared --join INVITE
        softadastra watch ~/Shared --peer desk.example:22420 --no-discovery
      """)

  enum Mode: String, ExpressibleByArgument, CaseIterable {
    case sendReceive = "send-receive"
    case sendOnly = "send-only"
    case receiveOnly = "receive-only"
  }

  @Argument(help: ArgumentHelp("The folders to mirror.", valueName: "dir"), completion: .directory)
  var directories: [String] = []

  @Option(help: ArgumentHelp("The folder's name in the group; the directory's own by default.", valueName: "name"))
  var name: String?

  @Option(help: ArgumentHelp("Join the group of this invite first.", valueName: "invite"))
  var join: String?

  @Option(help: "Which way changes go: as before, or send-receive for a new folder.")
  var mode: Mode?

  @Option(help: ArgumentHelp("Where to listen; port 0 takes any. By default [::]:22420.", valueName: "host:port"))
  var listen: String?

  @Option(help: ArgumentHelp("An address where a peer may be found; may be repeated.", valueName: "host:port"))
  var peer: [String] = []

  @Flag(help: "Neither announce this node nor listen for others.")
  var noDiscovery = false

  @Option(help: ArgumentHelp("The UDP port of discovery. By default 22421.", valueName: "port"))
  var discoveryPort: Int?

  @Flag(help: "Read every file again at the start, whatever its times say.")
  var fullScan = false

  @Flag(help: "Take over a folder that is marked for another group.")
  var adopt = false

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if name != nil, directories.count > 1 {
      throw ValidationError("--name is for a single folder; give the others in calls of their own")
    }
    if let name, name.isEmpty || name.utf8.count > 255 || name.contains("/") {
      throw ValidationError("--name takes 1 to 255 bytes without '/'")
    }
  }

  func run() async throws {
    if let join { try InviteText.check(join) }
    try FolderPath.checkApart(try directories.map { try FolderPath.validated($0) })
    let configuration = try self.configuration()
    let requests = try directories.map { directory in
      FolderRequest(
        path: try FolderPath.validated(directory), name: name, mode: mode?.rawValue, adopt: adopt, fullScan: fullScan,
        joinExisting: join != nil)
    }
    let shown = directories.count == 1 ? FolderPath.belowHome(directories[0]) : "DIR"
    let task = WatchTask(
      requests: requests, invite: join, shownDirectory: shown, peers: peer,
      printer: EventPrinter(json: output.json, style: global.style))
    let client = ControlClient(home: configuration.home)
    let logger = global.logger(configuration.options)
    let service: any Service
    if try await client.isRunning() {
      let ignored = [
        listen.map { _ in "--listen" }, noDiscovery ? "--no-discovery" : nil,
        discoveryPort.map { _ in "--discovery-port" },
      ].compactMap { $0 }
      service = FollowingWatch(client: client, task: task, ignoredFlags: ignored)
    } else {
      service = HostingWatch(
        configuration: configuration, reload: { try self.configuration() }, task: task, logger: logger)
    }
    var quiet = logger
    quiet.logLevel = max(.error, logger.logLevel)
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(
            service: service, successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .cancelGroup)
        ],
        gracefulShutdownSignals: [.sigint, .sigterm], logger: quiet))
    try await group.run()
  }

  private func configuration() throws -> Configuration {
    var flags: [SettingKey: Configuration.Flag] = [:]
    if let listen { flags[.listen] = .init("--listen", .text(listen)) }
    if !peer.isEmpty { flags[.peers] = .init("--peer", .list(peer)) }
    if noDiscovery { flags[.discovery] = .init("--no-discovery", .flag(false)) }
    if let discoveryPort { flags[.discoveryPort] = .init("--discovery-port", .number(discoveryPort)) }
    return try global.configuration(flags)
  }
}
