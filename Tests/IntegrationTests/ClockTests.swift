import Foundation
import Testing

extension Integration {
  /// One machine's clock is years off, or jumps: causality decides, never the clock.
  @Suite(.enabled(if: WrongClock.isPossible)) struct ClockTests {
    static let nineYears = 9 * 365 * 86_400

    @Test(.timeLimit(.minutes(2)), arguments: [nineYears, -nineYears])
    func laterEditsWin(offset: Int) async throws {
      try await Lab.use { lab in
        let clock = try WrongClock(below: lab.base, seconds: offset)
        let pair = Pair(lab: lab, a: try lab.node("a"), b: try lab.node("b", prefix: clock.prefix))
        // TLS connects, and the invite counts, whatever the clocks say.
        try await pair.begin()
        for number in 1...3 {
          try await edit(pair, pair.a, "a's edit \(number)")
          try await edit(pair, pair.b, "b's edit \(number)")
        }
        try await edit(pair, pair.a, "a's last")
        // It jumps while the node runs, to the other side, and back to what is right.
        for (number, jump) in [-offset, 3600, 0].enumerated() {
          try clock.set(jump)
          try await edit(pair, pair.b, "b after jump \(number)")
          try await edit(pair, pair.a, "a after jump \(number)")
        }
        try await pair.a.succeed(["store", "put", "key", "a's"])
        try await pair.equal()
        try await pair.b.succeed(["store", "put", "key", "b's, later"])
        try await pair.equal()
        #expect(try await pair.a.succeed(["store", "get", "key"]) == "b's, later")
        try pair.expectNoConflicts()

        // Apart, both edit: both contents are kept.
        await pair.a.stop()
        try clock.set(offset)
        try pair.a.write("notes.txt", "on a, apart")
        try pair.b.write("notes.txt", "on b, apart")
        try await pair.startA()
        try await pair.equal()
        let contents = Set(try Trees.read(pair.b.folder).values.map(\.content))
        #expect(contents == [Data("on a, apart".utf8), Data("on b, apart".utf8)])
      }
    }

    private func edit(_ pair: Pair, _ node: TestNode, _ text: String) async throws {
      try node.write("notes.txt", text)
      try await pair.equal()
      for other in [pair.a, pair.b] {
        #expect(try Trees.read(other.folder)["notes.txt"]?.content == Data(text.utf8), "\(other.name) after \(text)")
      }
    }
  }
}

/// Lets one program see another wall clock, which can be set while it runs; the monotonic one stays.
final class WrongClock {
  private static let source = """
    #define _GNU_SOURCE
    #include <fcntl.h>
    #include <stdlib.h>
    #include <sys/syscall.h>
    #include <sys/time.h>
    #include <time.h>
    #include <unistd.h>
    static long offset(void) {
      char text[32] = {0};
      const char *path = getenv("WRONG_CLOCK");
      int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
      if (file < 0) return 0;
      if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
      close(file);
      return atol(text);
    }
    int clock_gettime(clockid_t clock, struct timespec *now) {
      long result = syscall(SYS_clock_gettime, clock, now);
      if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += offset();
      return (int)result;
    }
    int gettimeofday(struct timeval *now, void *zone) {
      struct timespec exact;
      (void)zone;
      if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
      now->tv_sec = exact.tv_sec;
      now->tv_usec = exact.tv_nsec / 1000;
      return 0;
    }
    time_t time(time_t *result) {
      struct timespec exact;
      if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
      if (result) *result = exact.tv_sec;
      return exact.tv_sec;
    }
    """

  private static let library: String? = {
    let base = FileManager.default.temporaryDirectory.path + "/softadastra-clock-\(getpid())"
    do {
      try Data(source.utf8).write(to: URL(filePath: base + ".c"))
      try Mounts.run("clang", "-shared", "-fPIC", "-O1", "-o", base + ".so", base + ".c")
      return base + ".so"
    } catch {
      return nil
    }
  }()

  static let isPossible = library != nil

  private let file: String

  init(below directory: String, seconds: Int) throws {
    file = directory + "/clock"
    try set(seconds)
  }

  var prefix: [String] { ["env", "LD_PRELOAD=\(Self.library ?? "")", "WRONG_CLOCK=\(file)"] }

  func set(_ seconds: Int) throws { try Data("\(seconds)\n".utf8).write(to: URL(filePath: file)) }
}
