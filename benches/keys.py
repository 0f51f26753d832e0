"""What a key costs: time to the first byte of the frame, bytes of it, at rest and while everything is brought."""

from __future__ import annotations

import statistics
import time

from client import Client
from figures import Figures, size, spread
from screen import Screen
from server import Server

DOWN, HALF_PAGE, OPEN, NEXT = "j", "\x04", "\r", "J"
# Less than what passes between two looks at the clock, which an idle screen may draw.
SETTLED_S = 0.5
# A full sync is over once nothing was drawn for so many seconds in a row.
OVER_S = 5
# Keys pressed during a sync, at most, and how often.
KEYS_LIMIT = 400
KEY_EVERY_S = 0.03


def at_rest(figures: Figures, client: Client, server: Server) -> None:
    screen = client.screen()
    screen.wait_for(server.newest())
    screen.settle(SETTLED_S)
    for work, key, times in (("cursor down", DOWN, 100), ("half a page down", HALF_PAGE, 20), ("next message opened", NEXT, 20)):
        if key == NEXT:
            screen.press(OPEN)
        pressed = [screen.press(key) for _time in range(times)]
        drawn = statistics.median(drawn for _first, drawn in pressed)
        figures.put(server.messages, work, f"{spread(first for first, _drawn in pressed)}, {size(drawn)}")
    figures.put(server.messages, "peak memory of the screen", f"{screen.peak_mb():.0f} MB")
    screen.close()


def during_a_full_sync(figures: Figures, client: Client, server: Server) -> None:
    """Everything is brought anew behind the list, once untouched and once under keys."""
    screen = _cold(client, server)
    drawn, took = _until_quiet(screen)
    figures.put(server.messages, "bytes drawn by a full sync", f"{size(drawn)} in {took:.1f} s, {screen.peak_mb():.0f} MB")
    screen.close()

    screen = _cold(client, server)
    pressed = []
    ends = time.perf_counter() + took
    while time.perf_counter() < ends and len(pressed) < KEYS_LIMIT:
        pressed.append(screen.tap(DOWN))
        screen.settle(KEY_EVERY_S)
    if pressed:
        figures.put(server.messages, "cursor down during a full sync", f"{spread(pressed)}, {len(pressed)} keys")
    _until_quiet(screen)
    screen.close()


def _cold(client: Client, server: Server) -> Screen:
    client.forget()
    screen = client.screen()
    screen.wait_for(server.newest())
    return screen


def _until_quiet(screen: Screen) -> tuple[int, float]:
    """Bytes drawn until nothing happens any more, and how long that took."""
    began, drawn, quiet = time.perf_counter(), 0, 0
    while quiet < OVER_S:
        now = screen.drawn_within(1.0)
        drawn += now
        quiet = 0 if now else quiet + 1
    return drawn, time.perf_counter() - began - OVER_S
