"""Fills a user's folder with any number of messages, the same every time, straight into the Maildir."""

from __future__ import annotations

import os
import random
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

from .layout import USERS, Rig
from .process import RigError

LAST_DAY = datetime(2025, 9, 12, tzinfo=timezone.utc)
STEP = timedelta(minutes=30)
RARE_EVERY = 1_000
RARE_WORD = "quokka"
WORDS = (
    "engine card deck number table operation friday harbour report draft meeting budget paper"
    " compass orbit lattice ribbon garden window copper signal ledger planet mirror bridge"
    " marble violet canyon timber saddle anchor velvet pepper cactus bamboo meadow falcon"
).split()


def fill(rig: Rig, address: str, folder: str, messages: int) -> None:
    """Writes `messages` messages, oldest first, with half of them read."""
    if address not in {user.address for user in USERS}:
        raise RigError(f"there is no user {address}")
    maildir = rig.dir / "mail" / address / "Maildir"
    target = maildir if folder == "INBOX" else maildir / f".{folder}"
    owner = maildir.parent.stat()
    directories = [target, *(target / part for part in ("cur", "new", "tmp"))]
    for directory in directories:
        directory.mkdir(parents=True, exist_ok=True)
        os.chown(directory, owner.st_uid, owner.st_gid)
    random_source = random.Random(messages)
    for number in range(messages):
        # However many there are, none lies in the future.
        date = LAST_DAY - STEP * (messages - number)
        _write(target / "cur", number, date, random_source, (owner.st_uid, owner.st_gid))


def _write(cur: Path, number: int, date: datetime, source: random.Random, owner: tuple[int, int]) -> None:
    message = _message(number, date, source)
    flags = "S" if number % 2 else ""
    path = cur / f"{int(date.timestamp())}.M{number}.bench,S={len(message)}:2,{flags}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, message)
    os.fchown(descriptor, *owner)
    os.close(descriptor)
    os.utime(path, (date.timestamp(), date.timestamp()))


def _message(number: int, date: datetime, source: random.Random) -> bytes:
    sender = USERS[number % len(USERS)]
    # First, so that no width cuts it off; one word, because a terminal is not sent blanks.
    subject = f"No{number} " + " ".join(source.choices(WORDS, k=5))
    answers = ""
    if number % 3:
        parent = number - number % 3
        answers = f"In-Reply-To: <bench-{parent}@example.org>\nReferences: <bench-{parent}@example.org>\n"
        subject = f"Re: {subject}"
    lines = [" ".join(source.choices(WORDS, k=11)) for _line in range(source.randrange(4, 28))]
    if number % RARE_EVERY == 0:
        lines.append(f"And a {RARE_WORD} besides.")
    body = "\n".join(lines)
    return (
        f"Return-Path: <{sender.address}>\n"
        f"Received: from mail.example.org (mail.example.org [192.0.2.1])\n\tby mx.example.org with ESMTP id B{number};"
        f" {format_datetime(date)}\n"
        f"Date: {format_datetime(date)}\n"
        f"From: {sender.name} <{sender.address}>\n"
        f"To: Ada Lovelace <ada@example.org>, Alan Turing <alan@example.org>\n"
        f"Subject: {subject}\n"
        f"Message-ID: <bench-{number}@example.org>\n"
        f"{answers}"
        "MIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=utf-8\n"
        "\n"
        f"{body}\n"
    ).encode()
