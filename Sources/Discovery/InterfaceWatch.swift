internal import CLinux
internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import SoftadastraCore

/// Hears from the kernel when an interface or one of its addresses comes, changes or goes: rtnetlink(7).
///
/// What exactly changed is not read: whoever is called looks at all of them. One change makes many messages.
struct InterfaceWatch {
  private let channel: any Channel

  /// Calls back on the event loop, until `close`. `onEnd` is called if the kernel tells nothing any more, as when messages
  /// were lost.
  static func start(
    on group: MultiThreadedEventLoopGroup, onChange: @escaping @Sendable () -> Void,
    onEnd: @escaping @Sendable () -> Void
  ) async throws -> InterfaceWatch {
    let descriptor = linux_watch_interfaces()
    guard descriptor >= 0 else { throw SoftadastraError.system(-descriptor, "watch the network's interfaces") }
    do {
      let channel = try await NIOPipeBootstrap(group: group)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(Handler(onChange: onChange, onEnd: onEnd))
          }
        }
        .takingOwnershipOfDescriptor(input: descriptor).get()
      return InterfaceWatch(channel: channel)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  func close() { channel.close(promise: nil) }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let onChange: @Sendable () -> Void
    private let onEnd: @Sendable () -> Void

    init(onChange: @escaping @Sendable () -> Void, onEnd: @escaping @Sendable () -> Void) {
      (self.onChange, self.onEnd) = (onChange, onEnd)
    }

    func channelReadComplete(context: ChannelHandlerContext) { onChange() }
    func channelInactive(context: ChannelHandlerContext) { onEnd() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}
