"""Pieces of work are shared out once each, in order, and stop at the first failure."""

from __future__ import annotations

import threading

import pytest

from core.errors import Cancelled
from core.tasks import Job
from demos.gaussians.raster_threads import MOST_THREADS, share, thread_count


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 4, 100])
def test_every_piece_is_done_once(threads: int, count: int) -> None:
    done: list[int] = []
    share(done.append, count, threads=threads)
    assert sorted(done) == list(range(count))


def test_one_thread_goes_in_order_in_the_callers_own() -> None:
    seen: list[tuple[int, str]] = []
    share(lambda i: seen.append((i, threading.current_thread().name)), 5, threads=1)
    assert seen == [(i, threading.current_thread().name) for i in range(5)]


def test_threads_work_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=10)
    share(lambda _: meeting.wait() and None, 3, threads=3)
    assert not meeting.broken


@pytest.mark.parametrize("threads", [1, 3])
def test_a_failure_reaches_the_caller_and_ends_the_rest(threads: int) -> None:
    begun: list[int] = []

    def work(piece: int) -> None:
        begun.append(piece)
        if piece == 3:
            raise KeyError("three")

    with pytest.raises(KeyError, match="three"):
        share(work, 1000, threads=threads)
    assert len(begun) < 1000


def test_cancel_between_pieces() -> None:
    job, done = Job(), []

    def work(piece: int) -> None:
        done.append(piece)
        if piece == 2:
            job.cancel()

    with pytest.raises(Cancelled):
        share(work, 10, threads=1, job=job)
    assert done == [0, 1, 2]


def test_thread_count_is_sane() -> None:
    assert 1 <= thread_count() <= MOST_THREADS
