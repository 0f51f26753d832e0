"""Finding, marking and arriving."""

from __future__ import annotations

import json

from client import Client
from figures import Figures, beside, seconds
from server import Server

# Less than what passes between two looks at the clock, which an idle screen may draw.
SETTLED_S = 0.5
MARKED = 1_000
ARRIVING = 500
TOP = "gg"


def searches(figures: Figures, client: Client, server: Server, runs: int, whole: bool) -> None:
    """First pages, the process and all, and one as it is typed."""
    rare = "quokka" if whole else f"No{server.messages // 2}"
    asked = (("a rare word", rare, ()), ("a common word", "engine", ()), ("a prefix of two letters", "ca", ()),
             ("a common word, best first", "engine", ("--ranked",)))
    for work, word, more in asked:
        ran = [client.run("message", "search", word, "--limit", "40", "--json", *more) for _run in range(runs)]
        shown = len(ran[0].output.splitlines())
        figures.put(server.messages, f"search for {work}, process and all",
                    f"{seconds(min(one.seconds for one in ran))}, {shown} shown")
    if whole:
        screen = client.screen()
        screen.wait_for(server.newest())
        screen.settle(SETTLED_S)
        screen.press("/")
        screen.send("quokka")
        figures.put(server.messages, "search of a body word typed at once, until its first page",
                    seconds(screen.wait_for(server.newest_rare())))
        screen.close()


def marks(figures: Figures, client: Client, server: Server) -> None:
    """The newest are starred here and on the server, from the start of the process to its end."""
    listed = client.run("message", "list", "--limit", str(MARKED), "--json").output
    ids = [str(json.loads(line)["id"]) for line in listed.splitlines()]
    bare = server.bare_store(len(ids))
    ran = client.run("message", "flag", *ids, "--add", "flagged")
    figures.put(server.messages, f"newest {len(ids):,} starred here and on the server, process and all",
                seconds(ran.seconds), beside("bare socket, sign-in and all,", bare, ran.seconds))


def arrivals(figures: Figures, client: Client, server: Server) -> None:
    """From the first of many arriving messages until the last is listed."""
    bare = server.bare_arrival(ARRIVING)
    screen = client.screen()
    screen.wait_for(f"Lone{ARRIVING - 1}")
    screen.settle(SETTLED_S)
    # The cursor stays on its message, and the view with it, while others come above.
    screen.press(TOP)
    screen.send("")
    server.arrive("Arrival", ARRIVING)
    listed = screen.wait_for(f"Arrival{ARRIVING - 1}")
    figures.put(server.messages, f"{ARRIVING} messages arriving, until listed", seconds(listed),
                beside("bare socket in IDLE until it has their headers", bare, listed))
    screen.close()
