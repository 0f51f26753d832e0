"""The sign-in server: `tests/rig/oauth` under Node, with its control API."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import urllib.request
import uuid
from pathlib import Path

from .layout import APP_CLIENT_ID, APP_CLIENT_SECRET, APP_MAILBOXES, CLIENT_ID, DOMAIN, TENANT, USERS, Rig
from .process import RigError, running_pid, stop as stop_process, wait_for_port

NAME = "oauth"
SOURCE = Path(__file__).resolve().parent.parent / "oauth"
NODE_MAJOR_MIN = 20
INTROSPECTION_CLIENT = "dovecot"


def prepare(rig: Rig) -> None:
    """Writes the server's configuration, with a fresh secret for Dovecot's introspection."""
    if not (SOURCE / "node_modules").is_dir():
        raise RigError("the npm packages of tests/rig/oauth are missing: run scripts/rig-install")
    _node()
    config = {
        "authority": rig.authority,
        "authority_port": rig.ports["authority"],
        "control_port": rig.ports["control"],
        "tenant": TENANT,
        "domain": DOMAIN,
        "client_id": CLIENT_ID,
        "users": [
            {"address": user.address, "name": user.name, "oid": str(uuid.uuid5(uuid.NAMESPACE_DNS, user.address))}
            for user in USERS
        ],
        "tls": {f"{name}_file": str(rig.dir / "tls" / file) for name, file in
                (("key", "server.key"), ("cert", "server.pem"), ("ca", "ca.pem"))},
        "app": {"client_id": APP_CLIENT_ID, "client_secret": APP_CLIENT_SECRET, "mailboxes": APP_MAILBOXES},
        "introspection": {"client_id": INTROSPECTION_CLIENT, "client_secret": secrets.token_urlsafe(24)},
    }
    _config_file(rig).parent.mkdir()
    _config_file(rig).write_text(json.dumps(config, indent=2))


def introspection_url(rig: Rig) -> str:
    """Where Dovecot asks about tokens, with its client id and secret."""
    client = json.loads(_config_file(rig).read_text())["introspection"]
    return f"http://{client['client_id']}:{client['client_secret']}@127.0.0.1:{rig.ports['control']}/introspection"


def start(rig: Rig) -> None:
    """Starts the process, or opens the authority again when it was only closed."""
    if pid(rig) is None:
        _spawn(rig)
    else:
        _set_open(rig, open_=True)
    wait_for_port(rig.ports["authority"], NAME, rig.log(NAME))


def stop_part(rig: Rig) -> None:
    """Closes the authority's port. The process stays, so that tokens outlive the outage and Dovecot can still check them."""
    _set_open(rig, open_=False)


def stop(rig: Rig) -> None:
    """Ends the process."""
    found = pid(rig)
    if found is not None:
        stop_process(found, NAME)


def pid(rig: Rig) -> int | None:
    """The server's pid while it runs."""
    return running_pid(_pid_file(rig), str(_config_file(rig)))


def is_up(rig: Rig) -> bool:
    """Whether clients can reach the authority."""
    if pid(rig) is None:
        return False
    with urllib.request.urlopen(f"{rig.control}/state", timeout=30) as answer:
        return bool(json.load(answer)["authority_open"])


def _spawn(rig: Rig) -> None:
    with rig.log(NAME).open("ab") as log:
        process = subprocess.Popen(
            [_node(), str(SOURCE / "server.js"), str(_config_file(rig))],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )
    _pid_file(rig).write_text(f"{process.pid}\n")
    wait_for_port(rig.ports["control"], NAME, rig.log(NAME), process)


def _set_open(rig: Rig, *, open_: bool) -> None:
    request = urllib.request.Request(f"{rig.control}/authority", json.dumps({"open": open_}).encode())
    urllib.request.urlopen(request, timeout=30).close()


def _node() -> str:
    """Node from the PATH if it is new enough, else the one scripts/rig-install put under the target directory."""
    root = SOURCE.parent.parent.parent
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    for candidate in (shutil.which("node"), str(target / "tools" / "node" / "node_modules" / ".bin" / "node")):
        if candidate and Path(candidate).exists() and _major(candidate) >= NODE_MAJOR_MIN:
            return candidate
    raise RigError(f"Node {NODE_MAJOR_MIN} or newer is missing: run scripts/rig-install")


def _major(node: str) -> int:
    version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    return int(version.lstrip("v").split(".")[0])


def _config_file(rig: Rig) -> Path:
    return rig.dir / "oauth" / "config.json"


def _pid_file(rig: Rig) -> Path:
    return rig.dir / "oauth" / "pid"
