"""One running job: where its progress is told and how it is asked to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from core.errors import Cancelled

Stage = Literal["checking", "downloading", "loading", "running"]


@dataclass(frozen=True)
class Step:
    """What a job is doing now.

    Attributes:
        stage: One of the four stages, in the order in which a job passes them.
        done: Units finished so far, or None where they cannot be counted.
        total: Units in all, or None.
        unit: What is counted: ``"B"``, ``"images"``, ...
        note: A few words more: a file name, a model name.
        eta_s: Seconds left in this stage by its mean pace so far, or None before that is known.
    """

    stage: Stage
    done: float | None = None
    total: float | None = None
    unit: str = ""
    note: str = ""
    eta_s: float | None = None


class Job:
    """The cancel token and the progress line of one request; safe to use from any thread.

    Work that takes time calls :meth:`check` between steps (at least twice a second where it can) and
    :meth:`step` to say how far it is. Whoever started the work calls :meth:`cancel`.
    """

    def __init__(self, report: Callable[[Step], None] | None = None) -> None:
        """Start a job; ``report`` receives every step, in the thread that makes it."""
        self._report = report
        self._cancelled = threading.Event()
        self._stage: Stage | None = None
        self._stage_start_s = 0.0
        self._stage_start_done = 0.0  # a resumed download does not start at 0
        self._stage_done = 0.0

    @property
    def is_cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the work to stop at its next :meth:`check`; returns at once."""
        self._cancelled.set()

    def check(self) -> None:
        """Raise Cancelled if the job was cancelled, else do nothing."""
        if self._cancelled.is_set():
            raise Cancelled("The work was cancelled.")

    def step(
        self,
        stage: Stage,
        done: float | None = None,
        total: float | None = None,
        *,
        unit: str = "",
        note: str = "",
    ) -> None:
        """Report progress, and stop here if the job was cancelled.

        Raises:
            Cancelled: the job was cancelled.
        """
        self.check()
        now_s = time.monotonic()
        if stage != self._stage or (done or 0.0) < self._stage_done:  # counting begins again: so does the pace
            self._stage, self._stage_start_s, self._stage_start_done = stage, now_s, done or 0.0
        self._stage_done = done or 0.0
        eta_s = None
        if done and total and done > self._stage_start_done:
            eta_s = (now_s - self._stage_start_s) * max(total - done, 0.0) / (done - self._stage_start_done)
        if self._report is not None:
            self._report(Step(stage, done, total, unit, note, eta_s))

    def wait(self, seconds: float) -> None:
        """Sleep up to ``seconds``; raises Cancelled as soon as the job is cancelled."""
        if self._cancelled.wait(seconds):
            self.check()
