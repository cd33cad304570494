"""Image enhancement as a tab: the components of tab_parts, and the events between them."""

from __future__ import annotations

from typing import Any

from demos.base import MODEL_PLACES, MODEL_QUEUE, Demo, cancelled
from demos.enhancement import tab_direction, tab_generated, tab_run
from demos.enhancement.tab_direction import DirectionParts, place_direction
from demos.enhancement.tab_generated import EDITOR, GeneratedParts, place_generated
from demos.enhancement.tab_parts import JUDGES, LIGHT_MODEL, NOISE_MODEL, Parts, place

_LIGHT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
_HEAVY: dict[str, Any] = {
    "concurrency_id": MODEL_QUEUE, "concurrency_limit": MODEL_PLACES, "show_progress": "hidden",
}  # fmt: skip
# What follows from another event must not be dropped while its forerunner still runs: the last one counts.
_FOLLOWING: dict[str, Any] = {**_HEAVY, "api_visibility": "private", "trigger_mode": "always_last"}
_WAITING = "() => ({state: 'waiting', text: 'Waiting for a free place', stage: '', fraction: null, eta: ''})"
# The queue was full or the hub is gone: no handler ran that could say so.
_NOT_STARTED = """(line) => line && line.state === 'waiting'
  ? {state: 'error', text: 'The hub is busy or out of reach; try again soon.', stage: '', fraction: null, eta: ''}
  : line"""


def _wire(parts: Parts) -> list[Any]:
    """Enhance, compare, many photos, and the strength that moves; returns the events that Cancel stops."""
    given = [parts.photo, *parts.inputs.all()]
    answer = [parts.file, parts.numbers, parts.slider, parts.light_map, parts.charts, parts.line]
    starts = (parts.run.click, parts.run_many.click, parts.compare.click, parts.samples.picked)
    for start in (*starts, parts.inputs.strength.release, parts.inputs.method.input):
        start(None, None, parts.line, js=_WAITING, **_LIGHT)
    enhance = tab_run.enhance_handler(parts)
    run = parts.run.click(enhance, given, answer, api_name="enhance", **_HEAVY)
    chosen = parts.samples.picked(tab_run.take_sample, None, parts.photo, **_LIGHT)
    again = chosen.success(enhance, given, answer, **_FOLLOWING)
    moved = parts.inputs.strength.release(enhance, given, answer, **_FOLLOWING)
    switched = parts.inputs.method.input(enhance, given, answer, **_FOLLOWING)
    side = parts.compare.click(
        tab_run.compare_handler(parts), given, [parts.gallery, parts.line], **_HEAVY, api_visibility="private"
    )
    many = parts.run_many.click(
        tab_run.batch_handler(parts), [parts.files, *parts.inputs.all()], [parts.zip, parts.line],
        api_name="enhance_batch", **_HEAVY,
    )  # fmt: skip
    events = [run, again, moved, switched, side, many]
    for event in events:
        event.failure(None, parts.line, parts.line, js=_NOT_STARTED, **_LIGHT)
    return events


def _wire_direction(parts: Parts, own: DirectionParts) -> list[Any]:
    """Find, take words out, teach, use; returns the events that Cancel stops."""
    quiet = {**_HEAVY, "api_visibility": "private"}
    for button in (own.find, own.take_out, own.teach, own.use):
        button.click(None, None, parts.line, js=_WAITING, **_LIGHT)
    shown = [own.found, own.taught, own.toward, own.away, own.take_out, own.note, parts.line]
    ends: list[Any] = [own.good_files, own.bad_files, own.good_phrase, own.bad_phrase]
    for end in ends:  # what was found by other words or pictures is not what is asked for now
        end.change(lambda: None, None, own.found, **_LIGHT)
    find = own.find.click(tab_direction.find_handler(parts, own), ends, shown, **quiet)
    take_out = own.take_out.click(
        tab_direction.take_out_handler(parts, own), [own.found, own.toward, own.away], shown, **quiet
    )
    inputs = parts.inputs
    given = [
        own.taught, parts.photo, inputs.strength, inputs.protect_highlights, inputs.protect_shadows, inputs.denoise,
    ]  # fmt: skip
    answer = [parts.file, parts.numbers, parts.slider, parts.light_map, parts.charts, parts.line]
    ready = own.teach.click(tab_direction.ready_handler(parts, own), [own.found, *ends], shown, **quiet)
    teach = ready.success(
        tab_direction.teach_handler(parts, own),
        [own.found, own.toward, own.away, own.bad_files, own.reach, own.steps],
        [own.taught, own.note, parts.line], **quiet,
    )  # fmt: skip
    tried = teach.success(tab_direction.use_handler(parts, own, falls_back=True), given, answer, **quiet)
    use = own.use.click(tab_direction.use_handler(parts, own), given, answer, **quiet)
    events = [find, take_out, ready, teach, tried, use]
    for event in events:
        event.failure(None, parts.line, parts.line, js=_NOT_STARTED, **_LIGHT)
    return events


def _wire_generated(parts: Parts, own: GeneratedParts) -> list[Any]:
    """Draw anew; returns the event that Cancel stops."""
    own.draw.click(None, None, parts.line, js=_WAITING, **_LIGHT)
    drawn = own.draw.click(
        tab_generated.draw_handler(parts, own), [parts.photo, own.instruction, own.steps, parts.inputs.judge],
        [own.shown, own.note, parts.line], **_HEAVY, api_visibility="private",
    )  # fmt: skip
    drawn.failure(None, parts.line, parts.line, js=_NOT_STARTED, **_LIGHT)
    return [drawn]


def build() -> None:
    """Place the tab and connect it."""
    parts = place()
    own = place_direction()
    events = [*_wire(parts), *_wire_direction(parts, own), *_wire_generated(parts, place_generated())]
    parts.stop.click(cancelled, None, parts.line, cancels=events, **_LIGHT)


DEMO = Demo(
    slug="enhancement",
    title="Enhance",
    summary="Give a backlit photo its light back, at full size and with everything that its file holds.",
    build=build,
    models=(LIGHT_MODEL, NOISE_MODEL, *JUDGES, EDITOR),
)
