"""Pieces of work shared out to threads: for loops that run without the GIL."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from core.tasks import Job

MOST_THREADS = 16


def thread_count() -> int:
    """How many threads a picture is worth: the processors that this process may use, at most MOST_THREADS."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        allowed = os.cpu_count() or 1
    return max(1, min(allowed, MOST_THREADS))


def share(work: Callable[[int], None], count: int, *, threads: int, job: Job | None = None) -> None:
    """Call ``work(0)`` to ``work(count - 1)``, each once, begun in this order, in up to ``threads`` threads.

    The first exception is raised here, after the pieces under way are done; no further piece is begun then.

    Raises:
        Cancelled: ``job`` was cancelled; it is asked before each piece.
    """
    lock = threading.Lock()
    turns = iter(range(count))
    failures: list[BaseException] = []

    def run() -> None:
        while True:
            with lock:
                piece = None if failures else next(turns, None)
            if piece is None:
                return
            try:
                if job is not None:
                    job.check()
                work(piece)
            except BaseException as error:  # noqa: BLE001 - handed over whole to the caller's thread
                failures.append(error)

    helpers = [threading.Thread(target=run, name="raster", daemon=True) for _ in range(min(threads, count) - 1)]
    for helper in helpers:
        helper.start()
    run()
    for helper in helpers:
        helper.join()
    if failures:
        raise failures[0]
