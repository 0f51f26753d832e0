"""A program on a terminal of its own, watched from outside: when bytes come, how many, how much memory."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

COLUMNS, ROWS = 120, 40
QUIET_S = 0.1
SETTLE_LIMIT_S = 10.0
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]")


def peak_mb(pid: int) -> float:
    """Highest resident size of a process so far, in MB; 0 once it has ended."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        lines = [line for line in status if line.startswith("VmHWM")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


class Screen:
    """Starts `argv` in a pty of 120x40."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self.began = time.perf_counter()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, {**environment, "TERM": "xterm-256color"})
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.drawn = b""

    def wait_for(self, text: str, limit_s: float = 60.0) -> float:
        """Seconds since the start (or the last key) until `text` has been drawn."""
        wanted, ends = text.encode(), time.perf_counter() + limit_s
        while True:
            if wanted in ESCAPES.sub(b"", self.drawn):
                return time.perf_counter() - self.began
            if ends < time.perf_counter():
                raise TimeoutError(f"{text!r} was not drawn")
            self._read(0.5)

    def send(self, keys: str) -> None:
        """Types, and counts time and bytes from here."""
        self.drawn = b""
        self.began = time.perf_counter()
        os.write(self._master, keys.encode())

    def tap(self, keys: str) -> float:
        """Seconds until the first byte."""
        self.send(keys)
        return time.perf_counter() - self.began if self._read(5.0) else float("inf")

    def press(self, keys: str) -> tuple[float, int]:
        """Seconds until the first byte, and how many bytes until it is quiet again."""
        first = self.tap(keys)
        self.settle()
        return first, len(self.drawn)

    def settle(self, quiet_s: float = QUIET_S) -> None:
        """Reads until nothing has been drawn for a while, but not for ever."""
        ends = time.perf_counter() + SETTLE_LIMIT_S
        while self._read(quiet_s) and time.perf_counter() < ends:
            pass

    def drawn_within(self, seconds: float) -> int:
        """Bytes drawn from now on for so long."""
        self.drawn, ends = b"", time.perf_counter() + seconds
        while 0 < (left := ends - time.perf_counter()):
            self._read(left)
        return len(self.drawn)

    def peak_mb(self) -> float:
        return peak_mb(self.pid)

    def close(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        ends = time.perf_counter() + 10
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            self._read(0.05)
            if ends < time.perf_counter():
                os.kill(self.pid, signal.SIGKILL)
        os.close(self._master)

    def _read(self, wait_s: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], wait_s)
        if not ready:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return False
        self.drawn += data
        return bool(data)
