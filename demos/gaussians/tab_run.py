"""The handlers of the 3D tab that look: opening a scene, queries, clicks, pictures by the server."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from numpy.typing import NDArray

from core.errors import InputError
from core.image_text import ImageTextModel
from core.labels import quoted
from core.pool import POOL
from core.tasks import Job
from demos.base import run_job, status
from demos.forms import Updates, with_settings
from demos.gaussians import present
from demos.gaussians.answers import ClickAnswer, SceneAnswer, SceneHandle
from demos.gaussians.cameras import Camera
from demos.gaussians.history import Selection
from demos.gaussians.objects import kept_words, with_words
from demos.gaussians.options import Kind, QueryOptions
from demos.gaussians.pipeline import click, picture, query, view_picture
from demos.gaussians.samples import bundled
from demos.gaussians.select import extent_of
from demos.gaussians.tab_api import DEFAULTS, QUERY_DOC
from demos.gaussians.tab_parts import Parts
from demos.gaussians.tab_state import Shown, Target, current, model_of, next_serial, source_of
from demos.gaussians.viewpoints import number_of, read_camera
from demos.gaussians.words import read_queries

CLICK_PX = 480  # longer side of the view that a click looks into
_PNG = 3  # effort of compression: a quarter of the time of the usual 6, a tenth larger


def data_of(event: gr.EventData) -> Mapping[str, Any]:
    """What the page sent along; anyone may send anything, so nothing in it is believed."""
    return event._data if isinstance(event._data, dict) else {}


def options_of(given: Mapping[str, Any]) -> QueryOptions:
    """Options from the values of ``Inputs``, by name; Gradio has checked the choices.

    Raises:
        InputError: an option is out of range.
    """
    names = [item.name for item in fields(QueryOptions) if item.name in given]
    values = {name: given[name] for name in names}
    values["least_peak"] = typed_number(values["least_peak"], "least peak")
    smoothing = typed_number(values["smoothing_px"], "smoothing in pixels")
    values["smoothing_px"] = None if smoothing is None else round(smoothing)
    for name in ("neighbours", "grow"):
        values[name] = int(values[name])
    if values["temperature"] is None:
        values["temperature"] = QueryOptions.temperature
    values["negatives"] = values["negatives"] or ""
    options = QueryOptions(**values)
    options.check()
    return options


def typed_number(text: Any, what: str) -> float | None:
    """A number in a field of text; None where it is empty.

    Raises:
        InputError: it is no number.
    """
    if text is None or not str(text).strip():
        return None
    try:
        number = float(str(text).strip().replace(",", "."))
    except ValueError as error:
        raise InputError(f"The {what} is {quoted(str(text))}; it must be a number, or empty.") from error
    if not math.isfinite(number):
        raise InputError(f"The {what} is {quoted(str(text))}; it must be a number, or empty.")
    return number


@contextmanager
def leased(name: str, handle: SceneHandle, job: Job) -> Iterator[ImageTextModel]:
    """The image-text model that answers for a scene."""
    with POOL.use(model_of(name, handle), job=job) as model:
        yield model


def png_file(rgb: NDArray[np.uint8], name: str, folder: str) -> str:
    """A picture (H, W, 3) or mask (H, W) as PNG in Gradio's folder of files."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG", compress_level=_PNG)
    return save_bytes_to_cache(buffer.getvalue(), name, folder)


# ---- a scene ----


def show_handler(parts: Parts) -> Callable[..., Updates]:
    """A scene was chosen, a file was given or taken away, or the tab is seen for the first time."""
    folder = parts.viewer.GRADIO_CACHE
    nothing = {parts.found: None, parts.clicked: None, parts.which: gr.update(choices=[], value=None, visible=False)}

    def show(scene: str | None, file: list[str] | None, camera: Any, shown: Shown | None) -> Updates:
        if not scene and not file:
            yield {parts.line: status("idle")}
            return
        source = source_of(scene, file)
        if shown is not None and shown.source == source:
            yield {parts.line: gr.skip()}
            return

        def work(job: Job) -> Shown:
            job.step("loading", note="the scene")
            return current({}, shown, folder, job, source=source)

        now = yield from run_job(work, parts.line)
        at = camera if shown is None and isinstance(camera, dict) else None  # of a link
        updates = {**scene_updates(parts, now), parts.viewer: {**now.viewer(), "at": at}}
        yield {**nothing, parts.shown: now, **updates, parts.line: opened_status(now)}

    return show


def scene_updates(parts: Parts, now: Shown) -> dict[Any, Any]:
    """What follows from a new scene."""
    objects = now.handle.field.objects if now.handle.field is not None else None
    words = next((sample.queries for sample in bundled() if now.source == ("bundled", sample.name)), ())
    return {
        parts.viewer: now.viewer(),
        parts.objects: present.objects_value(objects, next_serial()),
        parts.edits: now.edits(),
        parts.tries: {"words": list(words)},
    }


def opened_status(now: Shown) -> dict[str, Any]:
    """The status line after a scene was opened: silent for ours, its notes for a stranger's."""
    handle = now.handle
    if handle.is_bundled:
        return status("idle")
    words = [f"{handle.kind or 'Scene'} with {len(handle.scene):,} Gaussians.", *handle.notes]
    if handle.field is None:
        words.append("It carries no language, so words cannot be found in it; it can be seen and exported.")
    return status("idle", " ".join(words))


# ---- words ----


@dataclass(frozen=True, eq=False)
class Answered:
    """A query's outcome, ready for the page."""

    now: Shown
    answer: SceneAnswer
    picture: str
    mask: str
    told: dict[str, Any]


def _answered(given: Mapping[str, Any], shown: Shown | None, folder: str, job: Job) -> Answered:
    job.step("checking")
    options = options_of(given)
    read_queries(given["query"] or "")  # before a scene or a model is loaded for nothing
    now = current(given, shown, folder, job)
    camera = read_camera(given["camera"], now.handle.cameras, longest_px=int(given["side_px"]))
    with leased(given["model"], now.handle, job) as model:
        job.step("running")
        answer = query(now.handle, given["query"], options, model=model, camera=camera, job=job)
    job.step("running", note="pictures")
    first = answer.found[0]
    heat = png_file(picture(now.handle, answer, "heat", job=job), "heat.png", folder)
    mask = png_file((first.mask * np.uint8(255)).astype(np.uint8), "mask.png", folder)
    target = Target(first.query, first.selection, first.extent) if first.selection.rows.size else None
    return Answered(replace(now, answer=answer, target=target), answer, heat, mask, told(answer))


def told(answer: SceneAnswer) -> dict[str, Any]:
    """The endpoint's JSON: the first query's answer; with several queries all of them under "answers"."""
    whole = {**answer.found[0].as_json(), "model": answer.model, "scene": answer.scene, "notes": list(answer.notes)}
    whole["seconds"] = round(sum(answer.seconds.values()), 4)
    if len(answer.found) > 1:
        whole["answers"] = [found.as_json() for found in answer.found]
    return whole


def done_words(answer: SceneAnswer) -> str:
    """The status line after an answer."""
    return " ".join(found.sentence for found in answer.found)


def query_handler(parts: Parts) -> Callable[..., Updates]:
    """The handler of the endpoint /query_scene and of its button."""
    empty = {parts.picture: None, parts.mask: None, parts.json: None}
    folder = parts.viewer.GRADIO_CACHE

    @with_settings("query", DEFAULTS, "shown", doc=QUERY_DOC)
    def query_scene(given: Mapping[str, Any]) -> Updates:
        shown: Shown | None = given["shown"]
        done = yield from run_job(lambda job: _answered(given, shown, folder, job), parts.line, always=empty)
        now, answer = done.now, done.answer
        count = len(now.handle.scene)
        items = [present.found_item(found, now.packed, count) for found in answer.found]
        names = [(found.query, index) for index, found in enumerate(answer.found)]
        is_new = shown is None or shown.source != now.source
        yield {
            parts.picture: done.picture,
            parts.mask: done.mask,
            parts.json: done.told,
            **(scene_updates(parts, now) if is_new else {}),
            parts.viewer: now.viewer(present.layer_value(items, next_serial(), show="heat")),
            parts.shown: now,
            parts.found: present.found_value(answer, next_serial()),
            parts.clicked: None,
            parts.edits: now.edits(),
            parts.kind: "heat",
            parts.which: gr.update(choices=names, value=0, visible=len(names) > 1),
            parts.line: status("done", done_words(answer)),
        }

    return query_scene


def take_camera(event: gr.EventData) -> Any:
    """The view as the visitor has turned it; checked where it is used."""
    camera = data_of(event).get("camera")
    return camera if isinstance(camera, dict) else None


def take_word(event: gr.EventData) -> str:
    """The word that was clicked, for the query field."""
    word = data_of(event).get("word")
    return word[:200] if isinstance(word, str) else ""


def first_word(scene: str | None, file: list[str] | None) -> Any:
    """The query field after another scene was chosen: a word that is there; nothing changes for a file."""
    if file:
        return gr.skip()
    return next((sample.queries[0] for sample in bundled() if sample.name == scene and sample.queries), gr.skip())


# ---- clicks and things ----


def place_of(data: Mapping[str, Any], cameras: tuple[Camera, ...]) -> tuple[Camera, tuple[int, int]]:
    """The view that was clicked, small, and the pixel in it.

    Raises:
        InputError: the page sent no place.
    """
    given = data.get("camera")
    if not isinstance(given, dict):
        raise InputError("The click came without a camera.")
    camera = read_camera(given, cameras, longest_px=CLICK_PX)
    sides = [number_of(given, side, 1, 100_000, usual=1) for side in ("width", "height")]
    x = number_of(data, "x", -1, 100_000, usual=0) * camera.width / sides[0]
    y = number_of(data, "y", -1, 100_000, usual=0) * camera.height / sides[1]
    return camera, (min(max(int(x), 0), camera.width - 1), min(max(int(y), 0), camera.height - 1))


def click_handler(parts: Parts) -> Callable[..., Updates]:
    """A click into the scene: the object there lights up, with its words."""

    def run(shown: Shown | None, model_name: str, event: gr.EventData) -> Updates:
        data = data_of(event)
        if shown is None:
            yield {parts.line: status("error", "The scene is no longer kept here; choose it again.")}
            return

        def look(job: Job) -> ClickAnswer:
            camera, xy = place_of(data, shown.handle.cameras)
            if shown.handle.field is None:
                raise InputError("This scene carries no language, so there are no words for what was clicked.")
            return click(shown.handle, camera, xy, job=job)

        def name(job: Job) -> ClickAnswer:
            with leased(model_name, shown.handle, job) as model:
                job.step("running")
                return with_words(shown.handle, answer, model, job=job)

        start_s = time.perf_counter()
        answer = yield from run_job(look, parts.line, always={parts.clicked: None})
        lit: dict[Any, Any] = {}
        if answer.gaussian >= 0:  # it lights up at once; the model that knows words may have to be loaded first
            words = kept_words(shown.handle.field, answer.object_id)
            lit = selected(parts, shown, _clicked_target(answer, words))
            yield {**lit, parts.clicked: present.clicked_value(answer, time.perf_counter() - start_s, next_serial())}
            answer = yield from run_job(name, parts.line)
            lit = selected(parts, shown, _clicked_target(answer, [word.word for word in answer.words] or words))
        yield {
            **lit,
            parts.clicked: present.clicked_value(answer, time.perf_counter() - start_s, next_serial()),
            parts.line: status("done", answer.sentence),
        }

    return run


def _clicked_target(answer: ClickAnswer, words: Sequence[str]) -> Target:
    return Target(words[0] if words else "What you clicked", answer.selection, answer.extent)


def selected(parts: Parts, shown: Shown, target: Target) -> dict[Any, Any]:
    """The page after something was selected."""
    now = replace(shown, target=target)
    item = present.selection_item(target.name, target.selection, target.extent, now.packed, len(now.handle.scene))
    layer = present.layer_value([item], next_serial(), show="selection")
    return {parts.viewer: now.viewer(layer), parts.shown: now, parts.edits: now.edits()}


def choose_handler(parts: Parts) -> Callable[..., dict[Any, Any]]:
    """A row of the list of things was clicked."""

    def run(shown: Shown | None, event: gr.EventData) -> dict[Any, Any]:
        index = data_of(event).get("id")
        objects = shown.handle.field.objects if shown is not None and shown.handle.field is not None else None
        if shown is None or objects is None or not isinstance(index, int) or not 0 <= index < len(objects.table):
            return {parts.line: status("error", "There is no such thing in this scene any more.")}
        selection = Selection.of(objects.ids == index)
        words = objects.words[index] if objects.words else ()
        name = words[0] if words else f"Object {index + 1}"
        return {
            **selected(parts, shown, Target(name, selection, extent_of(shown.handle.scene, selection))),
            parts.clicked: None,
            parts.line: status("done", f"{name} is selected: {len(selection.rows):,} Gaussians."),
        }

    return run


def drop_handler(parts: Parts) -> Callable[..., dict[Any, Any]]:
    """What was clicked is let go."""

    def run(shown: Shown | None) -> dict[Any, Any]:
        if shown is None:
            return {parts.clicked: None}
        now = replace(shown, target=None)
        return {parts.clicked: None, parts.viewer: now.viewer(), parts.shown: now, parts.edits: now.edits()}

    return run


# ---- pictures ----


def picture_handler(parts: Parts) -> Callable[..., Updates]:
    """Another kind of picture, or another query's; of the view that was asked."""
    folder = parts.viewer.GRADIO_CACHE

    def run(kind: Kind, which: int | None, shown: Shown | None) -> Updates:
        answer = None if shown is None else shown.answer
        if shown is None or answer is None:
            yield {parts.line: gr.skip()}
            return
        handle, index = shown.handle, which if which is not None and 0 <= which < len(answer.found) else 0

        def work(job: Job) -> tuple[str, str]:
            job.step("running", note="drawing")
            mask = (answer.found[index].mask * np.uint8(255)).astype(np.uint8)
            drawn = picture(handle, answer, kind, index, job=job)
            return png_file(drawn, f"{kind}.png", folder), png_file(mask, "mask.png", folder)

        drawn, mask = yield from run_job(work, parts.line)
        yield {parts.picture: drawn, parts.mask: mask, parts.line: status("done", "Drawn.")}

    return run


def redraw_handler(parts: Parts) -> Callable[..., Updates]:
    """The view as it stands now, without words where there is no answer; with an answer the query is asked again."""
    folder = parts.viewer.GRADIO_CACHE

    def run(shown: Shown | None, side_px: str, camera: Any) -> Updates:
        def work(job: Job) -> str:
            if shown is None:
                raise InputError("There is no scene yet: choose one, or give a file of your own.")
            job.step("running", note="drawing")
            view = read_camera(camera, shown.handle.cameras, longest_px=int(side_px))
            return png_file(view_picture(shown.handle, view, job=job), "picture.png", folder)

        drawn = yield from run_job(work, parts.line)
        yield {parts.picture: drawn, parts.kind: "picture", parts.line: status("done", "Drawn.")}

    return run
