"""3D language Gaussians as a tab: the components of tab_parts, and the events between them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demos.base import MODEL_PLACES, MODEL_QUEUE, Demo, cancelled, on_page_load
from demos.gaussians import tab_build, tab_edit, tab_files, tab_link, tab_run
from demos.gaussians.tab_parts import MODELS, OWN_MODEL, Parts, own_note, place
from demos.widgets import model_choices

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


def _wire_scene(parts: Parts) -> list[Any]:
    """What is shown: at the first sight of the tab, when another scene is chosen, when a file comes or goes."""
    inputs = parts.inputs
    given = [inputs.scene, inputs.file, inputs.camera, parts.shown]
    shown = [parts.shown, parts.viewer, parts.objects, parts.edits, parts.tries, parts.found, parts.clicked,
             parts.which, parts.line]  # fmt: skip
    show = tab_run.show_handler(parts)
    events = [parts.viewer.opened(show, given, shown, **_FOLLOWING)]
    for changed in (inputs.scene.input, inputs.file.change):
        events.append(changed(show, given, shown, **_FOLLOWING))
    inputs.scene.input(tab_run.first_word, [inputs.scene, inputs.file], inputs.query, **_LIGHT)
    parts.viewer.moved(tab_run.take_camera, None, inputs.camera, trigger_mode="always_last", **_LIGHT)
    return events


def _wire_query(parts: Parts) -> list[Any]:
    """Find, words to try, the word of a click; returns the events that Cancel stops."""
    given = [*parts.inputs.all(), parts.shown]
    answer = [parts.picture, parts.mask, parts.json, parts.viewer, parts.shown, parts.found, parts.clicked, parts.edits,
              parts.objects, parts.tries, parts.kind, parts.which, parts.line]  # fmt: skip
    find = tab_run.query_handler(parts)
    for button in (parts.run.click, parts.inputs.query.submit, parts.tries.picked, parts.clicked.asked):
        button(None, None, parts.line, js=_WAITING, **_LIGHT)
    events = [
        parts.run.click(find, given, answer, api_name="query_scene", **_HEAVY),
        parts.inputs.query.submit(find, given, answer, **_FOLLOWING),
    ]
    for chosen in (parts.tries.picked, parts.clicked.asked):
        taken = chosen(tab_run.take_word, None, parts.inputs.query, **_LIGHT)
        events.append(taken.success(find, given, answer, **_FOLLOWING))
    for event in events:
        event.success(tab_files.code(parts), parts.inputs.all(), [parts.python, parts.curl], **_LIGHT)
        event.then(_refresh_models, None, parts.inputs.model, **_LIGHT)
        event.failure(None, parts.line, parts.line, js=_NOT_STARTED, **_LIGHT)
    return events


def _wire_pointing(parts: Parts) -> list[Any]:
    """Clicks into the scene and into the list of things, pictures by the server."""
    inputs = parts.inputs
    lit = [parts.viewer, parts.shown, parts.edits, parts.clicked, parts.line]
    parts.objects.chosen(tab_run.choose_handler(parts), parts.shown, lit, **_LIGHT)
    parts.clicked.dropped(
        tab_run.drop_handler(parts), parts.shown, [parts.clicked, parts.viewer, parts.shown, parts.edits], **_LIGHT
    )
    click = parts.viewer.picked(tab_run.click_handler(parts), [parts.shown, inputs.model], lit, **_FOLLOWING)
    drawn = [parts.picture, parts.mask, parts.line]
    pictures = [
        change(tab_run.picture_handler(parts), [parts.kind, parts.which, parts.shown], drawn, **_FOLLOWING)
        for change in (parts.kind.input, parts.which.input)
    ]
    redraw = parts.redraw.click(
        tab_run.redraw_handler(parts), [parts.shown, inputs.side_px, inputs.camera],
        [parts.picture, parts.kind, parts.line], **_FOLLOWING,
    )  # fmt: skip
    return [click, *pictures, redraw]


def _wire_edits(parts: Parts) -> list[Any]:
    """Sentences, buttons, recolouring towards a text; files to take along."""
    inputs = parts.inputs
    changed = [parts.shown, parts.viewer, parts.edits, parts.objects, parts.found, parts.clicked, parts.which,
               parts.line]  # fmt: skip
    sentence = tab_edit.sentence_handler(parts)
    given = [parts.sentence, parts.shown, *inputs.all()]
    events = [
        parts.do.click(sentence, given, changed, **_FOLLOWING),
        parts.sentence.submit(sentence, given, changed, **_FOLLOWING),
        parts.edits.edited(
            tab_edit.button_handler(parts), [parts.shown, inputs.camera], changed, trigger_mode="multiple",
            api_visibility="private", **_HEAVY,
        ),
        parts.restyle.click(
            tab_edit.restyle_handler(parts),
            [parts.towards, parts.example, inputs.model, parts.shown, inputs.camera], changed, **_FOLLOWING,
        ),
    ]  # fmt: skip
    saved = parts.exports.asked(
        tab_files.save_handler(parts), [parts.shown, inputs.camera], [parts.exports, parts.line], **_FOLLOWING,
    )  # fmt: skip
    return [*events, saved]


def _wire_build(parts: Parts) -> list[Any]:
    """Photos in, a scene out: it arrives in the field for files of one's own."""
    panel, file = parts.build, parts.inputs.file
    build = tab_build.build_handler(panel, file, parts.line, parts.viewer.GRADIO_CACHE)
    given = [panel.photos, panel.iterations, panel.longest_px, panel.gaussians, panel.mask_photos, panel.method]
    panel.run.click(None, None, parts.line, js=_WAITING, **_LIGHT)
    event = panel.run.click(build, given, [file, panel.preview, parts.line], api_visibility="private", **_HEAVY)
    event.failure(None, parts.line, parts.line, js=_NOT_STARTED, **_LIGHT)
    return [event]


def _refresh_models() -> Any:
    """The model picker with the states of this moment."""
    return gr.update(choices=[("The scene's own", OWN_MODEL), *model_choices(MODELS)])


def _wire_settings(parts: Parts) -> None:
    """What happens without a model: notes, the link."""
    inputs = parts.inputs
    inputs.model.change(own_note, inputs.model, parts.model_note, **_LIGHT)
    parts.copy_link.click(tab_link.make_link, inputs.all(), parts.link, **_LIGHT)
    on_page_load(tab_link.open_link(parts), [*inputs.all(), parts.line])
    on_page_load(_refresh_models, [inputs.model])


def build() -> None:
    """Place the tab and connect it."""
    parts = place()
    events = [*_wire_scene(parts), *_wire_query(parts), *_wire_pointing(parts), *_wire_edits(parts),
              *_wire_build(parts)]  # fmt: skip
    parts.stop.click(cancelled, None, parts.line, cancels=events, **_LIGHT)
    _wire_settings(parts)


DEMO = Demo(
    slug=tab_link.SLUG,
    title="3D",
    summary="Type a word, see it light up in a scene of Gaussians that you can turn, ask and edit.",
    build=build,
    models=MODELS,
)
