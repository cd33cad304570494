"""A photo drawn anew, as a part of the tab: clearly marked, and not offered where its model cannot be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from core import catalog
from core.checkpoints import is_local
from core.pool import POOL
from core.settings import settings
from core.tasks import Job
from demos.base import run_job, status
from demos.enhancement import present
from demos.enhancement.generated import STEPS, Generated, drawn_anew
from demos.enhancement.photo import read_photo
from demos.enhancement.tab_parts import JUDGES, Parts
from demos.enhancement.tab_run import preview
from demos.views import View
from demos.widgets import Upload, require_picture, size_words

Updates = Iterator[dict[Any, Any]]
EDITOR = "instruct-pix2pix"
WHAT = "Generative: the model draws a small copy of the photo anew. It lights what it likes and invents every pixel."


@dataclass(frozen=True)
class GeneratedParts:
    """The components of this part."""

    instruction: gr.Textbox
    steps: gr.Slider
    draw: gr.Button
    shown: gr.ImageSlider
    note: View


def why_not() -> str:
    """Why the model is not offered, one sentence; empty where it is."""
    row = catalog.spec(EDITOR)
    if settings().offline and not is_local(row):
        return f"Not offered here: {row.title} ({size_words(row)}) is not on this machine, and the hub runs offline."
    return ""


def place_generated() -> GeneratedParts:
    """What it is, the instruction, and the comparison."""
    reason = why_not()
    row = catalog.spec(EDITOR)
    with gr.Accordion("Compare with a generative model", open=False, elem_classes="settings", elem_id="enh-anew"):
        note = View("note", {"lines": [WHAT], "warn": reason}, elem_id="enh-anew-note", label="About it")
        instruction = gr.Textbox(label="Instruction", value="make it well lit", max_length=200, elem_id="enh-anew-text")
        steps = gr.Slider(
            *STEPS, value=15, step=1, label="Steps",
            info="Each runs the network three times: many seconds on a CPU, a tenth of one on a GPU.",
        )  # fmt: skip
        draw = gr.Button(
            f"Draw it anew · {row.title}, {size_words(row)}", size="sm", interactive=not reason, elem_id="enh-anew-run"
        )
        shown = gr.ImageSlider(
            label="The photo, and invented pixels", interactive=False, elem_id="enh-anew-slider", max_height=420,
            buttons=["fullscreen"],
        )  # fmt: skip
    return GeneratedParts(instruction, steps, draw, shown, note)


def draw_handler(parts: Parts, own: GeneratedParts) -> Callable[..., Updates]:
    """Photo and instruction -> a drawing beside it."""
    folder = parts.file.GRADIO_CACHE

    def draw(photo: Upload | None, instruction: str, steps: float, judge: str = JUDGES[0]) -> Updates:
        def work(job: Job) -> Generated:
            upload = require_picture(photo)
            given = read_photo(upload.source, name=upload.name)
            with POOL.use(judge, job=job) as clip, POOL.use(EDITOR, job=job) as editor:
                return drawn_anew(given, instruction, editor=editor, clip=clip, steps=int(steps), job=job)

        made = yield from run_job(work, parts.line)
        words = [
            f"{made.model}, {present.seconds_words(made.seconds)}. CLIP's light {made.light_before:.2f} to"
            f" {made.light_after:.2f}.",
            f"What became of the photo: edges {100 * made.drift:.0f} % other, {made.alike:.2f} alike to CLIP (1 is the"
            " same).",
        ]
        yield {
            own.shown: (preview(made.before, "before.jpg", folder), preview(made.after, "anew.jpg", folder)),
            own.note: {"lines": [WHAT, *words], "warn": ""},
            parts.line: status("done", "Done: drawn anew, every pixel invented."),
        }

    return draw
