"""A direction of one's own, as a part of the tab: its components, and the handlers behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache

from core.draw import turbo
from core.errors import InputError
from core.images import read_image
from core.light import LightModel
from core.light_fit import FitOptions
from core.light_guide import load_guide
from core.pool import POOL
from core.sources import count_of, read_sources
from core.tasks import Job
from demos.base import run_job, status
from demos.enhancement import direction as directions
from demos.enhancement import present
from demos.enhancement.answers import Enhancement
from demos.enhancement.direction import DEFAULT_STEPS, MOST_PICTURES, STEPS, Direction, TrainedLight
from demos.enhancement.options import EnhanceOptions
from demos.enhancement.photo import read_photo
from demos.enhancement.pipeline import enhance
from demos.enhancement.samples import samples
from demos.enhancement.tab_parts import JUDGES, LIGHT_MODEL, Parts
from demos.enhancement.tab_run import preview
from demos.views import View
from demos.widgets import Upload, require_picture

Updates = Iterator[dict[Any, Any]]
WORDS = Path(__file__).parent / "data" / "words.txt"
GUIDE = JUDGES[0]  # minutes on two cores; a full-size CLIP would take hours
SECONDS_A_STEP = 0.3  # of a CPU core, for the forecast beside the slider


@dataclass(frozen=True)
class DirectionParts:
    """The components of this part."""

    good_phrase: gr.Textbox
    bad_phrase: gr.Textbox
    good_files: gr.File
    bad_files: gr.File
    find: gr.Button
    take_out: gr.Button
    toward: gr.CheckboxGroup
    away: gr.CheckboxGroup
    reach: gr.Slider
    steps: gr.Slider
    teach: gr.Button
    use: gr.Button
    note: View
    found: gr.State
    taught: gr.State


@cache
def vocabulary() -> tuple[str, ...]:
    """The words that a direction is explained by."""
    lines = WORDS.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def place_direction() -> DirectionParts:
    """Two phrases or two folders, what the direction says, and the training."""
    holder: dict[str, Any] = {name: gr.State(None, time_to_live=3600) for name in ("found", "taught")}
    with gr.Accordion("Make your own direction", open=False, elem_classes="settings", elem_id="enh-own"):
        with gr.Row():
            holder["bad_phrase"] = gr.Textbox(label="From", value="a dark photo", elem_id="enh-from")
            holder["good_phrase"] = gr.Textbox(label="To", value="golden hour light", elem_id="enh-to")
        with gr.Row():
            holder["bad_files"] = gr.File(
                label="Or from pictures like these", file_count="multiple", height=120, elem_id="enh-bad-files"
            )
            holder["good_files"] = gr.File(
                label="To pictures like these", file_count="multiple", height=120, elem_id="enh-good-files"
            )
        holder["find"] = gr.Button("Find the direction", size="sm", elem_id="enh-find")
        holder["toward"] = gr.CheckboxGroup(
            [], label="What it moves to: tick words to take them out", visible=False, elem_id="enh-toward"
        )
        holder["away"] = gr.CheckboxGroup(
            [], label="What it moves from: tick here, too", visible=False, elem_id="enh-away"
        )  # fmt: skip
        holder["take_out"] = gr.Button("Take the ticked words out", size="sm", visible=False, elem_id="enh-take-out")
        holder["reach"] = gr.Slider(
            0.1, 2, value=0.6, step=0.1, label="Reach", info="For phrases: how far along the way from one to the other."
        )
        holder["steps"] = gr.Slider(
            STEPS[0], 600, value=DEFAULT_STEPS, step=10, label="Steps of training",
            info=f"About {SECONDS_A_STEP:g} s each on one core, with {GUIDE}.",
        )  # fmt: skip
        with gr.Row():
            holder["teach"] = gr.Button("Teach a network", size="sm", variant="primary", elem_id="enh-teach")
            holder["use"] = gr.Button("Use it on the photo", size="sm", elem_id="enh-use")
        holder["note"] = View("note", None, elem_id="enh-own-note", label="About the direction")
    return DirectionParts(**holder)


def find_handler(parts: Parts, own: DirectionParts) -> Callable[..., Updates]:
    """Two folders where they are given, else two phrases -> direction and its words."""

    def find(good: list[str] | None, bad: list[str] | None, good_phrase: str, bad_phrase: str) -> Updates:
        def work(job: Job) -> Direction:
            if bool(good) != bool(bad):
                raise InputError("There are pictures on one side only; give some for both sides, or take them away.")
            with POOL.use(GUIDE, job=job) as clip:
                if good and bad:
                    lit, dark = _pictures(good, job), _pictures(bad, job)
                    return directions.direction_of_pictures(lit, dark, vocabulary(), clip=clip, job=job)
                return directions.direction_of_phrases(good_phrase, bad_phrase, vocabulary(), clip=clip, job=job)

        found = yield from run_job(work, parts.line)
        words = "The direction is found; look at its words before you teach with it."
        yield _shown(parts, own, found, words)

    return find


def ready_handler(parts: Parts, own: DirectionParts) -> Callable[..., Updates]:
    """What comes before the training: the direction is found where it is not known yet."""
    find = find_handler(parts, own)

    def ready(found: Direction | None, *ends: Any) -> Updates:
        if found is None:
            yield from find(*ends)
        else:
            yield {parts.line: status("waiting")}

    return ready


def take_out_handler(parts: Parts, own: DirectionParts) -> Callable[..., Updates]:
    """The direction without the ticked words, and what it says now."""

    def take_out(found: Direction | None, toward: list[str], away: list[str]) -> Updates:
        def work(job: Job) -> Direction:
            if found is None:
                raise InputError("There is no direction yet; find one first.")
            if not toward and not away:
                raise InputError("No word is ticked; tick those that have nothing to do with light.")
            with POOL.use(found.encoder, job=job) as clip:
                return directions.without(found, [*toward, *away], vocabulary(), clip=clip, job=job)

        shorter = yield from run_job(work, parts.line)
        yield _shown(parts, own, shorter, "The words are out; this is what the direction says now.")

    return take_out


def _shown(parts: Parts, own: DirectionParts, found: Direction, words: str) -> dict[Any, Any]:
    """A direction and its words on the page; a network taught by an earlier one is forgotten."""
    lines = [f"Both ends differ by {found.gap:.2f} (1 - cosine) to {found.encoder}."]
    if found.removed:
        lines.append(f"Taken out: {', '.join(found.removed)}.")
    return {
        own.found: found,
        own.taught: None,
        own.toward: gr.update(choices=[word.word for word in found.toward], value=[], visible=True),
        own.away: gr.update(choices=[word.word for word in found.away], value=[], visible=True),
        own.take_out: gr.update(visible=True),
        own.note: {"lines": lines},
        parts.line: status("done", words),
    }


def teach_handler(parts: Parts, own: DirectionParts) -> Callable[..., Updates]:
    """Direction, ticked words and pictures -> a network."""

    def teach(
        found: Direction | None, toward: list[str], away: list[str], bad: list[str] | None, reach: float, steps: float
    ) -> Updates:
        def work(job: Job) -> TrainedLight:
            if found is None:
                raise InputError("There is no direction yet; find one first.")
            pictures = (
                _pictures(bad, job)
                if bad
                else directions.lacking_light([read_image(sample.path).rgb for sample in samples()])
            )
            with POOL.use(GUIDE, job=job) as clip:
                aim = directions.without(found, [*toward, *away], clip=clip, job=job)
                if len(found.positive) == 1:  # phrases
                    aim = directions.aimed(aim, clip.encode_images(pictures, job=job), reach)
            with POOL.use(LIGHT_MODEL, job=job) as light:
                start = light.copy_of(light.methods[0])
            guide = load_guide(GUIDE, job=job)
            return directions.train_light(aim, pictures, guide=guide, start=start, steps=int(steps), job=job)

        made = yield from run_job(work, parts.line)
        first, last = np.mean(made.guidance[:10]), np.mean(made.guidance[-10:])
        words = f"{made.steps} steps in {present.seconds_words(made.seconds)}; guidance from {first:.4f} to {last:.4f}."
        yield {own.taught: made, own.note: {"lines": [words]}, parts.line: status("done", f"Taught: {words}")}

    return teach


def use_handler(parts: Parts, own: DirectionParts, *, falls_back: bool = False) -> Callable[..., Updates]:
    """The visitor's own network on the photo; on the first example where there is none and ``falls_back``."""
    folder = parts.file.GRADIO_CACHE

    def use(
        made: TrainedLight | None,
        photo: Upload | None,
        strength: float,
        highlights: float,
        shadows: float,
        denoise: float,
    ) -> Updates:
        def work(job: Job) -> Enhancement:
            if made is None:
                raise InputError("There is no network of your own yet; teach one first.")
            options = EnhanceOptions("rave", strength, highlights, shadows, denoise, False, "filter")
            options.check()
            upload = None if photo is None and falls_back else require_picture(photo)
            given = read_photo(samples()[0].path) if upload is None else read_photo(upload.source, name=upload.name)
            light = LightModel("your own network", {"rave": made.net}, map_px=FitOptions.map_px)
            with POOL.use(GUIDE, job=job) as clip:
                return enhance(given, options, light=light, clip=clip, job=job)

        answer = yield from run_job(work, parts.line)
        yield {
            parts.file: save_bytes_to_cache(answer.file, answer.name, folder),
            parts.numbers: answer.as_json(),
            parts.slider: (preview(answer.before, "before.jpg", folder), preview(answer.after, "after.jpg", folder)),
            parts.light_map: preview(turbo(answer.light_map), "light.jpg", folder),
            parts.charts: present.charts_value(answer),
            parts.line: status("done", present.done_words(answer)),
        }

    return use


def _pictures(files: Sequence[str], job: Job) -> list[Any]:
    """The pictures of a folder or of ZIP archives, made small: the encoder looks at 80 px of them."""
    from PIL import Image

    found: list[Any] = []
    sources = [Path(file) for file in files]
    total = count_of(sources)
    for _, picture in read_sources(sources, note=lambda _: None, most=MOST_PICTURES + 1, job=job):
        job.step("checking", len(found), total, unit="pictures")
        if isinstance(picture, InputError):
            raise picture
        image = Image.fromarray(picture.rgb)
        image.thumbnail((256, 256))
        found.append(np.asarray(image))
    return found
