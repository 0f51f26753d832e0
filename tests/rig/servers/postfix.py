"""Postfix: submission with STARTTLS and with TLS from the start, delivery to Dovecot by LMTP."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

from .layout import USERS, Rig
from .process import running_pid, stop as stop_process, wait_for_port

NAME = "postfix"
DAEMON_USER = "postfix"


def prepare(rig: Rig) -> None:
    """Writes the configuration and the user map; Postfix makes its queue itself."""
    directory = _directory(rig)
    # The queue lies beside the configuration: Postfix complains about anything foreign below the latter.
    for name in ("config", "queue", "data"):
        (directory / name).mkdir(parents=True)
    os.chown(directory / "data", pwd.getpwnam(DAEMON_USER).pw_uid, -1)
    for name in ("main.cf", "master.cf"):
        rig.fill_template(name, directory / "config" / name)
    # The same map says who has a mailbox and who may send from which address.
    (directory / "users").write_text("".join(f"{user.address} {user.address}\n" for user in USERS))


def start(rig: Rig) -> None:
    """Starts Postfix unless it runs."""
    if pid(rig) is None:
        command = ["postfix", "-c", str(_directory(rig) / "config"), "start"]
        with rig.log(NAME).open("ab") as log:
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    for listener in ("submission", "submissions"):
        wait_for_port(rig.ports[listener], NAME, rig.log(NAME))


def stop(rig: Rig) -> None:
    """Ends Postfix and every session; on SIGTERM its master ends its whole process group, as `postfix abort` does."""
    found = pid(rig)
    if found is not None:
        stop_process(found, NAME)


stop_part = stop


def pid(rig: Rig) -> int | None:
    """The master's pid while it runs."""
    return running_pid(_directory(rig) / "queue" / "pid" / "master.pid", "postfix")


def is_up(rig: Rig) -> bool:
    """Whether Postfix runs."""
    return pid(rig) is not None


def _directory(rig: Rig) -> Path:
    return rig.dir / "postfix"
