"""Open-vocabulary segmentation as a tab: the components of tab_parts, and the events between them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demos.base import MODEL_PLACES, MODEL_QUEUE, Demo, cancelled, on_page_load
from demos.segmentation import tab_batch, tab_edit, tab_link, tab_run
from demos.segmentation.tab_parts import MASK_MODELS, MODELS, Inputs, Parts, place
from demos.segmentation.vocabulary import bundled_nouns
from demos.snippets import snippet_curl, snippet_python
from demos.widgets import model_choices, model_note

# What every event says: those behind the page stay out of the API, and none covers the answer with a spinner.
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_LIGHT: dict[str, Any] = {**_QUIET, "queue": False}
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
ENDPOINT = "/segment"
ENDING = (
    "overlay, label_map, answer = result  # two files and the regions with their masks\n"
    'for region in answer["regions"]:\n    print(region["label"], region["score"], region["bbox_xyxy"])\n'
)


def _wire_answers(parts: Parts) -> list[Any]:
    """Segment, examples, many pictures; returns the events that Cancel stops."""
    kept = [parts.shown, parts.edits]
    given = [parts.picture, *parts.inputs.all(), *kept]
    files = [parts.overlay, parts.label_map, parts.json]
    answer = [*files, parts.stage, *kept, parts.clicked, parts.found, parts.line]
    parts.run.click(None, None, parts.line, js=_WAITING, **_LIGHT)
    parts.run_many.click(None, None, parts.line, js=_WAITING, **_LIGHT)
    parts.samples.picked(None, None, parts.line, js=_WAITING, **_LIGHT)
    segment = tab_run.segment_handler(parts)

    parts.picture.change(
        tab_run.show_picture(parts), [parts.picture, parts.shown],
        [parts.stage, *kept, parts.clicked, parts.found, parts.exports, parts.line],
        trigger_mode="always_last", **_LIGHT,
    )  # fmt: skip
    run = parts.run.click(segment, given, answer, api_name="segment", **_HEAVY)
    chosen = parts.samples.picked(
        tab_run.take_sample, None, [parts.picture, parts.inputs.labels, parts.inputs.words], **_LIGHT
    )
    again = chosen.success(segment, given, answer, **_FOLLOWING)
    for event in (run, again):
        event.success(_code(parts), parts.inputs.all(), [parts.python, parts.curl], **_LIGHT)
        event.then(_refresh_models, None, [parts.inputs.model, parts.inputs.mask_model], **_LIGHT)
        event.failure(None, parts.line, parts.line, js=_NOT_STARTED, **_LIGHT)
    many = parts.run_many.click(
        tab_batch.batch_handler(parts), [parts.files, *parts.inputs.all()], [parts.table, parts.zip, parts.line],
        api_name="segment_batch", **_HEAVY,
    )  # fmt: skip
    many.failure(None, parts.line, parts.line, js=_NOT_STARTED, **_LIGHT)
    return [run, again, many]


def _wire_picture(parts: Parts) -> list[Any]:
    """What a visitor does on the picture; returns the events that Cancel stops."""
    kept = [parts.shown, parts.edits]
    files = [parts.overlay, parts.label_map, parts.json]
    click = parts.stage.prompted(
        tab_edit.click_handler(parts), [parts.picture, *parts.inputs.all()],
        [parts.clicked, parts.found, parts.line], **{**_FOLLOWING, "trigger_mode": "multiple"},
    )  # fmt: skip  # the page asks one at a time
    parts.stage.reset(lambda: (None, None), None, [parts.clicked, parts.found], **_LIGHT)
    moved = parts.stage.threshold(
        tab_edit.threshold_handler(parts), kept, [parts.edits, parts.stage, parts.line],
        trigger_mode="multiple", **_LIGHT,
    )  # fmt: skip
    changed = parts.stage.edited(
        tab_edit.edit_handler(parts), [*kept, parts.clicked],
        [*kept, parts.stage, parts.clicked, parts.found, parts.line], trigger_mode="multiple", **_LIGHT,
    )  # fmt: skip
    for event in (moved, changed):
        event.then(tab_edit.refresh_outputs(parts), kept, files, trigger_mode="always_last", **_LIGHT)
    saved = parts.exports.asked(tab_edit.save_handler(parts), kept, [parts.exports, parts.line], **_QUIET)
    # No button of the page asks this; it is for programs.
    parts.ask_click.click(
        tab_edit.click_endpoint,
        [parts.picture, parts.points, parts.box, parts.inputs.labels, parts.inputs.model, parts.inputs.mask_model],
        parts.candidates, api_name="segment_click", **_HEAVY,
    )  # fmt: skip
    return [click, saved]


def _code(parts: Parts) -> Any:
    """The handler that writes the snippets: only settings that differ from their defaults go in."""
    defaults = [component.value for component in parts.inputs.all()]
    names = list(Inputs.__dataclass_fields__)

    def run(request: gr.Request, *values: Any) -> tuple[str, str]:
        url = str(request.base_url) if request else "http://127.0.0.1:7860/"
        triples = zip(names, values, defaults, strict=True)
        given = {name: value for name, value, default in triples if name == "labels" or value != default}
        return snippet_python(url, ENDPOINT, given, ENDING), snippet_curl(url, ENDPOINT, given)

    return run


def _refresh_models() -> tuple[Any, Any]:
    """Both model pickers with the states of this moment."""
    return gr.update(choices=model_choices(MODELS)), gr.update(choices=model_choices(MASK_MODELS))


def _wire_settings(parts: Parts) -> None:
    """What happens without a model: fields that show and hide, the vocabulary, the link."""
    inputs = parts.inputs
    inputs.templates.change(
        lambda kind: gr.update(visible=kind == "own"), inputs.templates, inputs.own_templates, **_LIGHT
    )
    inputs.words.change(lambda kind: gr.update(visible=kind == "labels"), inputs.words, inputs.labels, **_LIGHT)
    inputs.model.change(model_note, inputs.model, parts.model_note, **_LIGHT)
    parts.fill_vocabulary.click(bundled_nouns, None, inputs.vocabulary, **_LIGHT)
    parts.copy_link.click(tab_link.make_link, inputs.all(), parts.link, **_LIGHT)
    on_page_load(tab_link.open_link(parts), [*inputs.all(), parts.line])
    on_page_load(_refresh_models, [inputs.model, inputs.mask_model])


def build() -> None:
    """Place the tab and connect it."""
    parts = place()
    events = [*_wire_answers(parts), *_wire_picture(parts)]
    parts.stop.click(cancelled, None, parts.line, cancels=events, **_LIGHT)
    _wire_settings(parts)


DEMO = Demo(
    slug="segmentation",
    title="Segment",
    summary="Name it, outline it: masks for your own words, or for whatever you click.",
    build=build,
    models=(*MODELS, *MASK_MODELS),
)
