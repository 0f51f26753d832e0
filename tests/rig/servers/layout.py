"""What every part of a rig knows: its directory, ports, users and identifiers, kept in `DIR/rig.json`."""

from __future__ import annotations

import json
import random
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"

DOMAIN = "example.org"
TENANT = "6f1d2c3b-4a59-4e68-9d77-8c86b5a4f3e2"
CLIENT_ID = "b0a7d1f4-2c3e-4d5f-8a6b-7c8d9e0f1a2b"

# The app that signs in without a person. Its secret has the characters that a form has to encode.
APP_CLIENT_ID = "4e2c9a70-15d8-4b3f-9c61-0d7e8f5a6b3c"
APP_CLIENT_SECRET = "app~secret+&=/%"

# Below the range Linux hands out to outgoing connections (32768 and up), so that the port of a stopped part stays free
# until the part is started again.
PORT_RANGE = (20_000, 32_000)
PORT_NAMES = ("authority", "control", "imap", "imaps", "submission", "submissions")


@dataclass(frozen=True)
class User:
    """One mailbox of the rig; its password is for test code, not for Posthaste."""

    address: str
    name: str
    password: str


def _user(first_name: str, last_name: str) -> User:
    login = first_name.lower()
    return User(f"{login}@{DOMAIN}", f"{first_name} {last_name}", f"{login}-password")


USERS = (
    _user("Ada", "Lovelace"),
    _user("Alan", "Turing"),
    _user("Grace", "Hopper"),
    _user("Edsger", "Dijkstra"),
    _user("Barbara", "Liskov"),
)


# The mailboxes an administrator has given the app; it opens no other.
APP_MAILBOXES = (USERS[1].address, USERS[4].address)


@dataclass(frozen=True)
class Rig:
    """Directory and ports of one rig; everything else follows from them."""

    dir: Path
    ports: dict[str, int]

    @classmethod
    def create(cls, directory: Path) -> Rig:
        """A new rig in `directory`, on ports nobody listens on."""
        return cls(directory, dict(zip(PORT_NAMES, _free_ports(len(PORT_NAMES)))))

    @classmethod
    def load(cls, directory: Path) -> Rig:
        """The rig that `save` wrote to `directory`."""
        return cls(directory, json.loads((directory / "rig.json").read_text())["ports"])

    @property
    def authority(self) -> str:
        """Base URL of the sign-in server; the tenant follows as the first path segment."""
        return f"https://localhost:{self.ports['authority']}"

    @property
    def control(self) -> str:
        """Base URL of the control API."""
        return f"http://127.0.0.1:{self.ports['control']}"

    def home(self, user: User) -> Path:
        """Where Dovecot keeps a user's `Maildir` and `rawlog`."""
        return self.dir / "mail" / user.address

    def log(self, part: str) -> Path:
        """The log file of a part."""
        return self.dir / "logs" / f"{part}.log"

    def fill_template(self, name: str, target: Path, **values: str) -> None:
        """Writes template `name` to `target` with every `@key@` replaced."""
        text = (TEMPLATES / name).read_text()
        known = {"dir": self.dir, **{f"{port}_port": number for port, number in self.ports.items()}, **values}
        for key, value in known.items():
            text = text.replace(f"@{key}@", str(value))
        target.write_text(text)

    def save(self, pids: dict[str, int | None]) -> Path:
        """Writes `rig.json`, the file tests read; docs/rig.md lists its members."""
        path = self.dir / "rig.json"
        path.write_text(json.dumps(self._describe(pids), indent=2) + "\n")
        return path

    def _describe(self, pids: dict[str, int | None]) -> dict[str, object]:
        mail_ports = ("imaps", "imap", "submission", "submissions")
        return {
            "dir": str(self.dir),
            "authority": self.authority,
            "tenant": TENANT,
            "tenant_domain": DOMAIN,
            "client_id": CLIENT_ID,
            "app_client_id": APP_CLIENT_ID,
            "app_client_secret": APP_CLIENT_SECRET,
            "app_mailboxes": APP_MAILBOXES,
            "device_page": f"{self.authority}/device",
            "ca_file": str(self.dir / "tls" / "ca.pem"),
            "wrong_ca_file": str(self.dir / "tls" / "wrong-ca.pem"),
            **{name: f"localhost:{self.ports[name]}" for name in mail_ports},
            "control": self.control,
            "users": [asdict(user) for user in USERS],
            "doveadm": ["doveadm", "-c", str(self.dir / "dovecot" / "dovecot.conf")],
            "mail_dir": str(self.dir / "mail"),
            "logs": {part: str(self.log(part)) for part in pids},
            "pids": pids,
            "ports": self.ports,
        }


def _free_ports(count: int) -> list[int]:
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            candidate = socket.socket()
            try:
                candidate.bind(("127.0.0.1", random.randrange(*PORT_RANGE)))
            except OSError:
                candidate.close()
            else:
                held.append(candidate)
        return [listener.getsockname()[1] for listener in held]
    finally:
        for listener in held:
            listener.close()
