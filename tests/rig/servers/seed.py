"""The mail that is there when a rig starts: enough to list, read and answer, the same every time."""

from __future__ import annotations

import imaplib
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from email.policy import SMTP

from .layout import USERS, Rig

ADA, ALAN, GRACE, EDSGER, BARBARA = (f"{user.name} <{user.address}>" for user in USERS)
ADA_ADDRESS, ALAN_ADDRESS = USERS[0].address, USERS[1].address

FIRST_DAY = datetime(2026, 9, 1, 8, 0, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Seed:
    """One message and where it lies."""

    user: str
    folder: str
    flags: str
    day: int
    message: EmailMessage


def plant(rig: Rig) -> None:
    """Appends every seed through IMAP, as another client of the user would."""
    trust = ssl.create_default_context(cafile=str(rig.dir / "tls" / "ca.pem"))
    passwords = {user.address: user.password for user in USERS}
    seeds = _seeds()
    for address in dict.fromkeys(seed.user for seed in seeds):
        client = imaplib.IMAP4_SSL("localhost", rig.ports["imaps"], ssl_context=trust)
        client.login(address, passwords[address])
        for seed in (seed for seed in seeds if seed.user == address):
            received = imaplib.Time2Internaldate(FIRST_DAY + timedelta(days=seed.day))
            status, answer = client.append(f'"{seed.folder}"', seed.flags, received, seed.message.as_bytes(policy=SMTP))
            if status != "OK":
                raise RuntimeError(f"seeding {address} failed: {answer}")
        client.logout()


def _seeds() -> list[Seed]:
    question = _text("engine-1", 0, ALAN, ADA, "Notes on the Analytical Engine",
                     "Dear Ada,\n\nwould you look at the table for the Bernoulli numbers before Friday?\n\nAlan\n")
    answer = _reply("engine-2", 1, ADA, ALAN, question,
                    "Dear Alan,\n\nI have. Operation 4 has its operands the wrong way round.\n\nAda\n")
    thanks = _reply("engine-3", 2, ALAN, ADA, answer, "So it has. Thank you!\n")
    newsletter = _html()
    report = _attachment()
    return [
        Seed(ADA_ADDRESS, "INBOX", r"\Seen", 0, question),
        Seed(ADA_ADDRESS, "Sent Items", r"\Seen", 1, answer),
        Seed(ADA_ADDRESS, "INBOX", r"\Seen", 2, thanks),
        Seed(ADA_ADDRESS, "INBOX", r"\Seen \Answered", 3,
             _text("lunch", 3, GRACE, ADA, "Lunch?", "Thursday at noon, by the harbour?\n\nGrace\n")),
        Seed(ADA_ADDRESS, "INBOX", r"\Flagged", 4, newsletter),
        Seed(ADA_ADDRESS, "INBOX", "", 5, report),
        Seed(ADA_ADDRESS, "INBOX", "", 6,
             _text("gruesse", 6, EDSGER, ADA, "Grüße aus Nuenen – schöne Tage 🚲",
                   "Liebe Ada,\n\nüber „goto“ reden wir später. Viele Grüße!\n\nEdsger\n")),
        Seed(ADA_ADDRESS, "INBOX", "", 7,
             _text("kyoto", 7, BARBARA, ADA, "京都での会議について", "会議は十月に京都で開かれます。\n\nBarbara\n")),
        Seed(ADA_ADDRESS, "Archive", r"\Seen", 0,
             _text("archived", 0, GRACE, ADA, "The moth", "It is taped into the logbook now.\n")),
        Seed(ADA_ADDRESS, "Junk Email", "", 5,
             _text("junk", 5, "Prize Office <prize@example.net>", ADA, "You have won!!!", "Send your details.\n")),
        Seed(ALAN_ADDRESS, "Sent Items", r"\Seen", 0, question),
        Seed(ALAN_ADDRESS, "INBOX", r"\Seen", 1, answer),
        Seed(ALAN_ADDRESS, "Sent Items", r"\Seen", 2, thanks),
        Seed(ALAN_ADDRESS, "INBOX", "", 4,
             _text("chess", 4, GRACE, ALAN, "Your move", "Knight to f3. Your move.\n\nGrace\n")),
    ]


def _headers(name: str, day: int, sender: str, recipient: str, subject: str) -> EmailMessage:
    message = EmailMessage()
    message["Message-ID"] = f"<{name}@seed.example.org>"
    message["Date"] = FIRST_DAY + timedelta(days=day)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject
    return message


def _text(name: str, day: int, sender: str, recipient: str, subject: str, body: str) -> EmailMessage:
    message = _headers(name, day, sender, recipient, subject)
    message.set_content(body)
    return message


def _reply(name: str, day: int, sender: str, recipient: str, parent: EmailMessage, body: str) -> EmailMessage:
    message = _text(name, day, sender, recipient, f"Re: {parent['Subject'].removeprefix('Re: ')}", body)
    message["In-Reply-To"] = parent["Message-ID"]
    message["References"] = " ".join(filter(None, (parent["References"], parent["Message-ID"])))
    return message


def _html() -> EmailMessage:
    message = _text("newsletter", 4, "Computing Weekly <news@example.net>", ADA, "Computing Weekly: this week in engines",
                    "This week in engines\n\n* The difference engine turns 204\n* Read more: https://example.net/engines\n")
    message.add_alternative(
        "<html><body><h1>This week in engines</h1><ul><li>The <b>difference engine</b> turns 204</li></ul>"
        '<p><a href="https://example.net/engines">Read more</a></p>'
        '<img src="https://example.net/pixel.gif" width="1" height="1"></body></html>\n',
        subtype="html",
    )
    return message


def _attachment() -> EmailMessage:
    message = _text("report", 5, GRACE, ADA, "Compiler figures", "Ada, the figures are attached.\n\nGrace\n")
    message.add_attachment("pass,seconds\nscan,1.5\nparse,2.25\n", subtype="csv", filename="figures.csv")
    message.add_attachment(bytes(range(256)) * 8, maintype="application", subtype="octet-stream", filename="résumé.bin")
    return message
