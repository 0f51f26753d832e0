"""Processes of the rig: found by their pid files, never by a name, and waited for with a limit."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

START_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0
POLL_S = 0.02


class RigError(Exception):
    """Something a person at the keyboard can read and act on."""


def running_pid(pid_file: Path, program: str) -> int | None:
    """The pid in `pid_file`, if that process lives and `program` is part of its command line (pids are reused)."""
    try:
        pid = int(pid_file.read_text().split()[0])
        command_line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except (OSError, ValueError, IndexError):
        return None
    return pid if program in command_line else None


def stop(pid: int, name: str) -> None:
    """Ends `pid` and waits until it and its children are gone; by force when they do not listen.

    The children matter: Dovecot's and Postfix's sessions outlive their master by a moment, in which a client would still
    be answered by a server that is down.
    """
    family = {pid, *_children(pid)}
    _signal({pid}, signal.SIGTERM)
    if wait_until(lambda: not _alive(pid), STOP_LIMIT_S):
        # Dovecot's `auth` stays for as long as Postfix keeps its connection, which is minutes.
        _signal(set(filter(_alive, family)), signal.SIGTERM)
    if wait_until(lambda: not any(map(_alive, family)), STOP_LIMIT_S):
        return
    _signal(set(filter(_alive, family)), signal.SIGKILL)
    if not wait_until(lambda: not any(map(_alive, family)), STOP_LIMIT_S):
        raise RigError(f"{name} (pid {pid}) does not end")


def wait_for_port(port: int, name: str, log: Path, process: subprocess.Popen | None = None) -> None:
    """Waits until something accepts connections on loopback `port`; no longer than `process` lives, if that is given."""

    def settled() -> bool:
        return _accepts(port) or (process is not None and process.poll() is not None)

    settled_in_time = wait_until(settled, START_LIMIT_S)
    if process is not None and process.returncode is not None:
        raise RigError(f"{name} ended with {process.returncode} instead of answering; see {log}")
    if not settled_in_time:
        raise RigError(f"{name} does not answer on port {port} after {START_LIMIT_S:.0f} s; see {log}")


def wait_until(condition: Callable[[], bool], limit_s: float) -> bool:
    """Polls `condition` until it holds; False when `limit_s` passed first."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _children(parent: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if (fields := _stat(pid)) and int(fields[1]) == parent]


def _alive(pid: int) -> bool:
    # A zombie is gone for our purpose: it holds no port and no file.
    fields = _stat(pid)
    return fields is not None and fields[0] != "Z"


def _stat(pid: int) -> list[str] | None:
    """State, parent and so on of `/proc/PID/stat`, from behind the command name, which may hold anything; None if gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
