"""Zero-shot classification as a tab: the components of tab_parts, and the events between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from demos.base import MODEL_PLACES, MODEL_QUEUE, Demo, cancelled, on_page_load
from demos.zero_shot import tab_link, tab_run
from demos.zero_shot.tab_parts import GENERATORS, MAX_CLASSES, MODELS, Inputs, Parts, place

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


def _wire_answers(parts: Parts) -> list[Any]:
    """Classify, explain, many pictures; returns the events that Cancel stops."""
    given = [*parts.inputs.all(), parts.taught]
    answer = [parts.bars, parts.details, parts.line, parts.shown, parts.reasons, parts.curves, parts.texts]
    heat = [parts.heat, parts.heat_note, parts.histogram, parts.inputs.none_below, parts.explained, parts.line]
    parts.run.click(None, None, parts.line, js=_WAITING, **_LIGHT)
    parts.run_many.click(None, None, parts.line, js=_WAITING, **_LIGHT)
    parts.samples.picked(None, None, parts.line, js=_WAITING, **_LIGHT)
    classify = tab_run.classify_handler(parts)
    explain = tab_run.explain_best(parts)

    asked = parts.run.click(classify, [parts.picture, *given], answer, api_name="classify", **_HEAVY)
    events = [asked, *_after_answer(parts, asked, explain, heat)]

    chosen = parts.samples.picked(tab_run.take_sample, None, [parts.picture, parts.inputs.labels], **_LIGHT)
    again = chosen.success(classify, [parts.picture, *given], answer, **_FOLLOWING)
    events += [again, *_after_answer(parts, again, explain, heat)]

    events += [again_by_example for again_by_example in _wire_teaching(parts, classify, explain, answer, heat)]
    changed = parts.inputs.none_score.input(
        tab_run.classify_again(parts), [parts.shown, parts.picture, *given], answer, **_FOLLOWING
    )
    events += [changed, *_after_answer(parts, changed, explain, heat)]
    known = [parts.shown, parts.explained, parts.inputs.none_below]
    events.append(parts.bars.picked(tab_run.explain_picked(parts), known, heat, **_FOLLOWING))
    many = [parts.table, parts.csv, parts.json, parts.line]
    all_asked = parts.run_many.click(
        tab_run.batch_handler(parts), [parts.files, *given], many, api_name="classify_batch", **_HEAVY
    )
    all_asked.failure(None, parts.line, parts.line, js=_NOT_STARTED, **_LIGHT)
    events.append(all_asked)
    return events


def _after_answer(parts: Parts, answered: Any, explain: Callable[..., Any], heat: list[Any]) -> list[Any]:
    """Once the answer stands: where it looked, the code, the states of the models."""
    answered.success(_code(parts), parts.inputs.all(), [parts.python, parts.curl], **_LIGHT)
    answered.then(tab_run.refresh_models, None, parts.inputs.model, **_LIGHT)
    answered.failure(None, parts.line, parts.line, js=_NOT_STARTED, **_LIGHT)
    answered.failure(tab_run.no_explanation(parts), None, heat[:3], **_LIGHT)
    return [answered.success(explain, [parts.shown, parts.explained, parts.inputs.none_below], heat, **_FOLLOWING)]


def _wire_teaching(
    parts: Parts, classify: Callable[..., Any], explain: Callable[..., Any], answer: list[Any], heat: list[Any]
) -> list[Any]:
    """New pictures of a class: switch to the method by example and answer at once."""
    slots = [*parts.class_names, *parts.class_pictures]

    def gather(*values: Any) -> tuple[Any, Any, Any]:
        taught, note = tab_run.teach(values, MAX_CLASSES)
        return taught, note, "examples" if taught else gr.skip()

    triggers = [gallery.upload for gallery in parts.class_pictures] + [name.submit for name in parts.class_names]
    told = gr.on(triggers, gather, slots, [parts.taught, parts.taught_note, parts.inputs.method], **_LIGHT)
    gr.on(
        [gallery.change for gallery in parts.class_pictures] + [name.blur for name in parts.class_names],
        lambda *values: tab_run.teach(values, MAX_CLASSES), slots, [parts.taught, parts.taught_note], **_LIGHT,
    )  # fmt: skip
    given = [parts.picture, *parts.inputs.all(), parts.taught]
    answered = told.success(classify, given, answer, **_FOLLOWING)
    return [answered, *_after_answer(parts, answered, explain, heat)]


def _code(parts: Parts) -> Callable[..., tuple[str, str]]:
    """The handler that writes the snippets: only settings that differ from their defaults go in."""
    defaults = [component.value for component in parts.inputs.all()]
    names = list(Inputs.__dataclass_fields__)

    def run(request: gr.Request, *values: Any) -> tuple[str, str]:
        pairs = zip(names, values, defaults, strict=True)
        changed = {name: value for name, value, default in pairs if name != "labels" and value != default}
        return tab_run.code_for(request, values[0], changed)

    return run


def _wire_settings(parts: Parts) -> None:
    """What happens without a model: fields that show and hide, the slider, the link."""
    inputs = parts.inputs
    inputs.templates.change(
        lambda kind: gr.update(visible=kind == "own"), inputs.templates, inputs.own_templates, **_LIGHT
    )
    inputs.method.change(
        lambda method: gr.update(visible=method == "diffusion"), inputs.method, inputs.generator, **_LIGHT
    )
    inputs.model.change(tab_run.about_model, inputs.model, parts.model_note, **_LIGHT)
    parts.fill_descriptors.click(
        tab_run.fill_descriptors, [inputs.labels, inputs.descriptors], inputs.descriptors, **_LIGHT
    )
    gr.on(
        [inputs.none_below.input, inputs.none_of_these.input], tab_run.move_threshold(parts),
        [parts.shown, parts.explained, inputs.none_of_these, inputs.none_below],
        [parts.shown, parts.bars, parts.details, parts.histogram, parts.line],
        trigger_mode="always_last", **_LIGHT,
    )  # fmt: skip
    parts.copy_link.click(tab_link.make_link, inputs.all(), parts.link, **_LIGHT)
    on_page_load(tab_link.open_link(parts), [*inputs.all(), parts.line])
    on_page_load(tab_run.refresh_models, [inputs.model])


def build() -> None:
    """Place the tab and connect it."""
    parts = place()
    events = _wire_answers(parts)
    parts.stop.click(cancelled, None, parts.line, cancels=events, **_LIGHT)
    _wire_settings(parts)


DEMO = Demo(
    slug="zero_shot",
    title="Classify",
    summary="Type labels, drop a picture, see which fits, and why.",
    build=build,
    models=(*MODELS, *GENERATORS),
)
