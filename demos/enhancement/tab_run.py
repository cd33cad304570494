"""The handlers of the enhancement tab: from components' values to the pipeline and back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from core.draw import turbo
from core.errors import InputError
from core.pool import POOL
from core.tasks import Job
from demos.base import run_job, status
from demos.enhancement import present
from demos.enhancement.answers import Enhancement
from demos.enhancement.batch import Batch, enhance_batch
from demos.enhancement.options import LEARNT, METHODS, EnhanceOptions
from demos.enhancement.photo import read_photo
from demos.enhancement.pipeline import enhance
from demos.enhancement.samples import samples
from demos.enhancement.tab_parts import JUDGES, LIGHT_MODEL, METHOD_CHOICES, NOISE_MODEL, USUAL, Parts
from demos.widgets import Upload, require_picture

Updates = Iterator[dict[Any, Any]]
PREVIEW_QUALITY = 90
_TITLES = {value: title for title, value in METHOD_CHOICES}

ENHANCE_DOC = """Give a backlit or badly lit photo its light back, at full size and with its metadata.

Args:
    image: The photo.
    method: "rave", "clip-lit", "clip-lit-latent" (networks taught by CLIP), "retinex" or "gamma".
    strength: 0 to 1.3; 0 gives the photo back byte by byte, 1 is what the method says.
    protect_highlights: 0 to 1; 1 leaves what is bright as it is.
    protect_shadows: 0 to 1; 1 leaves what is nearly black as it is.
    denoise: 0 to 1; takes noise out of what was lifted.
    skips_well_lit: Give well-lit photos back untouched.
    judge: The image-text model that judges the light before and after.
    denoiser: "diffusion" (a small model) or "filter".
"""
BATCH_DOC = ENHANCE_DOC.replace(
    "Give a backlit or badly lit photo its light back, at full size and with its metadata.",
    "Give many photos, or ZIP archives of them, their light back: a ZIP of the photos and a table.",
).replace("    image: The photo.", "    files: Photos and ZIP archives.")


def options_of(
    method: str, strength: float, highlights: float, shadows: float, denoise: float, skips: bool, denoiser: str
) -> EnhanceOptions:
    """The settings as options.

    Raises:
        InputError: one is out of range.
    """
    options = EnhanceOptions(method, strength, highlights, shadows, denoise, skips, denoiser)  # type: ignore[arg-type]
    options.check()
    return options


@contextmanager
def leased(options: EnhanceOptions, judge: str, job: Job | None) -> Iterator[dict[str, Any]]:
    """The models that :func:`enhance` is handed, by its names: networks, judge, the denoiser where one is wanted."""
    with ExitStack() as stack:
        light = stack.enter_context(POOL.use(LIGHT_MODEL, job=job))
        if options.method in LEARNT and options.method not in light.methods:
            raise InputError(f"There is no network for {options.method} here; take {', '.join(light.methods)}.")
        models = {"light": light, "clip": stack.enter_context(POOL.use(judge, job=job))}
        if options.denoise > 0 and options.denoiser == "diffusion":
            models["denoiser"] = stack.enter_context(POOL.use(NOISE_MODEL, job=job))
        yield models


def preview(rgb: Any, name: str, folder: str) -> str:
    """A small copy (h, w, 3) as a JPEG in Gradio's folder of files."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=PREVIEW_QUALITY, subsampling=0)
    return save_bytes_to_cache(buffer.getvalue(), name, folder)


def enhance_handler(parts: Parts) -> Callable[..., Updates]:
    """The handler of the endpoint /enhance and of its button."""
    empty = {parts.file: None, parts.numbers: None}
    folder = parts.file.GRADIO_CACHE

    def enhance_photo(
        image: Upload | None,
        method: str = USUAL.method,
        strength: float = USUAL.strength,
        protect_highlights: float = USUAL.protect_highlights,
        protect_shadows: float = USUAL.protect_shadows,
        denoise: float = USUAL.denoise,
        skips_well_lit: bool = USUAL.skips_well_lit,
        judge: str = JUDGES[0],
        denoiser: str = USUAL.denoiser,
    ) -> Updates:
        def work(job: Job) -> Enhancement:
            job.step("checking")
            options = options_of(
                method, strength, protect_highlights, protect_shadows, denoise, skips_well_lit, denoiser
            )
            upload = require_picture(image)
            given = read_photo(upload.source, name=upload.name)
            with leased(options, judge, job) as models:
                return enhance(given, options, **models, job=job)

        answer = yield from run_job(work, parts.line, always=empty)
        yield {
            parts.file: save_bytes_to_cache(answer.file, answer.name, folder),
            parts.numbers: answer.as_json(),
            parts.slider: (preview(answer.before, "before.jpg", folder), preview(answer.after, "after.jpg", folder)),
            parts.light_map: preview(turbo(answer.light_map), "light.jpg", folder),
            parts.charts: present.charts_value(answer),
            parts.line: status("done", present.done_words(answer)),
        }

    enhance_photo.__doc__ = ENHANCE_DOC
    return enhance_photo


def compare_handler(parts: Parts) -> Callable[..., Updates]:
    """Every method on the same photo, side by side."""
    folder = parts.file.GRADIO_CACHE

    def compare(photo: Upload | None, *values: Any) -> Updates:
        def work(job: Job) -> list[tuple[str, str]]:
            settings, (judge, denoiser) = values[:-2], values[-2:]
            options = replace(options_of(*(*settings, denoiser)), skips_well_lit=False)
            upload = require_picture(photo)
            given = read_photo(upload.source, name=upload.name)
            shown: list[tuple[str, str]] = []
            with leased(options, judge, job) as models:
                methods = [name for name in METHODS if name not in LEARNT or name in models["light"].methods]
                for place, name in enumerate(methods):
                    job.step("running", place, len(methods), unit="methods", note=_TITLES[name])
                    answer = enhance(given, replace(options, method=name), **models, job=job)
                    if not shown:
                        shown.append(
                            (preview(answer.before, "before.jpg", folder), _caption("Before", answer, "before"))
                        )
                    shown.append(
                        (preview(answer.after, f"{name}.jpg", folder), _caption(_TITLES[name], answer, "after"))
                    )
            return shown

        pictures = yield from run_job(work, parts.line)
        yield {parts.gallery: pictures, parts.line: status("done", f"Done: {len(pictures) - 1} methods side by side.")}

    return compare


def _caption(title: str, answer: Enhancement, when: str) -> str:
    tones = answer.tones_before if when == "before" else answer.tones_after
    light = answer.light_before if when == "before" else answer.light_after
    said = "" if light is None else f", CLIP {light:.2f}"
    return f"{title}: light {100 * tones.mean_luma:.0f}{said}"


def batch_handler(parts: Parts) -> Callable[..., Updates]:
    """The handler of the endpoint /enhance_batch and of its button."""

    def enhance_all(
        files: list[str] | None,
        method: str = USUAL.method,
        strength: float = USUAL.strength,
        protect_highlights: float = USUAL.protect_highlights,
        protect_shadows: float = USUAL.protect_shadows,
        denoise: float = USUAL.denoise,
        skips_well_lit: bool = USUAL.skips_well_lit,
        judge: str = JUDGES[0],
        denoiser: str = USUAL.denoiser,
    ) -> Updates:
        def work(job: Job) -> tuple[Batch, str]:
            options = options_of(
                method, strength, protect_highlights, protect_shadows, denoise, skips_well_lit, denoiser
            )
            if not files:
                raise InputError("There are no photos yet: choose files or a ZIP archive.")
            Path(parts.zip.GRADIO_CACHE).mkdir(parents=True, exist_ok=True)
            path = Path(tempfile.mkdtemp(prefix="clip-atlas-", dir=parts.zip.GRADIO_CACHE)) / "enhanced.zip"
            with leased(options, judge, job) as models, path.open("wb") as into:
                sources = [Path(file) for file in files]
                return enhance_batch(sources, options, into=into, **models, job=job), str(path)

        done, path = yield from run_job(work, parts.line, always={parts.zip: None})
        failed = sum(1 for row in done.rows if row.error)
        tail = f"; {failed} could not be read" if failed else ""
        words = f"Done: {len(done.rows)} photos in {present.seconds_words(done.seconds)}{tail}."
        yield {parts.zip: path, parts.line: status("done", words)}

    enhance_all.__doc__ = BATCH_DOC
    return enhance_all


def take_sample(event: gr.EventData) -> str:
    """The photo of the example that was clicked."""
    index = event._data.get("index") if isinstance(event._data, dict) else None
    chosen = samples()[index if isinstance(index, int) and 0 <= index < len(samples()) else 0]
    return str(chosen.path)
