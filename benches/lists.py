"""How soon there is something to read: the first list, and everything stored."""

from __future__ import annotations

import sys
from pathlib import Path

from client import Client
from figures import Figures, beside, seconds, size
from server import HEADERS, Server
from wire import Line

# Quiet for so long means that nothing more is on its way.
SETTLED_S = 0.5
# Cold starts that do not count: until then Dovecot goes through its list of all files whenever somebody opens the folder.
SETTLING_RUNS = 3


def first_list(figures: Figures, program: str, work: Path, server: Server, delays_ms: list[float], runs: int) -> None:
    """From the start of the process until the newest subject is drawn, with an empty and a full cache."""
    _settle(figures, Client(program, work, server, server.rig["imaps"]), server)
    for delay_ms in delays_ms:
        line = Line(server.address("imaps"), delay_ms / 1000)
        client = Client(program, work, server, f"localhost:{line.port}")
        for name in ("cold", "warm"):
            found = []
            for _run in range(runs):
                if name == "cold":
                    client.forget()
                line.reset()
                screen = client.screen()
                shown = screen.wait_for(server.newest())
                at_once = (shown, line.turns, line.bytes_down, screen.peak_mb())
                screen.settle(SETTLED_S)
                found.append((*at_once, line.turns_of_first()))
                screen.close()
            shown, turns, down, peak, settled = sorted(found)[len(found) // 2]
            figures.put(server.messages, f"first list, {name}, {delay_ms:.0f} ms each way",
                        f"{seconds(shown)}, {turns} turns with TLS, {size(down)} down, {peak:.0f} MB")
            if name == "warm":
                figures.put(server.messages, f"up to date, warm, {delay_ms:.0f} ms each way",
                            f"{settled} turns with TLS, signing in and IDLE")


def _settle(figures: Figures, client: Client, server: Server) -> None:
    shown = []
    for _run in range(SETTLING_RUNS):
        client.forget()
        screen = client.screen()
        shown.append(screen.wait_for(server.newest()))
        screen.settle(SETTLED_S)
        screen.close()
    figures.put(server.messages, "first list, cold, of a folder that was just filled", seconds(shown[0]))


def everything(figures: Figures, client: Client, server: Server, runs: int, whole: bool) -> None:
    """Every header, then every whole message, stored, threaded and indexed."""
    bare = server.bare_fetch(HEADERS, runs)
    ran = client.run("sync", "--once")
    figures.put(server.messages, "every header stored, threaded and indexed",
                f"{seconds(ran.seconds)}, {ran.peak_mb:.0f} MB, cache {size(client.cache_bytes())}",
                _beside_bare(bare, ran.seconds))
    if not whole:
        print("whole messages are left out at this size (--whole brings them)", file=sys.stderr)
        return
    client.keep_whole_messages()
    bare = server.bare_fetch("UID BODY.PEEK[]", 1)
    ran = client.run("sync", "--once")
    figures.put(server.messages, "every whole message too",
                f"{seconds(ran.seconds)}, {ran.peak_mb:.0f} MB, cache {size(client.cache_bytes())}",
                _beside_bare(bare, ran.seconds))


def _beside_bare(bare: tuple[float, float, int], ours: float) -> str:
    plain, with_tls, bytes_down = bare
    return f"{beside(f'bare socket ({size(bytes_down)})', plain, ours)}; {beside('with TLS, as ours,', with_tls, ours)}"
