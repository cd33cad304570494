"""Sound separation as a tab: the components of tab_parts, and the events between them."""

from __future__ import annotations

from typing import Any

from demos.base import MODEL_PLACES, MODEL_QUEUE, Demo, cancelled
from demos.separation import tab_run
from demos.separation.samples import samples
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


def take_sample(name: str | None) -> tuple[str | None, str, None]:
    """The bundled mixture that was chosen: its name, the queries that find its sounds, and no file."""
    chosen = next((one for one in samples() if one.name == name), None)
    return name, "" if chosen is None else "\n".join(part.label for part in chosen.parts), None


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
    moved = [
        slider.release(
            tab_run.again_handler(parts), [parts.shown, *parts.inputs.all()], answer,
            api_visibility="private", trigger_mode="always_last", **_HEAVY,
        )
        for slider in (parts.inputs.strength, parts.inputs.softness)
    ]  # fmt: skip
    parts.samples.input(take_sample, parts.samples, [parts.sample, parts.inputs.query, parts.sound], **_LIGHT)
    parts.sound.input(lambda: (None, None), None, [parts.sample, parts.samples], **_LIGHT)
    parts.zip.click(tab_run.zip_handler(parts), parts.shown, parts.zip, **_QUIET)
    parts.stop.click(cancelled, None, parts.line, cancels=[run, *moved], **_LIGHT)


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
