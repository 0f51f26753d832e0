"""Dovecot: IMAP for the users, LMTP for Postfix, and the SASL behind both."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

from . import oauth
from .layout import APP_MAILBOXES, USERS, Rig
from .process import running_pid, stop as stop_process, wait_for_port

NAME = "dovecot"
MAIL_OWNER = "mail"
SCOPES = {
    "imap": "https://outlook.office.com/IMAP.AccessAsUser.All",
    "smtp": "https://outlook.office.com/SMTP.Send",
}
APP_SCOPES = {
    "imap-app": "https://outlook.office.com/IMAP.AccessAsApp",
    "smtp-app": "https://outlook.office.com/SMTP.SendAsApp",
}
# A person's token opens the mailbox it names. An app's names one of the app's mailboxes and opens each of them: all of
# them are the same to Dovecot when it compares the name in the token with the one in the sign-in.
ONE_MAILBOX = "%Lu"
MAILBOXES_OF_APP = f"%{{if;%Lu;~;^({'|'.join(APP_MAILBOXES)})$;of-app;%Lu}}"


def prepare(rig: Rig) -> None:
    """Writes the configuration, the user file and the users' empty homes."""
    directory = rig.dir / "dovecot"
    directory.mkdir()
    rig.fill_template("dovecot.conf", _config_file(rig))
    kinds = ((SCOPES, "username", ONE_MAILBOX), (APP_SCOPES, "mailbox_of_app", MAILBOXES_OF_APP))
    for scopes, attribute, username_format in kinds:
        for name, scope in scopes.items():
            rig.fill_template(
                "dovecot-oauth2.conf", directory / f"oauth2-{name}.conf",
                scope=scope, username_attribute=attribute, username_format=username_format,
                introspection_url=oauth.introspection_url(rig),
            )
    owner = pwd.getpwnam(MAIL_OWNER)
    lines = []
    for user in USERS:
        home = rig.home(user)
        (home / "rawlog").mkdir(parents=True)
        for path in (home, home / "rawlog"):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        lines.append(f"{user.address}:{{PLAIN}}{user.password}:{owner.pw_uid}:{owner.pw_gid}::{home}::\n")
    (directory / "users").write_text("".join(lines))


def start(rig: Rig) -> None:
    """Starts Dovecot unless it runs."""
    if pid(rig) is None:
        # A daemon keeps what it inherits: given our own output, it would hold a caller's pipe open for ever.
        with rig.log(NAME).open("ab") as log:
            subprocess.run(
                ["dovecot", "-c", str(_config_file(rig))], check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
    for listener in ("imap", "imaps"):
        wait_for_port(rig.ports[listener], NAME, rig.log(NAME))


def stop(rig: Rig) -> None:
    """Ends Dovecot and every session."""
    found = pid(rig)
    if found is not None:
        stop_process(found, NAME)


stop_part = stop


def pid(rig: Rig) -> int | None:
    """The master's pid while it runs."""
    return running_pid(rig.dir / "dovecot" / "run" / "master.pid", str(_config_file(rig)))


def is_up(rig: Rig) -> bool:
    """Whether Dovecot runs."""
    return pid(rig) is not None


def _config_file(rig: Rig) -> Path:
    return rig.dir / "dovecot" / "dovecot.conf"


