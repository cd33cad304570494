"""One measurement of ours against a peer or a bar, and the table that shows it."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """What was measured, side by side in one run.

    Attributes:
        name: What was done.
        ours: Our figure, in ``unit``.
        peer: The peer's figure, in ``unit``; None where a plain limit holds.
        unit: ``"s"``, ``"MB"`` (10**6 bytes), or empty for a share.
        bar: What is asked: at least this many times faster than the peer, or at most this figure or multiple.
        is_ratio_floor: True: peer / ours >= bar. False: ours / peer (ours where there is no peer) <= bar.
        note: How the two figures came about.
    """

    name: str
    ours: float
    peer: float | None
    unit: str
    bar: float | None
    is_ratio_floor: bool
    note: str = ""

    @property
    def figure(self) -> float:
        """What is held against the bar."""
        if self.peer is None:
            return self.ours
        is_more_better = not self.unit  # of shares more is better, of seconds and megabytes less
        return self.peer / self.ours if self.is_ratio_floor and not is_more_better else self.ours / self.peer

    @property
    def is_met(self) -> bool | None:
        """Whether the bar is met; None where there is none."""
        if self.bar is None:
            return None
        return self.figure >= self.bar if self.is_ratio_floor else self.figure <= self.bar

    def as_dict(self) -> dict[str, Any]:
        """Fields and verdict, for --json."""
        return {**asdict(self), "figure": self.figure, "is_met": self.is_met}


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


def in_turns(
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    times: int,
    before: Callable[[], object] = lambda: None,
) -> tuple[float, float]:
    """Median seconds of both, called in turns so that a busy moment of the machine hits both alike.

    ``before`` prepares each of our turns and is not measured.
    """
    pairs = []
    for _ in range(times):
        before()
        pairs.append((seconds(ours), seconds(peer)))
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def markdown(rows: Sequence[Measurement], command: str) -> str:
    """The table of README.md, under a line that names machine, date and command."""
    lines = [f"{machine()}, {time.strftime('%Y-%m-%d')}, `{command}`", ""]
    lines += ["| what | ours | peer | ratio | bar | |", "|---|---|---|---|---|---|"]
    for row in rows:
        peer = "" if row.peer is None else _figure(row.peer, row.unit)
        ratio = "" if row.peer is None else f"{row.figure:.2f} x"
        bar = "" if row.bar is None else f"{'>=' if row.is_ratio_floor else '<='} {row.bar:g}"
        verdict = {True: "met", False: "**missed**", None: ""}[row.is_met]
        lines.append(f"| {row.name} | {_figure(row.ours, row.unit)} | {peer} | {ratio} | {bar} | {verdict} |")
    notes = [f"- {row.name}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, "", *notes, ""])


def peak_mb() -> float:
    """The most memory that this process ever held, 10**6 bytes.

    Linux: from the program's start on (VmHWM); getrusage's figure is inherited from the process that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def machine() -> str:
    """Processor, cores, memory, system and Python, in a line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9 if hasattr(os, "sysconf") else 0.0
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{cpu}, {os.cpu_count()} cores, {memory_gb:.0f} GB, {system}"


def _figure(value: float, unit: str) -> str:
    if not unit:
        return f"{value:.3f}"
    if unit == "MB":
        return f"{value:.0f} MB"
    return f"{value * 1000:.0f} ms" if value < 1.0 else f"{value:.2f} s"
