#!/usr/bin/env python3
"""A TCP proxy that makes a link long: every byte arrives a fixed time later, and some of it is "lost".

    delay_proxy.py LISTEN_HOST:PORT TARGET_HOST:PORT --delay MS [--loss PERCENT]

Delay is one way. Loss is what TCP makes of it: a lost segment, and all that is behind it, arrives one round trip later.
What is under way is bounded, as a TCP window bounds it.
"""

import argparse
import collections
import random
import socket
import threading
import time

SEGMENT = 1448
READ = 64 << 10
WINDOW = 16 << 20


class Lane(threading.Thread):
    """One direction of one connection: a reader that stamps, and a writer that waits."""

    def __init__(self, source, target, delay, loss):
        super().__init__(daemon=True)
        self.source, self.target, self.delay, self.loss = source, target, delay, loss
        self.queue, self.bytes, self.changed = collections.deque(), 0, threading.Condition()
        self.last = 0.0

    def run(self):
        threading.Thread(target=self.write, daemon=True).start()
        while True:
            try:
                data = self.source.recv(READ)
            except OSError:
                data = b""
            due = time.monotonic() + self.delay
            if data and self.loss and random.random() < 1 - (1 - self.loss) ** -(-len(data) // SEGMENT):
                due += 2 * self.delay + 0.01
            self.last = due = max(due, self.last)
            with self.changed:
                self.changed.wait_for(lambda: self.bytes < WINDOW)
                self.queue.append((due, data))
                self.bytes += len(data)
                self.changed.notify_all()
            if not data:
                return

    def write(self):
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.queue)
                due, data = self.queue[0]
            time.sleep(max(0, due - time.monotonic()))
            try:
                if not data:
                    self.target.shutdown(socket.SHUT_WR)
                    return
                self.target.sendall(data)
            except OSError:
                self.source.close()
                return
            with self.changed:
                self.queue.popleft()
                self.bytes -= len(data)
                self.changed.notify_all()


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("listen", type=address)
    parser.add_argument("target", type=address)
    parser.add_argument("--delay", type=float, default=0, help="one way, in ms")
    parser.add_argument("--loss", type=float, default=0, help="in percent")
    options = parser.parse_args()
    server = socket.create_server(options.listen, backlog=16)
    while True:
        client, _ = server.accept()
        try:
            target = socket.create_connection(options.target)
        except OSError:
            client.close()
            continue
        for end in (client, target):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, sink in ((client, target), (target, client)):
            Lane(source, sink, options.delay / 1000, options.loss / 100).start()


if __name__ == "__main__":
    main()
