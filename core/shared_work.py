"""Slow work done once however many ask for it: one thread works, everybody who asked watches it.

Each watcher has its own job: it sees the progress and may leave at any time. The work goes on for those who stay
and is cancelled when the last one has left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from core.errors import HubError
from core.tasks import Job, Step

Result = TypeVar("Result")
POLL_S = 0.1  # how soon a watcher notices that its own job was cancelled


class _Task(Generic[Result]):
    """One piece of work under way."""

    def __init__(self) -> None:
        self.job = Job(self._note)
        self.step: Step | None = None
        self.watchers = 0
        self.done = threading.Event()
        self.result: Result | None = None
        self.error: BaseException | None = None

    def _note(self, step: Step) -> None:
        self.step = step


class SharedWork(Generic[Result]):
    """Runs at most one piece of work per key at a time, in a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[Hashable, _Task[Result]] = {}

    def run(self, key: Hashable, work: Callable[[Job], Result], *, job: Job | None = None) -> Result:
        """Start ``work`` or join the one under way for ``key``; returns or raises what it returns or raises.

        Args:
            key: What the work is about.
            work: Called with the work's own job, in another thread; it checks that job and tells it its steps.
            job: The caller's job; the work's steps are repeated to it.

        Raises:
            Cancelled: ``job`` was cancelled; the work goes on if others still watch it.
        """
        while True:
            task, is_watched = self._join(key, work)
            try:
                self._watch(task, job if is_watched else None, stop=job)
            finally:
                if is_watched:
                    self._leave(task)
            if is_watched:
                break
        if task.error is None:
            return task.result  # type: ignore[return-value]
        if isinstance(task.error, HubError):  # one exception object a watcher: tracebacks do not mix
            raise type(task.error)(*task.error.args) from task.error
        raise task.error

    def step(self, key: Hashable) -> Step | None:
        """What the work for ``key`` does now; None when there is none. Never waits."""
        task = self._tasks.get(key)
        return None if task is None else task.step or Step("checking")

    def _join(self, key: Hashable, work: Callable[[Job], Result]) -> tuple[_Task[Result], bool]:
        """The work under way and whether the caller may watch it: abandoned work can only be waited out."""
        with self._lock:
            task = self._tasks.get(key)
            if task is None:
                task = self._tasks[key] = _Task()
                threading.Thread(target=self._work, args=(key, task, work), name=f"work {key}", daemon=True).start()
            if task.job.is_cancelled:
                return task, False
            task.watchers += 1
            return task, True

    def _work(self, key: Hashable, task: _Task[Result], work: Callable[[Job], Result]) -> None:
        try:
            task.result = work(task.job)
        except BaseException as error:  # noqa: BLE001 - handed over whole to every watcher, which raises it
            task.error = error
        finally:
            with self._lock:
                del self._tasks[key]
            task.done.set()

    @staticmethod
    def _watch(task: _Task[Result], job: Job | None, *, stop: Job | None) -> None:
        """Wait for the end of the work; tells ``job`` its steps, leaves when ``stop`` is cancelled."""
        told: Step | None = None
        while not task.done.wait(POLL_S):
            step = task.step
            if job is not None and step is not None and step is not told:
                told = step
                job.step(step.stage, step.done, step.total, unit=step.unit, note=step.note)
            elif stop is not None:
                stop.check()

    def _leave(self, task: _Task[Result]) -> None:
        with self._lock:
            task.watchers -= 1
            if task.watchers == 0 and not task.done.is_set():
                task.job.cancel()
