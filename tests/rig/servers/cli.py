"""The command `scripts/rig`: up, down, status, stop-part, start-part, check, fill."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from . import certificates, check, dovecot, fill, oauth, postfix, seed
from .layout import Rig
from .process import RigError

# In the order they are started: Dovecot asks the sign-in server, Postfix asks Dovecot.
PARTS = (oauth, dovecot, postfix)
BY_NAME = {part.NAME: part for part in PARTS}
PROGRAMS = ("openssl", "dovecot", "doveadm", "postfix")
SOCKET_PATH_LIMIT = 60


def main(arguments: list[str]) -> int:
    """Runs one command; 0 when it did what was asked."""
    options = _parser().parse_args(arguments)
    # The servers' own users must be able to read what is written here.
    os.umask(0o022)
    # Ended from outside, `up` must still stop what it has started.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    try:
        return options.run(options)
    except (RigError, subprocess.CalledProcessError) as error:
        print(f"rig: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rig", description="Real servers for the tests, on loopback (docs/rig.md).")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start everything; prints the path of rig.json")
    up.add_argument("--dir", type=Path, help="an empty or missing directory (default: a new one under /tmp)")
    up.set_defaults(run=_up)
    for name, run, text in (
        ("down", _down, "stop everything"),
        ("status", _status, "say which parts are up; 0 when all are"),
        ("stop-part", _stop_part, "take one part away, as if its server had died"),
        ("start-part", _start_part, "bring it back on the same ports"),
        ("check", _check, "try the whole journey without Posthaste; resets the sign-in server"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--dir", type=Path, help="the rig's directory (default: where $POSTHASTE_RIG lies)")
        if name.endswith("-part"):
            command.add_argument("part", choices=BY_NAME)
        if name == "down":
            command.add_argument("--remove", action="store_true", help="delete the directory as well")
        command.set_defaults(run=run)
    fill_parser = commands.add_parser("fill", help="put many messages into a user's folder, for measuring")
    fill_parser.add_argument("--dir", type=Path, help="the rig's directory (default: where $POSTHASTE_RIG lies)")
    fill_parser.add_argument("user", help="address of the user")
    fill_parser.add_argument("folder")
    fill_parser.add_argument("messages", type=int)
    fill_parser.set_defaults(run=_fill)
    return parser


def _up(options: argparse.Namespace) -> int:
    _require_machine()
    directory = (options.dir or Path(tempfile.mkdtemp(prefix="posthaste-rig-", dir="/tmp"))).resolve()
    _require_directory(directory)
    rig = Rig.create(directory)
    (directory / "logs").mkdir()
    certificates.make(rig)
    try:
        for part in PARTS:
            part.prepare(rig)
        for part in PARTS:
            part.start(rig)
        seed.plant(rig)
    except BaseException:
        _stop_all(rig)
        raise
    print(_save(rig))
    return 0


def _down(options: argparse.Namespace) -> int:
    rig = _existing(options)
    _stop_all(rig)
    if options.remove:
        shutil.rmtree(rig.dir)
    return 0


def _status(options: argparse.Namespace) -> int:
    rig = _existing(options)
    up = {name: part.is_up(rig) for name, part in BY_NAME.items()}
    for name, part in BY_NAME.items():
        print(f"{name:8} {'up' if up[name] else 'down':4} pid {part.pid(rig) or '-'}")
    return 0 if all(up.values()) else 1


def _stop_part(options: argparse.Namespace) -> int:
    rig = _existing(options)
    BY_NAME[options.part].stop_part(rig)
    _save(rig)
    return 0


def _start_part(options: argparse.Namespace) -> int:
    rig = _existing(options)
    BY_NAME[options.part].start(rig)
    _save(rig)
    return 0


def _fill(options: argparse.Namespace) -> int:
    fill.fill(_existing(options), options.user, options.folder, options.messages)
    return 0


def _check(options: argparse.Namespace) -> int:
    rig = _existing(options)
    try:
        check.run(rig)
    finally:
        # The checks stop and start parts, which changes their pids.
        _save(rig)
    return 0


def _save(rig: Rig) -> Path:
    return rig.save({name: part.pid(rig) for name, part in BY_NAME.items()})


def _stop_all(rig: Rig) -> None:
    for part in reversed(PARTS):
        part.stop(rig)


def _existing(options: argparse.Namespace) -> Rig:
    environment = os.environ.get("POSTHASTE_RIG")
    directory = options.dir or (Path(environment).parent if environment else None)
    if directory is None:
        raise RigError("which rig? give --dir DIR or set POSTHASTE_RIG to its rig.json")
    if not (directory / "rig.json").is_file():
        raise RigError(f"there is no rig in {directory}")
    return Rig.load(directory.resolve())


def _require_machine() -> None:
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise RigError(f"missing: {', '.join(missing)}; run scripts/rig-install")
    if os.geteuid() != 0:
        raise RigError("Dovecot and Postfix change users, so the rig needs root")


def _require_directory(directory: Path) -> None:
    """The servers run as other users and put sockets here, whose paths have a limit of about 100 bytes."""
    if len(str(directory)) > SOCKET_PATH_LIMIT:
        raise RigError(f"{directory} is too long for sockets: at most {SOCKET_PATH_LIMIT} characters")
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise RigError(f"{directory} is not empty")
    directory.chmod(0o755)
    for parent in directory.parents:
        if not parent.stat().st_mode & 0o001:
            raise RigError(f"{parent} is closed to other users, which the servers run as; choose a --dir elsewhere")
