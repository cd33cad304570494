"""A job tells its progress and stops when asked."""

from __future__ import annotations

import threading
import time

import pytest

from core.errors import Cancelled
from core.tasks import Job, Step


def test_steps_are_reported_with_the_time_left() -> None:
    told: list[Step] = []
    job = Job(told.append)
    job.step("checking", note="pocket-clip")
    job.step("running", 0, 4, unit="images")
    time.sleep(0.05)
    job.step("running", 1, 4, unit="images")
    assert [s.stage for s in told] == ["checking", "running", "running"]
    assert told[0].eta_s is None and told[1].eta_s is None
    assert told[2].eta_s is not None and 0.15 <= told[2].eta_s < 1.5  # three more of at least 0.05 s


def test_a_cancelled_job_stops_at_its_next_step() -> None:
    job = Job()
    job.check()
    job.cancel()
    assert job.is_cancelled
    with pytest.raises(Cancelled):
        job.check()
    with pytest.raises(Cancelled):
        job.step("running")


def test_waiting_ends_at_once_when_another_thread_cancels() -> None:
    job = Job()
    threading.Timer(0.05, job.cancel).start()
    start_s = time.monotonic()
    with pytest.raises(Cancelled):
        job.wait(30)
    assert time.monotonic() - start_s < 10


def test_a_count_that_begins_again_has_a_pace_of_its_own() -> None:
    """One stage counts seconds twice: what the first count took says nothing about the second."""
    told: list[Step] = []
    job = Job(told.append)
    starts_s = []
    for done in (0.0, 3600.0, 0.0, 1.0):
        job.step("running", done, 3600.0)
        starts_s.append(job._stage_start_s)
        job.wait(0.01)
    assert starts_s[0] == starts_s[1] < starts_s[2] == starts_s[3]
    assert told[2].eta_s is None and told[3].eta_s is not None
