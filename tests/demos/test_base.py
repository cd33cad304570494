"""Work runs beside the page: its steps are told, its failures become sentences, and it stops when nobody waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from core.errors import InputError, ModelUnavailable
from core.tasks import Job, Step
from demos.base import OUR_FAULT, STOP_WITHIN_S, run_job, step_status, visible_errors


def _drain(steps: Iterator[dict[Any, Any]]) -> tuple[list[dict[str, Any]], Any]:
    seen = []
    while True:
        try:
            seen.append(next(steps)["line"])
        except StopIteration as end:
            return seen, end.value


def test_result_is_returned() -> None:
    assert _drain(run_job(lambda job: 42, "line"))[1] == 42


def test_steps_are_told_in_order() -> None:
    def work(job: Job) -> str:
        job.step("downloading", 1e6, 4e6, unit="B", note="weights")
        job.wait(0.6)
        job.step("running", 2, 8, unit="pictures")
        job.wait(0.6)
        return "done"

    seen, result = _drain(run_job(work, "line"))
    assert result == "done"
    texts = [status["text"] for status in seen]
    assert "Downloading · weights · 1.0 of 4.0 MB" in texts
    assert "Running · 2 of 8 pictures" in texts
    assert seen[-1]["fraction"] == 0.25 and seen[-1]["stage"] == "running"


def test_each_job_has_a_number_of_its_own() -> None:
    first, second = (_drain(run_job(lambda job: job.wait(0.4), "line"))[0][0]["job"] for _ in range(2))
    assert second == first + 1


def test_time_left_is_told() -> None:
    told = step_status(Step("downloading", 10, 20, "B", "", eta_s=7.6), 3.0)
    assert told["eta"] == "about 8 s left"
    assert step_status(Step("loading"), 5.0)["eta"] == "5 s so far"


def test_failure_shows_its_sentence_and_reaches_the_api_as_text() -> None:
    def work(job: Job) -> None:
        raise InputError("The label <b>x</b> is empty.")

    seen = []
    with pytest.raises(gr.Error) as caught:
        for update in run_job(work, "line", always={"answer": None}):
            seen.append(update)
    assert seen[-1]["line"] == {
        "state": "error", "stage": "", "text": "The label <b>x</b> is empty.", "fraction": None, "eta": "",
    }  # fmt: skip
    assert seen[-1]["answer"] is None
    assert caught.value.message == "The label &lt;b&gt;x&lt;/b&gt; is empty."
    assert not caught.value.print_exception


def test_our_own_fault_is_admitted_and_stays_an_exception() -> None:
    seen = []
    with pytest.raises(ZeroDivisionError):
        for update in run_job(lambda job: 1 / 0, "line"):
            seen.append(update["line"]["text"])
    assert seen[-1] == OUR_FAULT


def test_closing_the_page_stops_the_work() -> None:
    stopped = threading.Event()

    def work(job: Job) -> None:
        try:
            while True:
                job.wait(0.05)
        finally:
            stopped.set()

    steps = run_job(work, "line")
    next(steps)
    start_s = time.monotonic()
    steps.close()
    assert stopped.is_set()
    assert time.monotonic() - start_s < STOP_WITHIN_S


def test_page_is_told_often_enough_to_notice_that_it_is_gone() -> None:
    steps = run_job(lambda job: job.wait(30), "line")
    start_s = time.monotonic()
    for _ in range(3):
        next(steps)
    assert time.monotonic() - start_s < 1.5
    steps.close()


def test_visible_errors_keeps_functions_and_generators_what_they_are() -> None:
    @visible_errors
    def fail() -> None:
        """Doc."""
        raise ModelUnavailable("No <model>.")

    @visible_errors
    def stream() -> Iterator[int]:
        yield 1
        raise InputError("Enough.")

    with pytest.raises(gr.Error, match="No &lt;model&gt;."):
        fail()
    assert fail.__name__ == "fail" and fail.__doc__ == "Doc."
    numbers = stream()
    assert next(numbers) == 1
    with pytest.raises(gr.Error, match="Enough."):
        next(numbers)
