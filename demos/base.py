"""What every tab stands on: its entry in the list, readable errors, and work that can be watched and stopped."""

from __future__ import annotations

import contextvars
import functools
import html
import inspect
import itertools
import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr

from core.errors import Cancelled, HubError
from core.tasks import Job, Stage, Step

log = logging.getLogger(__name__)
T = TypeVar("T")

MODEL_QUEUE = "model"  # concurrency_id of every handler that runs a model
MODEL_PLACES = 4  # jobs at once: one may download while others compute; core locks each device
TELL_EVERY_S = 0.25  # gap between two looks at a job; also the longest wait before a closed page is seen
STOP_WITHIN_S = 2.0  # a cancelled job must have stopped by then

_STAGE_WORDS: dict[Stage, str] = {
    "checking": "Checking",
    "downloading": "Downloading",
    "loading": "Loading the model",
    "running": "Running",
}
_numbers = itertools.count(1)  # of jobs; by it the page knows a late word of a job that was cancelled
OUR_FAULT = "Something went wrong inside the hub; its log has the details. What you entered is still here."


@dataclass(frozen=True)
class Demo:
    """One tab: ``build()`` is called inside ``with gr.Tab(...)``, places the components and returns nothing.

    Attributes:
        slug: Name in links (``?tab=slug``) and of the folder under demos/.
        title: Name on the tab, in English.
        summary: One sentence: what a visitor can do there.
        build: Places the components and the events.
        models: Names of the catalogue rows that the tab offers, the bundled one first.
    """

    slug: str
    title: str
    summary: str
    build: Callable[[], None]
    models: tuple[str, ...] = ()


Status = dict[str, Any]  # what the status line shows; see assets/views/status.js


def status(state: str, text: str = "", *, stage: str = "", fraction: float | None = None, eta: str = "") -> Status:
    """The value of a status line: ``state`` is idle, waiting, running, done, error or cancelled."""
    return {"state": state, "stage": stage, "text": text, "fraction": fraction, "eta": eta}


def _amount(done: float, total: float | None, unit: str) -> str:
    """``done`` of ``total`` in words; bytes in MB (10**6), counts as whole numbers."""
    if unit == "B":
        tail = f" of {total / 1e6:.1f}" if total else ""
        return f"{done / 1e6:.1f}{tail} MB"
    tail = f" of {total:.0f}" if total else ""
    return f"{done:.0f}{tail} {unit}".strip()


def duration(seconds: float) -> str:
    """A rough time for people: "8 s", "3 min", "2 h"."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


def step_status(step: Step | None, elapsed_s: float) -> Status:
    """Turn the latest step of a job into what the status line shows."""
    if step is None:
        return status("running", "Starting", stage="checking")
    words = [_STAGE_WORDS[step.stage]]
    if step.note:
        words.append(step.note)
    if step.done is not None:
        words.append(_amount(step.done, step.total, step.unit))
    fraction = min(step.done / step.total, 1.0) if step.done is not None and step.total else None
    eta = f"about {duration(step.eta_s)} left" if step.eta_s is not None else ""
    if not eta and elapsed_s >= 2:
        eta = f"{duration(elapsed_s)} so far"
    return status("running", " · ".join(words), stage=step.stage, fraction=fraction, eta=eta)


def readable(error: HubError) -> gr.Error:
    """The same failure for Gradio: the sentence as text (a toast would render it as HTML), no traceback in the log.

    No toast is shown: the status line beside the result carries the sentence, and the API returns it.
    """
    return gr.Error(html.escape(str(error), quote=False), visible=False, print_exception=False)


def visible_errors(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a handler (function or generator) so that a HubError reaches the page as a toast with its sentence."""

    def toast(error: HubError) -> gr.Error:
        return gr.Error(html.escape(str(error), quote=False), print_exception=False)

    @functools.wraps(handler)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return handler(*args, **kwargs)
        except HubError as error:
            raise toast(error) from error

    @functools.wraps(handler)
    def iterate(*args: Any, **kwargs: Any) -> Any:
        try:
            yield from handler(*args, **kwargs)
        except HubError as error:
            raise toast(error) from error

    return iterate if inspect.isgeneratorfunction(handler) else call


class _Work:
    """A function running in a thread of its own, with the latest step that it reported."""

    def __init__(self, function: Callable[[Job], Any]) -> None:
        self.job = Job(report=self._take)
        self.step: Step | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        self._function = function
        context = contextvars.copy_context()
        self.thread = threading.Thread(target=context.run, args=(self._run,), name="hub-job", daemon=True)
        self.thread.start()

    def _take(self, step: Step) -> None:
        self.step = step

    def _run(self) -> None:
        try:
            self.result = self._function(self.job)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, nothing is swallowed
            self.error = error

    def stop(self) -> None:
        """Cancel, and wait until the work has let go of the device."""
        self.job.cancel()
        self.thread.join(STOP_WITHIN_S)
        if self.thread.is_alive():
            log.warning("A cancelled job still runs after %.0f s.", STOP_WITHIN_S)


def run_job(
    work: Callable[[Job], T], line: Any, *, always: Mapping[Any, Any] | None = None
) -> Generator[dict[Any, Any], None, T]:
    """Do the work in a thread and tell its steps; handlers use it with ``yield from``, whose value is the result.

    Args:
        work: The slow function; it must call ``job.check()`` at least every half second.
        line: The status component; every update yielded is ``{line: status}``.
        always: Further updates to yield together with a failure, for example an emptied result.

    Yields:
        Updates for Gradio, at least one every ``TELL_EVERY_S``, so that Cancel and a closed page take hold.

    Returns:
        What ``work`` returned.

    Raises:
        gr.Error: ``work`` failed with a HubError; the status line already shows its sentence.
        Exception: ``work`` failed otherwise, which is our bug.
    """
    begin_s, number = time.monotonic(), next(_numbers)
    running = _Work(work)
    try:
        while running.thread.is_alive():
            running.thread.join(TELL_EVERY_S)
            if running.thread.is_alive():
                yield {line: {**step_status(running.step, time.monotonic() - begin_s), "job": number}}
    finally:
        if running.thread.is_alive():
            running.stop()
    error = running.error
    if error is None:
        return running.result
    if isinstance(error, HubError):
        state = "cancelled" if isinstance(error, Cancelled) else "error"
        yield {line: status(state, str(error)), **(always or {})}
        raise readable(error) from error
    log.error("A job failed.", exc_info=error)
    yield {line: status("error", OUR_FAULT), **(always or {})}
    raise error


def cancelled() -> Status:
    """What a Cancel button puts on the status line while Gradio closes the generator."""
    return status("cancelled", "Cancelled. Nothing you entered was lost.")


def on_page_load(handler: Callable[..., Any], outputs: list[Any]) -> None:
    """Call ``handler(request)`` each time a page is opened; for tabs, which do not hold the Blocks themselves."""
    root = gr.context.Context.root_block
    if root is None:
        raise ValueError("on_page_load is called inside gr.Blocks, got none.")
    root.load(handler, None, outputs, api_visibility="private", show_progress="hidden")
