"""Posthaste as the bench starts it: a home with one account, commands, and screens."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from screen import Screen, peak_mb
from server import USER, Server

# How often the memory of a command is looked at.
LOOK_EVERY_S = 0.02


@dataclass(frozen=True)
class Ran:
    """What one run of a command cost."""

    seconds: float
    peak_mb: float
    output: bytes


class Client:
    """One home directory, linked to the server's mailbox."""

    def __init__(self, program: str, work: Path, server: Server, imap: str) -> None:
        self._program = program
        self.home = Path(tempfile.mkdtemp(dir=work))
        self.environment = {"HOME": str(work), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        command = ["account", "add", "--no-detect", "--email", USER, "--name", "bench", "--provider", "custom",
                   "--method", "password", "--secrets", "vault-key", "--imap", imap,
                   "--submission", server.rig["submission"], "--ca", server.rig["ca_file"]]
        subprocess.run(self._command(command), input=f"{server.password}\n".encode(), check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.environment)
        self.forget()

    def _command(self, arguments: list[str]) -> list[str]:
        return [self._program, "--home", str(self.home), *arguments]

    def forget(self) -> None:
        """Back to an empty cache."""
        shutil.rmtree(self.home / "cache", ignore_errors=True)

    def keep_whole_messages(self) -> None:
        """From now on every message is kept with its text, however old."""
        config = self.home / "config.toml"
        config.write_text(config.read_text().replace('secrets = "vault-key"', 'secrets = "vault-key"\noffline-days = 0'))

    def cache_bytes(self) -> int:
        return sum(file.stat().st_size for file in (self.home / "cache").rglob("*") if file.is_file())

    def screen(self) -> Screen:
        return Screen(self._command([]), self.environment)

    def run(self, *arguments: str) -> Ran:
        """Runs a command to its end."""
        with tempfile.TemporaryFile() as output:
            began = time.perf_counter()
            child = subprocess.Popen(self._command(list(arguments)), env=self.environment, stdout=output)
            peak = [0.0]
            watch = threading.Thread(target=_watch, args=(child.pid, peak))
            watch.start()
            child.wait()
            seconds = time.perf_counter() - began
            watch.join()
            if child.returncode:
                raise RuntimeError(f"{arguments[:3]} ended with {child.returncode}")
            output.seek(0)
            return Ran(seconds, max(peak), output.read())


def _watch(pid: int, peak: list[float]) -> None:
    """Notes how much memory a process has until it ends: what the kernel tells then counts whoever started it, too."""
    with contextlib.suppress(OSError):
        while seen := peak_mb(pid):
            peak.append(seen)
            time.sleep(LOOK_EVERY_S)
