#!/usr/bin/env python3
"""How long a mailbox takes, beside a bare socket and another client; see docs/performance.md.

Prints a table of figures and ratios and asserts nothing. Started by scripts/bench, which brings the servers up.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import changes
import keys
import lists
import neomutt
from client import Client
from figures import Figures
from server import Server

# Up to here whole messages are brought without being asked for: they take ten times as long as headers.
WHOLE_LIMIT = 100_000
# From here on bringing all headers takes long enough to press keys meanwhile.
BUSY_MIN = 10_000


def main() -> int:
    options = _options()
    rig = json.loads(Path(os.environ["POSTHASTE_RIG"]).read_text())
    figures = Figures(options.messages)
    try:
        for messages in options.messages:
            _measure(figures, rig, options, messages)
    finally:
        print(figures.markdown())
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default="target/release/posthaste")
    parser.add_argument("--delay-ms", type=float, nargs="*", default=[0, 50], help="each way")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--whole", action="store_true", help=f"bring whole messages beyond {WHOLE_LIMIT:,}, too")
    parser.add_argument("messages", type=int, nargs="+")
    return parser.parse_args()


def _measure(figures: Figures, rig: dict, options: argparse.Namespace, messages: int) -> None:
    program = str(Path(options.program).resolve())
    work = Path(tempfile.mkdtemp(prefix="ph-bench-", dir="/tmp"))
    server = Server(rig, messages)
    whole = options.whole or messages <= WHOLE_LIMIT
    try:
        print(f"filled and indexed by the server in {server.fill():.1f} s", file=sys.stderr)
        lists.first_list(figures, program, work, server, options.delay_ms, options.runs)
        client = Client(program, work, server, rig["imaps"])
        if BUSY_MIN <= messages:
            keys.during_a_full_sync(figures, client, server)
            client.forget()
        lists.everything(figures, client, server, options.runs, whole)
        keys.at_rest(figures, client, server)
        changes.searches(figures, client, server, options.runs, whole)
        neomutt.measure(figures, work, server)
        changes.marks(figures, client, server)
        changes.arrivals(figures, client, server)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
