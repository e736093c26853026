/// The version of this program, as `softadastra --version` prints it.
public let softadastraVersion = "0.1.0"
