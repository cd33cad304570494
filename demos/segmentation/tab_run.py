"""The handlers of the segmentation tab: from components' values to the pipeline and back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import count
from typing import Any

import gradio as gr

from core.errors import HubError
from core.images import Picture
from core.labels import read_labels
from core.pool import POOL
from core.prompts import templates_of
from core.tasks import Job
from demos.base import run_job, status
from demos.forms import Updates, with_settings
from demos.segmentation import present
from demos.segmentation.edits import Edits, edited
from demos.segmentation.heat import heat_maps, words_of
from demos.segmentation.options import SegmentOptions
from demos.segmentation.pipeline import Analysis, Segmentation, analyse, label
from demos.segmentation.samples import samples
from demos.segmentation.tab_api import DEFAULTS, SEGMENT_DOC
from demos.segmentation.tab_files import Files, jpeg, output_files, page_file
from demos.segmentation.tab_parts import AUTO, Parts, export_buttons
from demos.segmentation.vocabulary import read_nouns
from demos.segmentation.words import read_words
from demos.widgets import Upload, require_picture, shrink

KEPT_PICTURES = 4  # decoded ones: the clicks of a few visitors need not decode again
_serials = count(1)


@dataclass(frozen=True)
class Asked:
    """What a visitor wants, out of the components' values."""

    labels: str
    options: SegmentOptions
    model: str
    mask_model: str


@dataclass(frozen=True, eq=False)
class Shown:
    """The answer on the page and what it came from, so that a threshold or a new name need not ask the models again."""

    key: str
    picture: Picture
    stage: Mapping[str, Any]  # the picture as the page has it
    analysis: Analysis | None  # None where only clicked regions are kept
    asked: Asked
    heat: Mapping[str, Any] | None  # score maps as the page has them
    is_kept: bool  # whether the analysis was there already


def asked(values: Mapping[str, Any]) -> Asked:
    """Labels, models and options from the values of ``Inputs``, by name; Gradio has checked the choices.

    Raises:
        InputError: an option is out of range.
    """
    names = {item.name for item in fields(SegmentOptions)}
    points = values["points_per_side"]
    options = SegmentOptions(
        **{
            **{name: value for name, value in values.items() if name in names},
            "points_per_side": None if points == AUTO else int(points),
            "least_share": float(values["least_share"]) / 100,
            **{name: values[name] or "" for name in ("own_templates", "negatives", "vocabulary")},
        }
    )
    options.check()
    is_open = values["words"] == "vocabulary"
    return Asked("" if is_open else values["labels"] or "", options, values["model"], values["mask_model"])


def picture_key(upload: Upload) -> str:
    """One word for one uploaded file: Gradio keeps each under the hash of its content."""
    source = upload.source if isinstance(upload.source, bytes) else str(upload.source).encode()
    return hashlib.sha256(source).hexdigest()[:20]


@lru_cache(KEPT_PICTURES)
def decoded(upload: Upload) -> Picture:
    """The upload as a picture, kept for the clicks that follow."""
    return upload.read()


def stage_picture(picture: Picture, key: str, folder: str) -> dict[str, Any]:
    """The picture as assets/views/segment.js loads it: a JPEG of moderate size in Gradio's folder of files."""
    data = jpeg(shrink(picture.rgb, present.PHOTO_PX))
    height, width = picture.rgb.shape[:2]
    return {"key": key, "width": width, "height": height, "file": page_file(data, "photo.jpg", folder)}


# ---- a new picture ----


def show_picture(parts: Parts) -> Callable[..., dict[Any, Any]]:
    """A picture was dropped or taken away: it goes on the stage, and what was known of the last one goes."""
    nothing = {
        parts.shown: None, parts.edits: None, parts.clicked: None, parts.found: None,
        parts.exports: export_buttons(),
    }  # fmt: skip

    def run(upload: Upload | None, shown: Shown | None) -> dict[Any, Any]:
        if upload is None:
            return {**nothing, parts.stage: None, parts.line: status("idle")}
        key = picture_key(upload)
        if shown is not None and shown.key == key:
            return {parts.line: gr.skip()}
        try:
            picture = decoded(upload)
        except HubError as error:
            return {**nothing, parts.stage: None, parts.line: status("error", str(error))}
        stage = {"picture": stage_picture(picture, key, parts.stage.GRADIO_CACHE), "answer": None}
        return {**nothing, parts.stage: stage, parts.line: status("idle")}

    return run


def take_sample(event: gr.EventData) -> tuple[Any, str, str]:
    """The picture and the labels of the example that was clicked."""
    index = event._data.get("index") if isinstance(event._data, dict) else None
    chosen = samples()[index if isinstance(index, int) and 0 <= index < len(samples()) else 0]
    return Upload(chosen.path, chosen.path.name).read().rgb, chosen.labels, "labels"


# ---- segment ----


@contextmanager
def leased(wanted: Asked, job: Job | None, *, needs_masks: bool) -> Iterator[tuple[Any, Any]]:
    """Both models; the mask model only where it is needed, else None."""
    with ExitStack() as stack:
        sam = stack.enter_context(POOL.use(wanted.mask_model, job=job)) if needs_masks else None
        yield stack.enter_context(POOL.use(wanted.model, job=job)), sam


def check_words(wanted: Asked) -> None:
    """Refuse words that cannot be read."""
    options = wanted.options
    templates_of(options.templates, options.own_templates)
    if options.negatives.strip():
        read_labels(options.negatives)
    if wanted.labels.strip():
        read_words(wanted.labels)
    else:
        read_nouns(options.vocabulary)


def _answered(upload: Upload, wanted: Asked, kept: Shown | None, folder: str, job: Job) -> tuple[Shown, Segmentation]:
    """Read the picture, run the models unless they have seen it, and name what they found."""
    job.step("checking")
    check_words(wanted)  # before a model is loaded for nothing
    picture, key = decoded(upload), picture_key(upload)
    wants = (key, wanted.model, wanted.mask_model)
    if kept is not None and (kept.key, kept.asked.model, kept.asked.mask_model) != wants:
        kept = None
    analysis = kept.analysis if kept is not None else None
    if analysis is not None and not analysis.serves(wanted.options):
        analysis = None
    with leased(wanted, job, needs_masks=analysis is None and wanted.options.way != "dense") as (clip, sam):
        job.step("running")
        seen = analysis or analyse(picture, wanted.options, clip=clip, sam=sam, job=job)
        found = label(seen, wanted.labels, wanted.options, clip=clip, job=job)
        words = words_of(found, wanted.labels)
        maps = heat_maps(seen, words, wanted.options, clip=clip, job=job)
    heat = None if maps is None else present.packed_heat(maps, tuple(word.name for word in words))
    stage = kept.stage if kept is not None else stage_picture(picture, key, folder)
    return Shown(key, picture, stage, seen, wanted, heat, is_kept=analysis is not None), found


def stage_value(shown: Shown, found: Segmentation, *, is_kept: bool) -> dict[str, Any]:
    """What the picture on the page shows of an answer."""
    answer = present.answer_value(found, next(_serials), heat=shown.heat, is_kept=is_kept)
    return {"picture": shown.stage, "answer": answer}


def over() -> dict[str, Any]:
    """What the page hears of clicks when they have led to an answer: points and masks go."""
    return {"over": next(_serials)}


def done_words(found: Segmentation) -> str:
    """The status line after an answer."""
    named = sum(1 for region in found.regions if region.label_index)
    return f"Done: {named} of {len(found.regions)} regions have a name."


def segment_handler(parts: Parts) -> Callable[..., Updates]:
    """The handler of the endpoint /segment and of its button."""
    empty = {parts.overlay: None, parts.label_map: None, parts.json: None}

    @with_settings("image", DEFAULTS, "shown", "edits", doc=SEGMENT_DOC)
    def segment(given: Mapping[str, Any]) -> Updates:
        shown: Shown | None = given["shown"]
        changes = (given["edits"] or Edits()).for_new_words()
        folder = parts.stage.GRADIO_CACHE

        def work(job: Job) -> tuple[Shown, Edits, Segmentation, Files]:
            wanted = asked(given)
            wanted = replace(wanted, options=changes.applied_to(wanted.options))
            answer, found = _answered(require_picture(given["image"]), wanted, shown, folder, job)
            kept = changes if shown is not None and shown.key == answer.key else Edits(colours=changes.colours)
            found = edited(found, kept)
            job.step("running", note="drawing")
            return answer, kept, found, output_files(answer.picture.rgb, found, folder, job=job)

        answer, kept, found, files = yield from run_job(work, parts.line, always=empty)
        yield {
            parts.overlay: files.overlay,
            parts.label_map: files.label_map,
            parts.json: files.json,
            parts.stage: stage_value(answer, found, is_kept=answer.is_kept),
            parts.shown: answer,
            parts.edits: kept,
            parts.clicked: None,
            parts.found: over(),
            parts.line: status("done", done_words(found)),
        }

    return segment
