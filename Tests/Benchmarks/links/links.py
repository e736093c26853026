#!/usr/bin/env python3
"""Measures transfers over slow and distant links: `links.py [--only NAME ...] SOFTADASTRA`, as root.

Hosts are network namespaces made here; `tc tbf` limits the rate, delay_proxy.py adds delay and loss. Needs iproute2 and
a release build of the program. Prints a table; ends with 1 if a figure misses its target.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PORT = 22420
MIB = 1 << 20


def sh(*command):
    subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, timeout=60)


class Host:
    """One node in a namespace of its own."""

    def __init__(self, program, base, name):
        self.program, self.name, self.netns = program, name, f"links{os.getpid()}{name}"
        self.port = PORT + ord(name) - ord("a")
        self.folder, self.home = base / name / "folder", base / name / "home"
        self.folder.mkdir(parents=True)
        self.home.mkdir()
        self.children = []
        sh("ip", "netns", "add", self.netns)
        sh("ip", "-n", self.netns, "link", "set", "lo", "up")

    def spawn(self, *command):
        log = open(self.home / "output.log", "ab")
        self.children.append(subprocess.Popen(
            ["ip", "netns", "exec", self.netns, *map(str, command)], stdout=log, stderr=log, stdin=subprocess.DEVNULL))

    def watch(self, *options):
        # A port of its own: the sender's must lead nowhere else than to the proxy.
        self.spawn(self.program, "watch", self.folder, "--name", "folder", "--home", self.home / "state",
                   "--no-discovery", "--listen", f"127.0.0.1:{self.port}", *options)
        wait(lambda: b"ready" in (self.home / "output.log").read_bytes(), 60, f"node {self.name}")

    def ask(self, *command):
        return subprocess.run(["ip", "netns", "exec", self.netns, self.program, *map(str, command), "--home",
                               self.home / "state"], check=True, capture_output=True, text=True, timeout=60).stdout

    def stop(self):
        for child in self.children:
            child.terminate()
        for child in self.children:
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
        sh("ip", "netns", "del", self.netns)


class Lab:
    """A sender and receivers, each with a link of its own rate, delay and loss."""

    def __init__(self, program, links):
        self.base = Path(tempfile.mkdtemp(prefix="softadastra-links-", dir=os.environ.get("TMPDIR", "/var/tmp")))
        self.sender = Host(program, self.base, "a")
        self.receivers = []
        (self.sender.folder / "hello.txt").write_text("hello\n")
        self.sender.watch()
        invite = self.sender.ask("invite", "--uses", len(links)).split()[-1]
        for number, (rate, delay, loss) in enumerate(links):
            receiver = Host(program, self.base, "bcd"[number])
            self.receivers.append(receiver)
            self._connect(receiver, number, rate)
            self.sender.spawn(sys.executable, HERE / "delay_proxy.py", f"10.78.{number}.1:{PORT}", f"127.0.0.1:{PORT}",
                              "--delay", delay, "--loss", loss)
            receiver.watch("--join", invite, "--peer", f"10.78.{number}.1:{PORT}")
        for receiver in self.receivers:
            wait(lambda: (receiver.folder / "hello.txt").exists(), 60, "the first file")
        time.sleep(1)

    def _connect(self, receiver, number, rate):
        near, far = f"lan{number}", "lan"
        sh("ip", "link", "add", near, "netns", self.sender.netns, "type", "veth", "peer", "name", far, "netns",
           receiver.netns)
        for netns, device, host in ((self.sender.netns, near, 1), (receiver.netns, far, 2)):
            sh("ip", "-n", netns, "addr", "add", f"10.78.{number}.{host}/24", "dev", device)
            sh("ip", "-n", netns, "link", "set", device, "up")
            sh("tc", "-n", netns, "qdisc", "add", "dev", device, "root", "tbf", "rate", rate, "burst", "128kb",
               "latency", "100ms")

    def close(self):
        for host in [*self.receivers, self.sender]:
            host.stop()
        shutil.rmtree(self.base, ignore_errors=True)


def wait(condition, limit, what):
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {limit} s")
        time.sleep(0.01)


def publish(lab, name, fill):
    """Makes a tree aside, and moves it into the sender's folder at once. Returns when that was."""
    stage = lab.base / name
    fill(stage)
    subprocess.run(["sync"], check=True)
    os.rename(stage, lab.sender.folder / name)
    return time.monotonic()


def big(size):
    def fill(path):
        with open(path, "wb") as file:
            for _ in range(size // MIB):
                file.write(os.urandom(MIB))
    return fill


def many(count, size):
    def fill(path):
        path.mkdir()
        for number in range(count):
            directory = path / f"d{number // 100}"
            directory.mkdir(exist_ok=True)
            (directory / f"f{number}").write_bytes(os.urandom(size))
    return fill


def arrived(receiver, name, count):
    path = receiver.folder / name
    if count == 1:
        return path.exists()
    return path.is_dir() and sum(len(files) for _, _, files in os.walk(path)) >= count


def transfer(lab, name, fill, count, limit=240):
    """Seconds until each receiver has everything."""
    start = publish(lab, name, fill)
    times = {}

    def look():
        for receiver in lab.receivers:
            if receiver.name not in times and arrived(receiver, name, count):
                times[receiver.name] = time.monotonic() - start
        if count > 1:
            time.sleep(0.05)
        return len(times) == len(lab.receivers)

    wait(look, limit, name)
    return times


# (name, bytes, count, one-way delay in ms, loss in percent, least share of the link)
CASES = [
    ("one file, 0 ms", 128 * MIB, 1, 0, 0, 0.9),
    ("one file, 50 ms", 128 * MIB, 1, 50, 0, 0.9),
    ("one file, 200 ms", 256 * MIB, 1, 200, 0, 0.9),
    ("one file, 50 ms, 0.01 % loss", 128 * MIB, 1, 50, 0.01, 0.0),
    ("10,000 x 4 KiB, 0 ms", 40_960_000, 10_000, 0, 0, 0.7),
    ("10,000 x 4 KiB, 50 ms", 40_960_000, 10_000, 50, 0, 0.7),
    ("10,000 x 4 KiB, 200 ms", 40_960_000, 10_000, 200, 0, 0.6),
    ("500 x 100 KiB, 200 ms", 51_200_000, 500, 200, 0, 0.6),
]
RATE = 100e6 / 8


def single(program, case):
    name, size, count, delay, loss, least = case
    lab = Lab(program, [("100mbit", delay, loss)])
    try:
        fill = big(size) if count == 1 else many(count, size // count)
        seconds = transfer(lab, "data", fill, count)["b"]
    finally:
        lab.close()
    share = size / seconds / RATE
    verdict = "" if share >= least else "MISSED"
    print(f"| {name} | {seconds:.2f} | {100 * share:.0f} % | {100 * least:.0f} % | {verdict} |", flush=True)
    return not verdict


def unequal(program):
    """The fast receiver alone, then beside one whose link has a twentieth of the rate."""
    size = 64 * MIB
    took = []
    for links in ([("100mbit", 10, 0)], [("100mbit", 10, 0), ("5mbit", 10, 0)]):
        lab = Lab(program, links)
        try:
            start = publish(lab, "data", big(size))
            wait(lambda: arrived(lab.receivers[0], "data", 1), 240, "the fast receiver")
            took.append(time.monotonic() - start)
        finally:
            lab.close()
    slower = took[1] / took[0]
    verdict = "" if slower <= 1.1 else "MISSED"
    print(f"| fast receiver beside a slow one | {took[1]:.2f} | {slower:.2f} x {took[0]:.2f} alone | 1.10 | {verdict} |",
          flush=True)
    return not verdict


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="parts of names")
    options = parser.parse_args()
    program = options.program.resolve()
    print("| 100 Mbit/s | seconds | of the link | at least | |\n| --- | --- | --- | --- | --- |", flush=True)
    results = [single(program, case) for case in CASES
               if not options.only or any(part in case[0] for part in options.only)]
    if not options.only or any(part in "unequal" for part in options.only):
        results.append(unequal(program))
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
