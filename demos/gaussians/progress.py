"""A part of a job that counts on its own: its progress is a stretch of the whole job's."""

from __future__ import annotations

from core.tasks import Job, Stage


class Portion(Job):
    """What is handed to one of several pieces of work: Cancel passes through, progress is scaled."""

    def __init__(self, outer: Job | None, first_percent: float, last_percent: float, title: str) -> None:
        """Stand for the stretch from ``first_percent`` to ``last_percent`` of ``outer``; None hears nothing."""
        super().__init__()
        self._outer = outer
        self._first, self._last, self._title = first_percent, last_percent, title

    @property
    def is_cancelled(self) -> bool:
        """Whether the whole job was cancelled."""
        return self._outer is not None and self._outer.is_cancelled

    def check(self) -> None:
        """As the whole job's."""
        if self._outer is not None:
            self._outer.check()

    def wait(self, seconds: float) -> None:
        """As the whole job's."""
        if self._outer is None:
            super().wait(seconds)
        else:
            self._outer.wait(seconds)

    def step(
        self,
        stage: Stage,
        done: float | None = None,
        total: float | None = None,
        *,
        unit: str = "",
        note: str = "",
    ) -> None:
        """Tell the whole job how far this part is; loading and downloading are told as they are."""
        self.check()
        if self._outer is None or self._first == self._last:
            return
        if stage in ("downloading", "checking"):
            self._outer.step(stage, done, total, unit=unit, note=note)
            return
        share = min(done / total, 1.0) if done is not None and total else 0.0
        percent = self._first + (self._last - self._first) * share
        words = f"{self._title}: {note}" if note else self._title
        self._outer.step("running", percent, 100, unit="%", note=words)


def silent(job: Job | None) -> Portion:
    """A job that is cancelled with ``job`` and tells nothing."""
    return Portion(job, 0, 0, "")
