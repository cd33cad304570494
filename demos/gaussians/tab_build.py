"""A scene from photos: the panel's components, and the handler that builds with a live preview."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from core.errors import InputError
from core.tasks import Job
from demos.base import run_job, status
from demos.gaussians.build import BuildOptions, Built, FitOptions, Method, Preview, build
from demos.gaussians.present import seconds_words
from demos.views import View

USUAL = BuildOptions()
_METHOD_WORDS = {"uplift": "Training-free uplift", "langsplat": "LangSplat: autoencoder and 3 channels"}
_PREVIEW_PX = 320
Updates = Iterator[dict[Any, Any]]


@dataclass(frozen=True)
class BuildParts:
    """The panel's components; ``file`` and ``line`` belong to the tab."""

    photos: gr.File
    iterations: gr.Slider
    longest_px: gr.Slider
    gaussians: gr.Slider
    mask_photos: gr.Slider
    method: gr.Radio
    run: gr.Button
    preview: View


def place_build() -> BuildParts:
    """Place the panel."""
    with gr.Accordion("Build a scene from photos", open=False, elem_classes="settings", elem_id="gs-build"):
        photos = gr.File(
            label="ZIP of photos with COLMAP's model or transforms.json", height=160, file_types=[".zip"],
            elem_id="gs-photos",
        )  # fmt: skip
        iterations = gr.Slider(
            100, 7_000, value=USUAL.fit.iterations, step=100, label="Views to learn from", elem_id="gs-iterations",
            info="Each takes 0.1 to 0.4 seconds on one processor; masks and words follow.",
        )  # fmt: skip
        longest_px = gr.Slider(160, 1_600, value=USUAL.fit.longest_px, step=20, label="Photos' longer side, pixels")
        gaussians = gr.Slider(1_000, 300_000, value=USUAL.fit.gaussians, step=1_000, label="Most Gaussians")
        mask_photos = gr.Slider(2, 100, value=USUAL.mask_photos, step=1, label="Photos to look for things in")
        method = gr.Radio(
            [(words, name) for name, words in _METHOD_WORDS.items()], value=USUAL.method, label="Language comes by"
        )
        run = gr.Button("Build the scene", variant="primary", elem_id="gs-build-run")
        preview = View("gaussians_preview", None, elem_id="gs-preview", label="Preview")
    return BuildParts(photos, iterations, longest_px, gaussians, mask_photos, method, run, preview)


def build_handler(parts: BuildParts, file: gr.File, line: View, folder: str) -> Callable[..., Updates]:
    """Build, show how far it is, and hand the scene over as a file of one's own."""

    def run(
        photos: str | None, iterations: int, longest_px: int, gaussians: int, mask_photos: int, method: Method
    ) -> Updates:
        latest: list[Preview] = []

        def work(job: Job) -> Built:
            if not photos:
                raise InputError("There are no photos yet: give a ZIP of photos with their poses.")
            usual = USUAL.fit
            fit = FitOptions(
                int(iterations), int(longest_px), int(gaussians), min(usual.seeds, int(gaussians)), usual.degree
            )
            options = BuildOptions(fit, int(mask_photos), method=method)
            return build(Path(photos), options, folder=work_folder(photos, folder), preview=latest.append, job=job)

        built = yield from _with_previews(run_job(work, line), latest, parts.preview)
        path = save_bytes_to_cache(built.as_npz(), "built-scene.npz", folder)
        yield {file: [path], parts.preview: None, line: status("done", done_words(built))}

    return run


def _with_previews(running: Any, latest: list[Preview], view: View) -> Any:
    """The updates of a job, with the newest preview where there is one."""
    shown: Preview | None = None
    try:
        while True:
            update = next(running)
            if latest and latest[-1] is not shown:
                shown = latest[-1]
                latest[:-1] = []
                update = {**update, view: preview_value(shown)}
            yield update
    except StopIteration as end:
        return end.value
    finally:
        running.close()


def preview_value(preview: Preview) -> dict[str, Any]:
    """A preview as assets/views/gaussians_preview.js shows it."""
    from PIL import Image

    picture = Image.fromarray(preview.rgb)
    picture.thumbnail((_PREVIEW_PX, _PREVIEW_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=80)
    address = "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
    return {"src": address, "words": f"After {preview.iteration:,} views: {preview.gaussians:,} Gaussians"}


def work_folder(photos: str, folder: str) -> Path:
    """Where a build keeps what is costly, so that it goes on after Cancel; Gradio names an upload by its content."""
    made = Path(folder) / f"build-{hashlib.sha256(photos.encode()).hexdigest()[:16]}"
    made.mkdir(parents=True, exist_ok=True)
    return made


def done_words(built: Built) -> str:
    """The status line after a build."""
    took = seconds_words(sum(built.seconds.values()))
    words = f"Built {len(built.scene):,} Gaussians and {built.groups} things from {len(built.cameras)} photos"
    return " ".join([f"{words} in {took} of processor time; {built.psnr_db:.1f} dB.", *built.notes])
