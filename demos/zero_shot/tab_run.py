"""The handlers of the zero-shot tab: from components' values to the pipeline and back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import gradio as gr

from core.draw import overlay
from core.errors import InputError
from core.images import Picture, read_image
from core.pool import POOL
from core.tasks import Job
from demos.base import run_job, status, visible_errors
from demos.widgets import Upload, model_choices, model_note, require_picture, shrink
from demos.zero_shot import present
from demos.zero_shot.descriptions import descriptors_for, read_descriptors, write_descriptors
from demos.zero_shot.options import Classification, Options
from demos.zero_shot.pipeline import (
    Label,
    classify,
    classify_batch,
    parse_labels,
    snippet_curl,
    snippet_python,
    threshold_histogram,
    where_it_looked,
)
from demos.zero_shot.samples import samples
from demos.zero_shot.scores import Histogram
from demos.zero_shot.tab_parts import DEFAULT_LABELS, DEFAULT_THRESHOLD, GENERATORS, HEAT_NOTE, MODELS, Parts

HEAT_PX = 768  # longer side of the picture under the heat map
Updates = Iterator[dict[Any, Any]]
Taught = Mapping[str, Sequence[str]]  # class -> picture files


@dataclass(frozen=True)
class Shown:
    """The answer on the page and what it came from, so that a slider or a click on a bar need not ask again."""

    upload: Upload
    labels: str
    options: Options
    model: str
    answer: Classification
    serial: int = field(default_factory=count().__next__)  # tells one answer from the next


@dataclass(frozen=True)
class Explained:
    """What explaining an answer found.

    It lies apart from ``Shown``: an explanation that ends late must not bring back the answer that it was asked for.
    """

    serial: int
    histogram: Histogram

    @staticmethod
    def histogram_of(explained: Explained | None, shown: Shown) -> Histogram | None:
        """The histogram, if it is that of the answer on the page."""
        return explained.histogram if explained is not None and explained.serial == shown.serial else None


def _examples(taught: Taught) -> dict[str, list[Picture]]:
    return {name: [read_image(Path(file)) for file in files] for name, files in taught.items()}


def _options(
    method: str, templates: str, own: str, multi: bool, none: bool, score: str, below: float, hubness: bool, text: str
) -> Options:
    """Options from the components' values; Gradio has checked the choices."""
    return Options(
        method=method,  # type: ignore[arg-type]
        templates=templates,  # type: ignore[arg-type]
        own_templates=own or "",
        is_multi_label=bool(multi),
        unknown_score=score,  # type: ignore[arg-type]
        unknown_threshold=float(below) if none else None,
        hubness=bool(hubness),
        descriptors=read_descriptors(text or ""),
    )


@contextmanager
def _leased(model: str, generator: str, options: Options, job: Job) -> Iterator[dict[str, Any]]:
    """The models that a classification is handed, by its names: the encoder, and what denoises where it is asked."""
    with ExitStack() as stack:
        models: dict[str, Any] = {"model": stack.enter_context(POOL.use(model, job=job))}
        if options.method == "diffusion":
            models["generator"] = stack.enter_context(POOL.use(generator, job=job))
        yield models


def _answer(
    upload: Upload, labels: str, model: str, generator: str, options: Options, taught: Taught, job: Job
) -> Shown:
    """Read the picture, lease the models, classify."""
    job.step("checking")
    parse_labels(labels)  # before a model is loaded for nothing
    picture = upload.read()
    examples = _examples(taught) if options.method == "examples" else None
    with _leased(model, generator, options, job) as models:
        job.step("running")
        answer = classify(picture, labels, options, **models, examples=examples, job=job)
    return Shown(upload, labels, options, model, answer)


def done_words(shown: Shown) -> str:
    """The status line after an answer."""
    return f"Done in {present.seconds_words(shown.answer.seconds)}."


def classify_handler(parts: Parts) -> Callable[..., Updates]:
    """The handler of the endpoint /classify and of its button."""
    empty = dict.fromkeys((parts.bars, parts.details, parts.shown, parts.reasons, parts.curves, parts.texts))

    def run(
        image: Upload | None,
        labels: str = DEFAULT_LABELS,
        model: str = MODELS[0],
        method: str = "names",
        templates: str = "photo",
        own_templates: str = "",
        is_multi_label: bool = False,
        none_of_these: bool = False,
        none_score: str = "cosine",
        none_below: float = DEFAULT_THRESHOLD,
        hubness: bool = True,
        descriptors: str = "",
        generator: str = GENERATORS[0],
        taught: Taught | None = None,
    ) -> Updates:
        """Say which of the labels a picture shows.

        Args:
            image: The picture: JPEG, PNG, WebP, GIF, BMP or TIFF.
            labels: One a line or comma separated; synonyms after an equals sign: "dog = puppy, hound".
            model: Name in the catalogue.
            method: "names", "descriptions" (explains the choice by traits), "examples" (taught on the page) or
                "diffusion" (a diffusion model denoises).
            templates: Sentences each label is put into: "plain", "photo", "seven", "eighty" or "own".
            own_templates: For "own": one sentence a line with {} where the label goes.
            is_multi_label: Score each label on its own, so that several can be high.
            none_of_these: Answer "none of these" when the best score lies below ``none_below``.
            none_score: What is held against the threshold: "cosine" or "mcm".
            none_below: The threshold.
            hubness: Take off what a label scores on any picture, where the model knows it.
            descriptors: For "descriptions": one label a line, "cat: whiskers; pointed ears".
            generator: For "diffusion": name in the catalogue.
            taught: For "examples", set by the page.
        """

        def work(job: Job) -> Shown:
            options = _options(
                method, templates, own_templates, is_multi_label, none_of_these, none_score, none_below, hubness,
                descriptors,
            )  # fmt: skip
            return _answer(require_picture(image), labels, model, generator, options, taught or {}, job)

        shown = yield from run_job(work, parts.line, always=empty)
        told = present.details(shown.answer)
        yield {
            parts.bars: shown.answer.as_json(),
            parts.details: told,
            parts.reasons: present.reasons_value(told),
            parts.curves: told["curves"],
            parts.texts: present.texts_value(told),
            parts.shown: shown,
            parts.line: status("done", done_words(shown)),
        }

    return run


def _all_labels(shown: Shown) -> list[Label]:
    """The labels as typed, and those classes that only example pictures named."""
    typed = list(parse_labels(shown.labels))
    names = {label.name for label in typed}
    return typed + [Label(scored.label) for scored in shown.answer.ranked if scored.label not in names]


def _heat_picture(
    shown: Shown, histogram: Histogram | None, label: str, job: Job
) -> tuple[Any, Histogram, float | None]:
    """The picture with its heat map (H, W, 3), how other pictures score, and the threshold that the model suggests."""
    picture = shown.upload.read()
    small = Picture(shrink(picture.rgb, HEAT_PX), picture.name)
    with POOL.use(shown.model, job=job) as encoder:
        job.step("running", note=f"where {label} is" if len(label) < 30 else "")
        heat = where_it_looked(small, label, _all_labels(shown), shown.options, model=encoder, job=job)
        histogram = histogram or threshold_histogram(shown.answer, shown.labels, shown.options, model=encoder, job=job)
        is_cosine = shown.options.unknown_score == "cosine"
        suggested = encoder.calibration.unknown_threshold if is_cosine else None
    return overlay(small.rgb, heat), histogram, suggested


def explain_handler(parts: Parts) -> Callable[..., Updates]:
    """After an answer, or when a bar is clicked: the heat map of one label and the histogram."""

    def explain(shown: Shown | None, explained: Explained | None, label: str, below: float) -> Updates:
        if shown is None:
            return
        known = Explained.histogram_of(explained, shown)
        painted, histogram, suggested = yield from run_job(
            lambda job: _heat_picture(shown, known, label, job), parts.line
        )
        # While nobody has asked for "none of these", the slider waits where the model's own threshold is.
        is_free = shown.options.unknown_threshold is None and known is None and suggested is not None
        below = round(suggested, 3) if is_free and suggested is not None else below
        low, high = present.slider_range(histogram, below)
        yield {
            parts.heat: gr.update(value=painted, visible=True),
            parts.heat_note: {"lines": [f"What speaks for “{label}” against the other labels; red speaks loudest."]},
            parts.histogram: present.histogram_value(histogram, shown.options.unknown_threshold),
            parts.inputs.none_below: gr.update(minimum=low, maximum=high, value=below),
            parts.explained: Explained(shown.serial, histogram),
            parts.line: status("done", done_words(shown)),
        }

    return explain


def explain_best(parts: Parts) -> Callable[..., Updates]:
    """The heat map of the best label."""
    explain = explain_handler(parts)

    def run(shown: Shown | None, explained: Explained | None, below: float) -> Updates:
        yield from explain(shown, explained, shown.answer.ranked[0].label if shown else "", below)

    return run


def explain_picked(parts: Parts) -> Callable[..., Updates]:
    """The heat map of the label whose bar was clicked."""
    explain = explain_handler(parts)

    def run(shown: Shown | None, explained: Explained | None, below: float, event: gr.EventData) -> Updates:
        asked = event._data.get("label") if isinstance(event._data, dict) else None
        known = {scored.label for scored in shown.answer.ranked} if shown else set()
        if asked in known:
            yield from explain(shown, explained, str(asked), below)

    return run


def classify_again(parts: Parts) -> Callable[..., Updates]:
    """The same picture with settings that need a new answer; does nothing before the first one."""
    classify_now = classify_handler(parts)

    def run(shown: Shown | None, *values: Any) -> Updates:
        if shown is not None:
            yield from classify_now(*values)

    return run


def no_explanation(parts: Parts) -> Callable[[], dict[Any, Any]]:
    """Take the explanation of an earlier answer away, after a failure."""
    return lambda: {parts.heat: gr.update(value=None, visible=False), parts.heat_note: HEAT_NOTE, parts.histogram: None}


def move_threshold(parts: Parts) -> Callable[..., dict[Any, Any]]:
    """The slider moved: the same scores against another threshold, nothing is computed again."""

    def run(shown: Shown | None, explained: Explained | None, none: bool, below: float) -> dict[Any, Any]:
        if shown is None:
            return {parts.line: gr.skip()}
        threshold = float(below) if none else None
        moved = replace(
            shown,
            answer=present.at_threshold(shown.answer, threshold),
            options=replace(shown.options, unknown_threshold=threshold),
        )
        updates = {
            parts.shown: moved,
            parts.bars: moved.answer.as_json(),
            parts.details: present.details(moved.answer),
        }
        if (histogram := Explained.histogram_of(explained, shown)) is not None:
            updates[parts.histogram] = present.histogram_value(histogram, threshold)
        return updates

    return run


def _save(name: str, text: str) -> str:
    """Write a file that a download button serves; Gradio copies it into its own folder and later deletes it."""
    path = Path(tempfile.mkdtemp(prefix="clip-atlas-")) / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def batch_handler(parts: Parts) -> Callable[..., Updates]:
    """The handler of /classify_batch: many pictures, one table, two files."""
    off = gr.update(interactive=False)
    empty = {parts.table: None, parts.csv: off, parts.json: off}

    def run(
        files: list[str] | None,
        labels: str = DEFAULT_LABELS,
        model: str = MODELS[0],
        method: str = "names",
        templates: str = "photo",
        own_templates: str = "",
        is_multi_label: bool = False,
        none_of_these: bool = False,
        none_score: str = "cosine",
        none_below: float = DEFAULT_THRESHOLD,
        hubness: bool = True,
        descriptors: str = "",
        generator: str = GENERATORS[0],
        taught: Taught | None = None,
    ) -> Updates:
        """Classify many pictures or ZIP archives of pictures; the arguments are those of /classify."""

        def work(job: Job) -> Any:
            options = _options(
                method, templates, own_templates, is_multi_label, none_of_these, none_score, none_below, hubness,
                descriptors,
            )  # fmt: skip
            if not files:
                raise InputError("There are no pictures yet: choose files or a ZIP archive.")
            parse_labels(labels)
            examples = _examples(taught or {}) if options.method == "examples" else None
            with _leased(model, generator, options, job) as models:
                paths = [Path(file) for file in files]
                return classify_batch(paths, labels, options, **models, examples=examples, job=job)

        table = yield from run_job(work, parts.line, always=empty)
        yield {
            parts.table: present.table_value(table),
            parts.csv: gr.update(value=_save("answers.csv", table.to_csv()), interactive=True),
            parts.json: gr.update(value=_save("answers.json", table.to_json()), interactive=True),
            parts.line: status("done", f"Done: {len(table.rows)} pictures in {present.seconds_words(table.seconds)}."),
        }

    return run


def take_sample(event: gr.EventData) -> tuple[Any, str]:
    """The picture and the labels of the example that was clicked."""
    asked = event._data.get("index") if isinstance(event._data, dict) else None
    chosen = samples()[asked if isinstance(asked, int) and 0 <= asked < len(samples()) else 0]
    return read_image(chosen.path).rgb, chosen.labels


def teach(names_and_pictures: Sequence[Any], count: int) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """Gather the classes that have pictures: ``count`` names, then ``count`` galleries.

    Returns:
        Class -> files, and what the note under the classes says.
    """
    names, galleries = names_and_pictures[:count], names_and_pictures[count:]
    taught: dict[str, list[str]] = {}
    missing = []
    for number, (name, gallery) in enumerate(zip(names, galleries, strict=True), 1):
        files = [str(item[0]) for item in gallery or []]
        if files and not (name or "").strip():
            missing.append(str(number))
        elif files:
            taught.setdefault(name.strip(), []).extend(files)
    words = ", ".join(f"{name} {len(files)}" for name, files in taught.items())
    warn = f"Class {' and '.join(missing)} has pictures but no name yet." if missing else ""
    return taught, {"lines": [f"Taught: {words}."] if words else [], "warn": warn}


@visible_errors
def fill_descriptors(labels: str, text: str) -> str:
    """The descriptors that would be used for these labels, as text to edit."""
    own = read_descriptors(text or "")
    return write_descriptors(descriptors_for(parse_labels(labels), own))


def code_for(request: gr.Request, labels: str, settings: Mapping[str, object]) -> tuple[str, str]:
    """The same question as Python and as shell commands."""
    url = str(request.base_url) if request else "http://127.0.0.1:7860/"
    return snippet_python(url, labels, settings), snippet_curl(url, labels, settings)


def refresh_models() -> Any:
    """The model picker with the states of this moment."""
    return gr.update(choices=model_choices(MODELS))


def about_model(name: str) -> dict[str, Any]:
    """The note under the model picker."""
    return model_note(name)
