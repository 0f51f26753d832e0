"""The server's side of a run: the folder that is measured, and what a bare socket needs for the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from wire import BareImap

USER = "grace@example.org"
# As tests/rig/servers/fill.py writes them.
RARE_EVERY = 1_000
HEADERS = ("UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS"
           " (DATE FROM TO CC BCC REPLY-TO SUBJECT MESSAGE-ID IN-REPLY-TO REFERENCES CONTENT-TYPE)]")


class Server:
    """The rig, with one mailbox of so many messages."""

    def __init__(self, rig: dict, messages: int) -> None:
        self.rig, self.messages = rig, messages
        # With what arrived during the run.
        self.present = messages
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

    def client_with_tls(self) -> BareImap:
        return BareImap(self.address("imaps"), USER, self.password, self.rig["ca_file"])

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
        client.close()
        return time.perf_counter() - began

    def bare_fetch(self, items: str, runs: int) -> tuple[float, float, int]:
        """Seconds of fetching `items` of every message, without and with TLS, and bytes: the best of `runs`."""
        best = []
        for client in (self.client(), self.client_with_tls()):
            client.run("SELECT INBOX")
            best.append(min(client.run(f"FETCH 1:* ({items})") for _run in range(runs)))
            client.close()
        (plain, bytes_down), (with_tls, _same) = best
        return plain, with_tls, bytes_down

    def bare_store(self, messages: int) -> float:
        """Seconds from the connection until the newest `messages` are marked."""
        began = time.perf_counter()
        client = self.client()
        client.run("SELECT INBOX")
        client.run(f"UID STORE {max(1, self.messages - messages + 1)}:* +FLAGS.SILENT (\\Answered)")
        took = time.perf_counter() - began
        client.close()
        return took

    def arrive(self, word: str, messages: int) -> None:
        """Puts new messages into the folder, as a delivery does; their subjects are `word` and a number."""
        owner, now = self.maildir.stat(), int(time.time())
        self.present += messages
        for number in range(messages):
            name = f"{now}.M{number:06}.{word}"
            path = self.maildir / "tmp" / name
            path.write_bytes(f"From: ada@example.org\nTo: {USER}\nSubject: {word}{number}\n"
                             f"Message-ID: <{word}-{number}@example.org>\n\nhello\n".encode())
            os.chown(path, owner.st_uid, owner.st_gid)
            # One second apart, so that the last one stands at the top.
            os.utime(path, (now + number, now + number))
            path.rename(self.maildir / "new" / name)

    def bare_arrival(self, messages: int) -> float:
        """Seconds from the first arriving message until a bare socket in IDLE has the headers of all."""
        client = self.client()
        client.run("SELECT INBOX")
        client.begin_idle()
        began = time.perf_counter()
        # No letter stands where the next ones' has it: a terminal is sent only what changes.
        self.arrive("Lone", messages)
        client.wait_for(f"* {self.present} EXISTS".encode())
        client.end_idle()
        client.run(f"FETCH {self.present - messages + 1}:{self.present} ({HEADERS})")
        took = time.perf_counter() - began
        client.close()
        return took
