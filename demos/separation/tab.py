"""Sound separation as a tab: the components of tab_parts, and the events between them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demos.base import MODEL_PLACES, MODEL_QUEUE, Demo, cancelled
from demos.separation import tab_run
from demos.separation.tab_parts import MODEL, Parts, place

_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_LIGHT: dict[str, Any] = {**_QUIET, "queue": False}
_HEAVY: dict[str, Any] = {
    "concurrency_id": MODEL_QUEUE, "concurrency_limit": MODEL_PLACES, "show_progress": "hidden",
}  # fmt: skip
_WAITING = "() => ({state: 'waiting', text: 'Waiting for a free place', stage: '', fraction: null, eta: ''})"
_NOT_STARTED = """(line) => line && line.state === 'waiting'
  ? {state: 'error', text: 'The hub is busy or out of reach; try again soon.', stage: '', fraction: null, eta: ''}
  : line"""

# The file is there now: what a click on it would do.
_SAVE_ZIP = "() => { requestAnimationFrame(() => document.querySelector('#separation-zip a[download]')?.click()); }"


def _wire(parts: Parts) -> None:
    files = [parts.stem, parts.rest, parts.json]
    answer = [*files, parts.tracks, parts.line, parts.shown]
    parts.run.click(None, None, parts.line, js=_WAITING, **_LIGHT)
    run = parts.run.click(
        tab_run.separate_handler(parts),
        [parts.sound, *parts.inputs.all(), parts.picture, parts.video, parts.sample],
        answer, api_name="separate", **_HEAVY,
    )  # fmt: skip
    run.failure(None, parts.line, parts.line, js=_NOT_STARTED, **_LIGHT)
    inputs = parts.inputs
    moved = gr.on(
        [inputs.strength.release, inputs.softness.release, inputs.mode.input, inputs.above.input, inputs.depth.input],
        tab_run.again_handler(parts), [parts.shown, *inputs.all()], answer,
        api_visibility="private", trigger_mode="always_last", **_HEAVY,
    )  # fmt: skip
    for answered in (run, moved):  # a ZIP that is there holds the answer before
        answered.success(lambda: gr.update(value=None, visible=False), None, parts.zip, **_LIGHT)
    # There is one sound to take apart: whichever was given last.
    parts.samples.input(
        tab_run.sample_handler(parts), parts.samples, [parts.sample, inputs.query, parts.sound], **_LIGHT
    ).success(lambda: None, None, parts.video, **_LIGHT)
    gr.on(
        [parts.sound.input, parts.sound.clear], lambda: (None, None, None), None,
        [parts.sample, parts.samples, parts.video], **_LIGHT,
    )  # fmt: skip
    parts.video.upload(lambda: (None, None, None), None, [parts.sample, parts.samples, parts.sound], **_LIGHT)
    packed = parts.pack.click(tab_run.zip_handler(parts), parts.shown, [parts.zip, parts.line], **_QUIET)
    packed.success(None, None, None, js=_SAVE_ZIP, **_LIGHT)
    parts.stop.click(cancelled, None, parts.line, cancels=[run, moved, packed], **_LIGHT)


def build() -> None:
    """Place the tab and connect it."""
    _wire(place())


DEMO = Demo(
    slug="separation",
    title="Separate",
    summary="Name a sound, hear it alone: stems and rest that add up, at the sound's own rate.",
    build=build,
    models=(MODEL,),
)
