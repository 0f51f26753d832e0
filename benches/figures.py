"""Figures as they are measured, and the table they end in: Markdown, ready for docs/performance.md."""

from __future__ import annotations

import statistics
import sys
import time
from typing import Iterable


class Figures:
    """What was measured of each work at each size, beside others that did the same in the same run."""

    def __init__(self, sizes: list[int]) -> None:
        self._sizes = sizes
        self._began = time.monotonic()
        self._cells: dict[str, dict[int, tuple[str, str]]] = {}

    def put(self, size: int, work: str, figure: str, beside: str = "") -> None:
        """One cell, also told at once: a run takes minutes."""
        print(f"{time.monotonic() - self._began:6.0f} s {size:>9,}  {work}: {figure}" + (f"  [{beside}]" if beside else ""), file=sys.stderr, flush=True)
        self._cells.setdefault(work, {})[size] = (figure, beside)

    def markdown(self) -> str:
        heads = [head for size in self._sizes for head in (f"{size:,} messages", "beside it")]
        lines = [_row(["work", *heads]), _row(["---"] * (1 + len(heads)))]
        for work, found in self._cells.items():
            cells = [cell for size in self._sizes for cell in found.get(size, ("", ""))]
            lines.append(_row([work, *cells]))
        return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def seconds(value: float) -> str:
    """Three digits that mean something."""
    return f"{value * 1e3:.2f} ms" if value < 0.01 else f"{value * 1e3:.0f} ms" if value < 1 else f"{value:.2f} s"


def size(value: float) -> str:
    return f"{value:.0f} bytes" if value < 1000 else f"{value / 1e3:.1f} kB" if value < 1e6 else f"{value / 1e6:.1f} MB"


def beside(name: str, other: float, ours: float) -> str:
    """What another needed, and our share of it."""
    return f"{name} {seconds(other)}, ours {ours / other:.2g} times that"


def spread(values: Iterable[float]) -> str:
    """Median, 99th percentile and the slowest."""
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return f"{seconds(statistics.median(ordered))} median, {seconds(p99)} p99, {seconds(ordered[-1])} max"
