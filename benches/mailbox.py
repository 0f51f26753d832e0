#!/usr/bin/env python3
"""How long a mailbox takes, beside a bare socket that fetches the same; see docs/performance.md.

Prints a table of figures and ratios and asserts nothing. Started by scripts/bench, which brings the servers up.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from screen import Screen
from wire import BareImap, Line

USER = "grace@example.org"
HEADERS = ("UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS"
           " (DATE FROM TO CC SUBJECT MESSAGE-ID IN-REPLY-TO REFERENCES CONTENT-TYPE)]")


def main() -> int:
    options = _options()
    rig = json.loads(Path(os.environ["POSTHASTE_RIG"]).read_text())
    for messages in options.messages:
        Bench(rig, options, messages).run()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default="target/release/posthaste")
    parser.add_argument("--delay-ms", type=float, nargs="*", default=[0, 50], help="each way")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("messages", type=int, nargs="+")
    return parser.parse_args()


class Bench:
    """One size of mailbox."""

    def __init__(self, rig: dict, options: argparse.Namespace, messages: int) -> None:
        self.rig, self.options, self.messages = rig, options, messages
        self.program = str(Path(options.program).resolve())
        self.password = next(user["password"] for user in rig["users"] if user["address"] == USER)
        self.newest = f"No{messages - 1}"
        self.work = Path(tempfile.mkdtemp(prefix="ph-bench-", dir="/tmp"))
        self.environment = {"HOME": str(self.work), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}

    def run(self) -> None:
        print(f"\n## {self.messages:,} messages\n")
        self._fill()
        try:
            bare = self._bare()
            self._first_list()
            home = self._sync(bare)
            self._keys(home)
            self._search(home)
            self._changes(home)
        finally:
            shutil.rmtree(self.work, ignore_errors=True)

    def _fill(self) -> None:
        directory = Path(self.rig["dir"])
        maildir = Path(self.rig["mail_dir"]) / USER / "Maildir"
        for part in ("cur", "new"):
            shutil.rmtree(maildir / part, ignore_errors=True)
        for stale in maildir.glob("dovecot*"):
            stale.unlink()
        began = time.perf_counter()
        subprocess.run(["scripts/rig", "fill", "--dir", str(directory), USER, "INBOX", str(self.messages)], check=True)
        client = self._bare_client()
        client.run("SELECT INBOX")
        client.run(f"FETCH 1:* ({HEADERS})")
        print(f"filled and indexed by the server in {time.perf_counter() - began:.1f} s\n")

    def _bare_client(self) -> BareImap:
        host, port = self.rig["imap"].split(":")
        return BareImap((host, int(port)), USER, self.password)

    def _bare(self) -> float:
        client = self._bare_client()
        client.run("SELECT INBOX")
        rows = [("UID FLAGS", "FETCH 1:* (UID FLAGS)"), ("header fields", f"FETCH 1:* ({HEADERS})"),
                ("newest 40 header fields", f"FETCH {max(1, self.messages - 39)}:* ({HEADERS})")]
        found = {}
        for name, command in rows:
            figures = [client.run(command) for _run in range(self.options.runs)]
            found[name] = min(seconds for seconds, _size in figures)
            print(f"bare socket, {name}: {found[name]:.3f} s, {figures[0][1] / 1e6:.1f} MB")
        return found["header fields"]

    def _home(self, imap: str) -> Path:
        home = Path(tempfile.mkdtemp(dir=self.work))
        command = [self.program, "--home", str(home), "account", "add", "--no-detect", "--email", USER, "--name", "bench",
                   "--provider", "custom", "--method", "password", "--secrets", "vault-key", "--imap", imap,
                   "--submission", self.rig["submission"], "--ca", self.rig["ca_file"]]
        subprocess.run(command, input=f"{self.password}\n".encode(), check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, env=self.environment)
        shutil.rmtree(home / "cache", ignore_errors=True)
        return home

    def _first_list(self) -> None:
        host, port = self.rig["imaps"].split(":")
        for delay_ms in self.options.delay_ms:
            line = Line((host, int(port)), delay_ms / 1000)
            home = self._home(f"localhost:{line.port}")
            for name in ("cold", "warm"):
                figures = []
                for _run in range(self.options.runs):
                    if name == "cold":
                        shutil.rmtree(home / "cache", ignore_errors=True)
                    line.reset()
                    screen = Screen([self.program, "--home", str(home)], self.environment)
                    seconds = screen.wait_for(self.newest)
                    figures.append((seconds, line.turns, line.bytes_down, len(screen.drawn), screen.peak_mb()))
                    screen.settle(0.5)
                    screen.close()
                seconds, turns, down, drawn, peak = sorted(figures)[len(figures) // 2]
                print(f"first list, {name}, {delay_ms:.0f} ms each way: {seconds:.3f} s, {turns} turns with TLS, "
                      f"{down / 1e3:.0f} kB down, {drawn} bytes drawn, {peak:.0f} MB")

    def _sync(self, bare: float) -> Path:
        home = self._home(self.rig["imaps"])
        began = time.perf_counter()
        peak = self._timed([self.program, "--home", str(home), "sync", "--once"])
        seconds = time.perf_counter() - began
        size = sum(file.stat().st_size for file in (home / "cache").rglob("*") if file.is_file())
        print(f"all headers stored and indexed: {seconds:.2f} s, {seconds / bare:.2f} times the bare socket, "
              f"{peak:.0f} MB peak, cache {size / 1e6:.0f} MB")
        config = home / "config.toml"
        config.write_text(config.read_text().replace('secrets = "vault-key"', 'secrets = "vault-key"\noffline-days = 0'))
        began = time.perf_counter()
        peak = self._timed([self.program, "--home", str(home), "sync", "--once"])
        size = sum(file.stat().st_size for file in (home / "cache").rglob("*") if file.is_file())
        print(f"all whole messages too: {time.perf_counter() - began:.2f} s, {peak:.0f} MB peak, cache {size / 1e6:.0f} MB")
        return home

    def _timed(self, command: list[str]) -> float:
        child = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL)
        _pid, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise RuntimeError(f"{command} ended with {child.returncode}")
        return usage.ru_maxrss / 1024

    def _keys(self, home: Path) -> None:
        screen = Screen([self.program, "--home", str(home)], self.environment)
        screen.wait_for(self.newest)
        screen.settle(1.0)
        for name, keys, times in (("cursor down", "j", 50), ("page down", "\x04", 20), ("open the next", "J", 20)):
            if name == "open the next":
                screen.press("\r")
            figures = [screen.press(keys) for _time in range(times)]
            seconds = sorted(first for first, _size in figures)
            size = statistics.median(size for _first, size in figures)
            print(f"{name}: {statistics.median(seconds) * 1e3:.2f} ms median, {seconds[-1] * 1e3:.1f} ms max, {size:.0f} bytes")
        print(f"peak with the screen: {screen.peak_mb():.0f} MB")
        screen.close()

    def _search(self, home: Path) -> None:
        for word in ("quokka", "engine"):
            figures = []
            for _run in range(self.options.runs):
                began = time.perf_counter()
                command = [self.program, "--home", str(home), "message", "search", word, "--limit", "40", "--json"]
                found = subprocess.run(command, check=True, capture_output=True, env=self.environment)
                figures.append(time.perf_counter() - began)
            print(f"search {word!r}, process and all: {min(figures) * 1e3:.0f} ms, {len(found.stdout.splitlines())} shown")

    def _changes(self, home: Path) -> None:
        command = [self.program, "--home", str(home), "message", "list", "--limit", "1000", "--json"]
        listed = subprocess.run(command, check=True, capture_output=True, env=self.environment).stdout
        ids = [str(json.loads(line)["id"]) for line in listed.splitlines()]
        began = time.perf_counter()
        subprocess.run([self.program, "--home", str(home), "message", "flag", *ids, "--add", "flagged"], check=True,
                       capture_output=True, env=self.environment)
        print(f"newest {len(ids)} starred, here and on the server, process and all: {time.perf_counter() - began:.3f} s")
        screen = Screen([self.program, "--home", str(home)], self.environment)
        screen.wait_for(self.newest)
        screen.settle(1.0)
        screen.drawn = b""
        screen.began = time.perf_counter()
        self._arrive(500)
        print(f"500 messages arriving, until listed: {screen.wait_for('Arrival499'):.2f} s")
        screen.close()

    def _arrive(self, messages: int) -> None:
        maildir = Path(self.rig["mail_dir"]) / USER / "Maildir"
        owner, now = maildir.stat(), int(time.time())
        for number in range(messages):
            name = f"{int(time.time())}.M{number:06}.arrival"
            path = maildir / "tmp" / name
            path.write_bytes(f"From: ada@example.org\nTo: {USER}\nSubject: Arrival{number}\n"
                             f"Message-ID: <arrival-{number}@example.org>\n\nhello\n".encode())
            os.chown(path, owner.st_uid, owner.st_gid)
            # One second apart, so that the last one stands at the top.
            os.utime(path, (now + number, now + number))
            path.rename(maildir / "new" / name)


if __name__ == "__main__":
    sys.exit(main())
