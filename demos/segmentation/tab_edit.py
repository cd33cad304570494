"""The handlers of what a visitor does on the picture: clicks, thresholds, names, colours, and files to take along."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import gradio as gr

from core.errors import HubError, InputError
from core.images import Picture
from core.tasks import Job
from demos.base import run_job, status, visible_errors
from demos.segmentation import present
from demos.segmentation.answers import ClickAnswer, Region
from demos.segmentation.edits import Edits, blank, edited, patch_of_candidate, patch_of_region
from demos.segmentation.pipeline import Clicks, Segmentation, click, label
from demos.segmentation.tab_files import candidates_json, export, output_files, page_file, size_words
from demos.segmentation.tab_parts import MASK_MODELS, MODELS, USUAL, Inputs, Parts, export_buttons
from demos.segmentation.tab_run import (
    Asked,
    Shown,
    asked,
    decoded,
    leased,
    over,
    picture_key,
    stage_picture,
    stage_value,
)
from demos.widgets import Upload, require_picture

Updates = Iterator[dict[Any, Any]]
MAX_NAME_CHARS = 200
_saves = count(1)


@dataclass(frozen=True, eq=False)
class Clicked:
    """What the last click found; ``serial`` is the page's number of that click."""

    key: str
    picture: Picture
    serial: int
    asked: Asked
    answer: ClickAnswer


def _data(event: gr.EventData) -> Mapping[str, Any]:
    """What the page sent along; anyone may send anything, so nothing in it is believed."""
    return event._data if isinstance(event._data, dict) else {}


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InputError(f"The {what} is {value!r}; it must be a number.")
    return float(value)


def _name(value: Any) -> str:
    name = value.strip() if isinstance(value, str) else ""
    if not name or len(name) > MAX_NAME_CHARS:
        raise InputError(f"The name has {len(name)} characters; it must have 1 to {MAX_NAME_CHARS}.")
    return name


# ---- clicks ----


def read_clicks(data: Mapping[str, Any]) -> Clicks:
    """Points ``[[x, y, is_inside], ...]`` and a box ``[x0, y0, x1, y1]`` as the page sends them.

    Raises:
        InputError: they are not of that form.
    """
    points, box = data.get("points") or [], data.get("box")
    if not isinstance(points, list) or not all(isinstance(point, list) and len(point) == 3 for point in points):
        raise InputError("The points are not of the form [[x, y, inside], ...].")
    if box is not None and not (isinstance(box, list) and len(box) == 4):
        raise InputError("The box is not of the form [left, top, right, bottom].")
    xy = tuple((_number(x, "place of a point"), _number(y, "place of a point")) for x, y, _ in points)
    sides = None if box is None else tuple(_number(side, "side of the box") for side in box)
    return Clicks(xy, tuple(bool(inside) for *_, inside in points), sides)  # type: ignore[arg-type]


def _found(picture: Picture, wanted: Asked, clicks: Clicks, job: Job) -> ClickAnswer:
    """What the models find there."""
    clicks.check((picture.rgb.shape[0], picture.rgb.shape[1]))  # before a model is loaded for nothing
    with leased(wanted, job, needs_masks=True) as (clip, sam):
        job.step("running")
        return click(picture, clicks, wanted.labels, wanted.options, clip=clip, sam=sam, job=job)


def click_handler(parts: Parts) -> Callable[..., Updates]:
    """A click into the picture: up to three masks, each with its words."""

    def run(upload: Upload | None, event: gr.EventData, *values: Any) -> Updates:
        data = _data(event)
        given = dict(zip(Inputs.__dataclass_fields__, values, strict=True))

        def work(job: Job) -> Clicked | None:
            file = require_picture(upload)
            if data.get("key") != picture_key(file):
                return None  # the picture was changed meanwhile
            clicks, serial = read_clicks(data), int(_number(data.get("serial"), "number of the click"))
            picture, wanted = decoded(file), asked(given)
            return Clicked(picture_key(file), picture, serial, wanted, _found(picture, wanted, clicks, job))

        clicked = yield from run_job(work, parts.line, always={parts.found: None, parts.clicked: None})
        if clicked is None:
            yield {parts.line: status("idle")}
            return
        yield {
            parts.clicked: clicked,
            parts.found: present.found_value(clicked.answer, clicked.serial),
            parts.line: status("done", "Found what you pointed at."),
        }

    return run


@visible_errors
def click_endpoint(
    image: Upload | None,
    points: list[Any] | None = None,
    box: list[Any] | None = None,
    labels: str = "",
    model: str = MODELS[0],
    mask_model: str = MASK_MODELS[0],
) -> dict[str, Any]:
    """Outline what lies under points or in a box: three masks from a detail to the whole thing, each with its words.

    Args:
        image: The picture.
        points: [[x, y, inside], ...] in pixels; inside is true for what belongs to the thing, false for what does not.
        box: [left, top, right, bottom] in pixels, or null.
        labels: Words to choose from, as in /segment; empty takes the hub's vocabulary.
        model: Name of an image-text model in the catalogue.
        mask_model: Name of a mask model in the catalogue.
    """
    clicks = read_clicks({"points": points, "box": box})
    wanted = Asked(labels or "", USUAL, model, mask_model)
    return candidates_json(_found(decoded(require_picture(image)), wanted, clicks, Job()))


# ---- thresholds, names, colours ----


def labelled(shown: Shown, edits: Edits, job: Job | None = None) -> Segmentation:
    """The answer with the visitor's changes; no model sees the picture again."""
    wanted = shown.asked
    if shown.analysis is None:
        height, width = shown.picture.rgb.shape[:2]
        return edited(blank((height, width), (wanted.model, wanted.mask_model)), edits)
    options = edits.applied_to(wanted.options)
    with leased(wanted, job, needs_masks=False) as (clip, _):
        return edited(label(shown.analysis, wanted.labels, options, clip=clip, job=job), edits)


def _region(found: Segmentation, data: Mapping[str, Any]) -> Region:
    number = data.get("id")
    if not isinstance(number, int) or not 1 <= number <= len(found.regions):
        raise InputError(f"There is no region {number!r} in this answer; it has {len(found.regions)}.")
    return found.regions[number - 1]


def _changed(shown: Shown, edits: Edits, clicked: Clicked | None, data: Mapping[str, Any]) -> Edits:
    """The edits after one more."""
    what = data.get("what")
    if what == "recolour":
        name, text = _name(data.get("label")), str(data.get("colour", ""))
        try:
            rgb = tuple(bytes.fromhex(text.removeprefix("#")))
        except ValueError:
            rgb = ()
        if len(rgb) != 3:
            raise InputError(f"The colour is {text!r}; it must look like #33aa77.")
        return replace(edits, colours={**edits.colours, name: rgb})
    if what == "accept":
        if clicked is None or clicked.key != shown.key or clicked.serial != data.get("serial"):
            raise InputError("What you pointed at is no longer kept; click there once more.")
        index = data.get("index")
        if not isinstance(index, int) or not 0 <= index < len(clicked.answer.candidates):
            raise InputError(f"There is no mask {index!r}; there are {len(clicked.answer.candidates)}.")
        return edits.with_patch(patch_of_candidate(clicked.answer.candidates[index], _name(data.get("label"))))
    if what not in ("relabel", "remove"):
        raise InputError(f"A region cannot be asked to {what!r}; it can be renamed and removed.")
    found = labelled(shown, edits)
    name = _name(data.get("label")) if what == "relabel" else ""
    return edits.with_patch(patch_of_region(found, _region(found, data), name))


def _started(clicked: Clicked | None, data: Mapping[str, Any], folder: str) -> Shown:
    """An answer that begins with a region from a click, where nothing was segmented yet."""
    if clicked is None or data.get("what") != "accept":
        raise InputError("There is no answer to change yet; press Segment first.")
    stage = stage_picture(clicked.picture, clicked.key, folder)
    return Shown(clicked.key, clicked.picture, stage, None, clicked.asked, None, is_kept=False)


def threshold_handler(parts: Parts) -> Callable[..., dict[Any, Any]]:
    """A slider of the legend moved: the same regions against another threshold."""

    def run(shown: Shown | None, edits: Edits | None, event: gr.EventData) -> dict[Any, Any]:
        data = _data(event)
        if shown is None:
            return {parts.line: gr.skip()}
        try:
            value = _number(data.get("value"), "threshold")
            old = edits or Edits()
            new = replace(old, thresholds={**old.thresholds, _name(data.get("label")): value})
            found = labelled(shown, new)
        except HubError as error:
            return {parts.line: status("error", str(error))}
        return {parts.edits: new, parts.stage: stage_value(shown, found, is_kept=True)}

    return run


def edit_handler(parts: Parts) -> Callable[..., dict[Any, Any]]:
    """A region was kept, renamed or removed, or a label got another colour."""

    def run(shown: Shown | None, edits: Edits | None, clicked: Clicked | None, event: gr.EventData) -> dict[Any, Any]:
        data = _data(event)
        try:
            shown = shown or _started(clicked, data, parts.stage.GRADIO_CACHE)
            new = _changed(shown, edits or Edits(), clicked, data)
            found = labelled(shown, new)
        except HubError as error:
            return {parts.line: status("error", str(error))}
        gone = {parts.found: over(), parts.clicked: None} if data.get("what") == "accept" else {}
        line = {parts.line: status("idle")}
        told = {parts.shown: shown, parts.edits: new, parts.stage: stage_value(shown, found, is_kept=True)}
        return {**told, **gone, **line}

    return run


def refresh_outputs(parts: Parts) -> Callable[..., dict[Any, Any]]:
    """After a change by hand: picture, label map and JSON once more."""

    def run(shown: Shown | None, edits: Edits | None) -> dict[Any, Any]:
        if shown is None:
            return {parts.overlay: gr.skip()}
        found = labelled(shown, edits or Edits())
        files = output_files(shown.picture.rgb, found, parts.stage.GRADIO_CACHE)
        return {parts.overlay: files.overlay, parts.label_map: files.label_map, parts.json: files.json}

    return run


# ---- files ----


def save_handler(parts: Parts) -> Callable[..., Updates]:
    """Make the file that was asked for; the page then saves it."""

    def run(shown: Shown | None, edits: Edits | None, event: gr.EventData) -> Updates:
        kind = _data(event).get("kind")

        def work(job: Job) -> tuple[bytes, str]:
            if shown is None:
                raise InputError("There is nothing to save yet; press Segment first.")
            job.step("running", note="writing the file")
            return export(shown.picture, labelled(shown, edits or Edits(), job), str(kind), job)

        data, name = yield from run_job(work, parts.line)
        file = page_file(data, name, parts.stage.GRADIO_CACHE)
        saved = {"count": next(_saves), "name": name, "size": size_words(len(data)), "file": file}
        yield {parts.exports: {**export_buttons(), "saved": saved}, parts.line: status("done", f"{name} is ready.")}

    return run
