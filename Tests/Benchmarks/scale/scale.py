#!/usr/bin/env python3
"""Measures nodes with very many files or a very large one: `scale.py [--files N] [--receiver] [--big GIB] SOFTADASTRA`.

Makes N small files in N/100 directories below $TMPDIR, on the disk that is to be measured, and starts a node on them:
how long until everything is recorded, what it holds in memory and on disk, how long a restart takes. With --receiver, a
second node on the loopback interface gets them all, and then one changed file.

With --big, two nodes on the loopback interface and one file of so many GiB: the receiver is killed in the middle and
started again. It must go on where it was, and neither node's memory may depend on the size.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path


class Node:
    def __init__(self, program, base, name, port):
        self.program, self.base, self.port = program, base / name, port
        self.folder, self.home = self.base / "folder", self.base / "state"
        self.folder.mkdir(parents=True)
        self.log = self.base / "output.log"
        self.process = None

    def start(self, *options):
        """Seconds until the node says that it is ready."""
        begun = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [self.program, "watch", self.folder, "--name", "folder", "--home", self.home, "--no-discovery",
                 "--listen", f"127.0.0.1:{self.port}", *map(str, options)], stdout=log, stderr=log)
        wait(lambda: b"ready" in self.log.read_bytes(), 600)
        return time.monotonic() - begun

    def stop(self):
        self.process.terminate()
        self.process.wait(120)

    def ask(self, *command):
        return subprocess.run([self.program, *command, "--home", self.home], check=True, capture_output=True, text=True,
                              timeout=600).stdout

    def status(self):
        return json.loads(self.ask("status", "--json"))["folders"][0]

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, what):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) / 1024
        return 0

    def state_bytes(self):
        return sum(f.stat().st_blocks * 512 for f in self.home.rglob("*") if f.is_file())


def wait(condition, limit, pause=0.05):
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(pause)


def make_tree(root, files):
    for directory in range(files // 100):
        path = root / f"d{directory // 100:03}" / f"e{directory:05}"
        path.mkdir(parents=True)
        for number in range(100):
            with open(path / f"file-{number:02}.txt", "w") as file:
                file.write(f"{directory} {number}\n")


def report(what, value):
    print(f"| {what} | {value} |", flush=True)


def first_scan(node, files):
    begun = time.monotonic()
    report("start to ready", f"{node.start():.2f} s")
    wait(lambda: node.status()["files"] >= files and node.status()["state"] == "idle", 1800, 0.5)
    seconds = time.monotonic() - begun
    report("first scan, everything recorded", f"{seconds:.1f} s, {files / seconds:,.0f} files/s, {node.cpu():.1f} CPU s")
    describe(node, files, "sender")


def describe(node, files, who):
    time.sleep(25)
    report(f"{who}: resident, at rest / peak", f"{node.memory('VmRSS'):.0f} / {node.memory('VmHWM'):.0f} MB")
    report(f"{who}: state on disk", f"{node.state_bytes() / files:.0f} bytes a file")


def restart(node, files):
    node.stop()
    report("after a clean stop: state on disk", f"{node.state_bytes() / files:.0f} bytes a file")
    begun = time.monotonic()
    ready = node.start()
    wait(lambda: node.status()["state"] == "idle", 600, 0.1)
    report("restart to ready / to the end of its scan", f"{ready:.2f} / {time.monotonic() - begun:.2f} s")


def one_change(sender, receiver):
    took = []
    for number in range(15):
        name = f"d000/e{number:05}/file-07.txt"
        text = f"changed {number} {time.time()}\n"
        begun = time.monotonic()
        (sender.folder / name).write_text(text)
        wait(lambda: (receiver.folder / name).read_text() == text, 60, 0.0005)
        took.append(time.monotonic() - begun)
        time.sleep(0.2)
    took.sort()
    report("one changed file, median / slowest", f"{1000 * took[len(took) // 2]:.1f} / {1000 * took[-1]:.1f} ms")


def sent_bytes(node):
    """On the present connection, before compression; 0 without one."""
    return sum((peer.get("compression") or {}).get("plainBytes", 0) for peer in json.loads(node.ask("peers", "--json")))


def big(sender, receiver, gib):
    stage = sender.base / "stage"
    with open(stage, "wb") as file:
        for _ in range(gib << 10):
            file.write(os.urandom(1 << 20))
    sender.start()
    join = ("--join", sender.ask("invite").split()[-1], "--peer", f"127.0.0.1:{sender.port}")
    receiver.start(*join)
    wait(lambda: sent_bytes(sender) > 0, 60)
    size = gib << 30
    begun = time.monotonic()
    os.rename(stage, sender.folder / "big")
    wait(lambda: sent_bytes(sender) > size / 2, 1800, 0.1)
    first = sent_bytes(sender)
    peak = receiver.memory("VmHWM")
    receiver.process.kill()
    receiver.process.wait()
    report(f"{gib} GiB: to the middle", f"{time.monotonic() - begun:.1f} s")
    again = time.monotonic()
    receiver.start()
    last = 0

    def is_there():
        nonlocal last
        last = max(last, sent_bytes(sender))
        return (receiver.folder / "big").exists()

    wait(is_there, 1800, 0.2)
    report("killed, started, to the end", f"{time.monotonic() - again:.1f} s")
    report("sent before / after the cut", f"{100 * first / size:.0f} / {100 * last / size:.0f} % of the file")
    report("peak resident, sender / receiver",
           f"{sender.memory('VmHWM'):.0f} / {max(peak, receiver.memory('VmHWM')):.0f} MB")
    same = subprocess.run(["cmp", sender.folder / "big", receiver.folder / "big"]).returncode == 0
    report("bytes are the same", "yes" if same else "NO")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--receiver", action="store_true")
    parser.add_argument("--big", type=int, default=0, help="GiB")
    options = parser.parse_args()
    program = options.program.resolve()
    base = Path(tempfile.mkdtemp(prefix="softadastra-scale-", dir=os.environ.get("TMPDIR", "/var/tmp")))
    nodes = []
    try:
        sender = Node(program, base, "a", 22431)
        nodes.append(sender)
        if options.big:
            receiver = Node(program, base, "b", 22432)
            nodes.append(receiver)
            return big(sender, receiver, options.big)
        make_tree(sender.folder, options.files)
        report(f"{options.files:,} files", "")
        first_scan(sender, options.files)
        if options.receiver:
            receiver = Node(program, base, "b", 22432)
            nodes.append(receiver)
            begun = time.monotonic()
            receiver.start("--join", sender.ask("invite").split()[-1], "--peer", "127.0.0.1:22431")
            wait(lambda: receiver.status()["files"] >= options.files and receiver.status()["state"] == "idle", 3600, 1)
            report("first sync", f"{time.monotonic() - begun:.1f} s")
            describe(receiver, options.files, "receiver")
            one_change(sender, receiver)
            restart(receiver, options.files)
        restart(sender, options.files)
    finally:
        for node in nodes:
            if node.process and node.process.poll() is None:
                node.process.kill()
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
