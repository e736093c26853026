internal import Glibc
internal import SoftadastraCore

/// Where the home and the configuration file lie, by flag, environment and the XDG base directories.
struct ConfigurationPlaces {
  let home: String
  let homeSource: SettingSource
  let file: String
  let userHome: String?

  init(home flag: String?, environment: [String: String]) throws(SoftadastraError) {
    userHome = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? Self.accountHome()
    // The XDG specification has relative paths ignored.
    let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    let config = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    if let flag {
      guard !flag.isEmpty else { throw SoftadastraError(.invalid, "--home", why: "takes a directory, not nothing") }
      home = Self.absolute(Self.expand(flag, userHome))
      homeSource = .flag("--home")
    } else if let path = environment["SOFTADASTRA_HOME"], !path.isEmpty {
      home = Self.absolute(Self.expand(path, userHome))
      homeSource = .environment("SOFTADASTRA_HOME")
    } else if let state {
      home = "\(state)/softadastra"
      homeSource = .environment("XDG_STATE_HOME")
    } else if let userHome {
      home = "\(userHome)/.local/state/softadastra"
      homeSource = .builtIn
    } else {
      throw SoftadastraError(
        .notFound, "cannot choose a home", why: "this user has no home directory", hint: "give one with --home DIR")
    }
    if flag != nil {
      file = Home(path: home).configuration
    } else if let base = config ?? userHome.map({ "\($0)/.config" }) {
      file = "\(base)/softadastra/config.toml"
    } else {
      file = Home(path: home).configuration
    }
  }

  /// `~/` at the start stands for the user's home, as in a shell: services read the same file without one.
  static func expand(_ path: String, _ userHome: String?) -> String {
    guard let userHome, path.hasPrefix("~/") else { return path }
    return userHome + path.dropFirst(1)
  }

  /// Without `.`, empty names and trailing slashes; relative to the working directory.
  static func absolute(_ path: String) -> String {
    var full = path
    if !path.hasPrefix("/"), let here = getcwd(nil, 0) {
      full = String(cString: here) + "/" + path
      free(here)
    }
    let names = full.split(separator: "/").filter { $0 != "." }
    return "/" + names.joined(separator: "/")
  }

  private static func accountHome() -> String? {
    guard let entry = getpwuid(getuid()), let directory = entry.pointee.pw_dir else { return nil }
    let path = String(cString: directory)
    return path.hasPrefix("/") ? path : nil
  }
}
