public import Logging
internal import NIOCore
internal import NIOPosix
public import SoftadastraCore
internal import Synchronization

/// Serves a node over the control socket in its home.
///
/// Start it only while holding the home's lock: a socket found there is taken for stale and replaced. Requests of one
/// connection run side by side, at most `ControlProtocol.maxRequestsPerConnection`; when the client goes, what runs
/// for it is cancelled, streams included.
public final class ControlServer: Sendable {
  private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

  private let socket: ControlSocket
  private let accepting: Task<Void, Never>

  private init(socket: ControlSocket, accepting: Task<Void, Never>) {
    self.socket = socket
    self.accepting = accepting
  }

  /// - Parameters:
  ///   - service: what answers; `stop` goes to `onStop` instead, where given, so that whoever owns the process ends it.
  public static func start(
    _ service: any NodeService, home: Home, logger: Logger, onStop: (@Sendable () async -> Void)? = nil
  ) async throws(SoftadastraError) -> ControlServer {
    try ControlSocket.prepare(home)
    let socket = try ControlSocket(home)
    let listener: NIOAsyncChannel<Connection, Never>
    do {
      listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .bind(unixDomainSocketPath: socket.path) { channel in
          channel.eventLoop.makeCompletedFuture {
            try Connection(wrappingChannelSynchronously: channel)
          }
        }
    } catch let error as IOError {
      throw .system(error.errnoCode, "cannot listen on", at: BytePath.escape(home.controlSocket.utf8))
    } catch {
      throw SoftadastraError(
        .device, "cannot listen on", at: BytePath.escape(home.controlSocket.utf8), why: "\(error)")
    }
    socket.protect()
    let dispatch = ControlDispatch(service: service, onStop: onStop)
    let accepting = Task {
      do {
        try await listener.executeThenClose { connections in
          await withDiscardingTaskGroup { group in
            do {
              for try await connection in connections {
                group.addTask { await serve(connection, dispatch, logger) }
              }
            } catch {
              logger.debug("control socket closed", metadata: ["error": "\(error)"])
            }
            group.cancelAll()
          }
        }
      } catch {
        logger.debug("control socket closed", metadata: ["error": "\(error)"])
      }
    }
    return ControlServer(socket: socket, accepting: accepting)
  }

  /// Ends all connections and removes the socket.
  public func close() async {
    accepting.cancel()
    await accepting.value
    socket.remove()
  }

  private static func serve(_ connection: Connection, _ dispatch: ControlDispatch, _ logger: Logger) async {
    do {
      try await connection.executeThenClose { inbound, outbound in
        await withDiscardingTaskGroup { group in
          do {
            try await read(inbound, outbound, dispatch, &group)
          } catch let error as SoftadastraError {
            let answer = ControlAnswer<ControlNothing>(id: 0, error: ControlError(error))
            if let line = try? ControlCoding.line(answer) { try? await outbound.write(line) }
          } catch {
            logger.debug("control connection lost", metadata: ["error": "\(error)"])
          }
          group.cancelAll()
        }
      }
    } catch {
      logger.debug("control connection lost", metadata: ["error": "\(error)"])
    }
  }

  private static func read(
    _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
    _ dispatch: ControlDispatch, _ group: inout DiscardingTaskGroup
  ) async throws {
    var lines = ControlLines()
    let running = RequestCount()
    for try await chunk in inbound {
      lines.append(chunk)
      while let line = try lines.next() {
        guard running.enter() else {
          throw SoftadastraError(
            .limit, "cannot run the request",
            why: "\(ControlProtocol.maxRequestsPerConnection) others run on this connection")
        }
        group.addTask {
          await dispatch.answer(line) { answer in try? await outbound.write(answer) }
          running.leave()
        }
      }
    }
  }
}

/// How many requests of one connection run.
private final class RequestCount: Sendable {
  private let count = Mutex(0)

  func enter() -> Bool {
    count.withLock {
      guard $0 < ControlProtocol.maxRequestsPerConnection else { return false }
      $0 += 1
      return true
    }
  }

  func leave() { count.withLock { $0 -= 1 } }
}
