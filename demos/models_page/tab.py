"""The models page as a tab: rows with buttons, and one line that tells how a download goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from core import checkpoints
from core.catalog import spec
from core.errors import InputError
from core.pool import POOL
from core.tasks import Job
from demos.base import MODEL_PLACES, MODEL_QUEUE, Demo, cancelled, on_page_load, run_job, status
from demos.models_page.tab_rows import models_value
from demos.views import View

_DONE = {"download": "is on this machine now", "load": "is in memory", "unload": "left the memory"}


def perform(name: str, action: str, job: Job) -> str:
    """Download, load or unload one model of the catalogue and say so.

    Raises:
        InputError: there is no such action.
        ModelUnavailable: there is no such model, or it cannot be had.
    """
    row = spec(name)
    if action == "download":
        checkpoints.resolve(row, job=job)
    elif action == "load":
        with POOL.use(name, job=job):
            pass
    elif action == "unload":
        POOL.unload(name)
    else:
        raise InputError(f"A model cannot be asked to {action!r}; it can be downloaded, loaded and unloaded.")
    return f"{row.title} {_DONE[action]}."


def _handler(table: View, line: View) -> Callable[[gr.EventData], Iterator[dict[Any, Any]]]:
    """The handler of the rows' buttons: tells progress and keeps the rows up to date meanwhile."""

    def act(event: gr.EventData) -> Iterator[dict[Any, Any]]:
        asked = event._data if isinstance(event._data, dict) else {}
        name, action = str(asked.get("name", "")), str(asked.get("action", ""))
        steps = run_job(lambda job: perform(name, action, job), line)
        while True:
            try:
                yield {**next(steps), table: models_value()}
            except StopIteration as end:
                yield {line: status("done", end.value), table: models_value()}
                return

    return act


def build() -> None:
    """Place the page."""
    with gr.Column(elem_classes="job"):
        with gr.Row(elem_classes="title-row"):
            gr.Markdown(
                "## Models\nThe small ones come with the hub. The others are fetched once, checked, and kept here."
            )
            refresh = gr.Button("Refresh", size="sm", elem_classes="quiet-button")
            stop = gr.Button("Cancel", size="sm", variant="stop", elem_classes="cancel-button")
        line = View("status", status("idle"), elem_id="models-status")
        table = View("models", None, elem_id="models-table", label="Models")

    action = table.action(
        _handler(table, line), None, [line, table],
        api_visibility="private", show_progress="hidden",
        concurrency_id=MODEL_QUEUE, concurrency_limit=MODEL_PLACES,
    )  # fmt: skip
    stop.click(
        lambda: (cancelled(), models_value()), None, [line, table],
        cancels=[action], api_visibility="private", show_progress="hidden", queue=False,
    )  # fmt: skip
    refresh.click(models_value, None, table, api_visibility="private", show_progress="hidden", queue=False)
    on_page_load(models_value, [table])


PAGE = Demo(
    slug="models",
    title="Models",
    summary="What can be loaded: size, licence, state and memory of every model.",
    build=build,
)
