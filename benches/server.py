"""The server's side of a run: the folder that is measured, and what a bare socket needs for the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

from wire import BareImap

USER = "grace@example.org"
# As tests/rig/servers/fill.py writes them.
RARE_EVERY = 1_000
HEADERS = ("UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS"
           " (DATE FROM TO CC SUBJECT MESSAGE-ID IN-REPLY-TO REFERENCES CONTENT-TYPE)]")


class Server:
    """The rig, with one mailbox of so many messages."""

    def __init__(self, rig: dict, messages: int) -> None:
        self.rig, self.messages = rig, messages
        self.password = next(user["password"] for user in rig["users"] if user["address"] == USER)
        self.maildir = Path(rig["mail_dir"]) / USER / "Maildir"

    def newest(self) -> str:
        """First word of the newest subject: no width cuts it off."""
        return f"No{self.messages - 1}"

    def newest_rare(self) -> str:
        """The same of the newest message with the rare word."""
        return f"No{(self.messages - 1) // RARE_EVERY * RARE_EVERY}"

    def address(self, name: str) -> tuple[str, int]:
        host, port = self.rig[name].split(":")
        return host, int(port)

    def client(self) -> BareImap:
        return BareImap(self.address("imap"), USER, self.password)

    def fill(self) -> float:
        """Fills the folder and has the server index it; seconds."""
        for part in ("cur", "new"):
            shutil.rmtree(self.maildir / part, ignore_errors=True)
        for stale in self.maildir.glob("dovecot*"):
            stale.unlink()
        began = time.perf_counter()
        command = ["scripts/rig", "fill", "--dir", self.rig["dir"], USER, "INBOX", str(self.messages)]
        subprocess.run(command, check=True)
        client = self.client()
        client.run("SELECT INBOX")
        client.run(f"FETCH 1:* ({HEADERS})")
        return time.perf_counter() - began

    def bare_fetch(self, items: str, runs: int) -> tuple[float, int]:
        """Seconds and bytes of fetching `items` of every message: the best of `runs`."""
        client = self.client()
        client.run("SELECT INBOX")
        return min(client.run(f"FETCH 1:* ({items})") for _run in range(runs))

    def bare_store(self, messages: int) -> float:
        """Seconds from the connection until the newest `messages` are marked."""
        began = time.perf_counter()
        client = self.client()
        client.run("SELECT INBOX")
        client.run(f"UID STORE {max(1, self.messages - messages + 1)}:* +FLAGS.SILENT (\\Answered)")
        return time.perf_counter() - began

    def arrive(self, messages: int) -> None:
        """Puts new messages into the folder, as a delivery does."""
        owner, now = self.maildir.stat(), int(time.time())
        for number in range(messages):
            name = f"{now}.M{number:06}.arrival"
            path = self.maildir / "tmp" / name
            path.write_bytes(f"From: ada@example.org\nTo: {USER}\nSubject: Arrival{number}\n"
                             f"Message-ID: <arrival-{number}@example.org>\n\nhello\n".encode())
            os.chown(path, owner.st_uid, owner.st_gid)
            # One second apart, so that the last one stands at the top.
            os.utime(path, (now + number, now + number))
            path.rename(self.maildir / "new" / name)


class Listener:
    """A bare socket in IDLE: when the server says that so many messages are there."""

    def __init__(self, server: Server, expected: int) -> None:
        self._client = server.client()
        self._client.run("SELECT INBOX")
        self._client.begin_idle()
        self._expected = expected
        self._told_at: float | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        self._client.wait_for(f"* {self._expected} EXISTS".encode())
        self._told_at = time.perf_counter()

    def told_at(self) -> float | None:
        """On the clock of `time.perf_counter`; None where it was not told that number."""
        self._thread.join(5.0)
        return self._told_at
