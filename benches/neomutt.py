"""neomutt on the same folder, line and terminal, where it is installed."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from pathlib import Path

from figures import Figures, seconds, size, spread
from screen import Screen
from server import USER, Server

CONFIGURATION = """
set folder = "imaps://{imaps}/"
set spool_file = "+INBOX"
set imap_user = "{user}" imap_pass = "{password}"
set ssl_ca_certificates_file = "{ca}"
set header_cache = "{work}/cache/" message_cachedir = "{work}/cache/"
set sort = reverse-date-received imap_qresync = yes
set quit = yes wait_key = no sleep_time = 0
"""


def measure(figures: Figures, work: Path, server: Server) -> None:
    program = shutil.which("neomutt")
    if program is None:
        print("neomutt is not installed and left out", file=sys.stderr)
        return
    home = work / "neomutt"
    (home / "cache").mkdir(parents=True)
    rig = server.rig
    rc = home / "rc"
    rc.write_text(CONFIGURATION.format(imaps=rig["imaps"], user=USER, password=server.password, ca=rig["ca_file"], work=home))
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}

    def start() -> tuple[Screen, float]:
        screen = Screen([program, "-n", "-F", str(rc)], environment)
        return screen, screen.wait_for(server.newest(), 180.0)

    screen, cold = start()
    screen.settle(0.5)
    figures.put(server.messages, "neomutt: first list, cold", f"{seconds(cold)}, {size(len(screen.drawn))} drawn, {screen.peak_mb():.0f} MB")
    screen.close()
    screen, warm = start()
    screen.settle(0.5)
    figures.put(server.messages, "neomutt: first list, warm", f"{seconds(warm)}, {screen.peak_mb():.0f} MB")
    for name, key, times in (("cursor down", "j", 50), ("next message opened", "j", 20)):
        if name != "cursor down":
            screen.press("\r")
        pressed = [screen.press(key) for _time in range(times)]
        drawn = statistics.median(drawn for _first, drawn in pressed)
        figures.put(server.messages, f"neomutt: {name}", f"{spread(first for first, _drawn in pressed)}, {size(drawn)}")
    screen.press("q")
    screen.send("l=b quokka\r")
    figures.put(server.messages, "neomutt: search of a body word", seconds(screen.wait_for(server.newest_rare(), 180.0)))
    screen.close()
