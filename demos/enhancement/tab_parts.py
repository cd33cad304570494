"""The components of the enhancement tab and where they stand; events are in tab.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.catalog import by_task
from core.images import read_image
from demos.base import status
from demos.enhancement.options import MOST_STRENGTH, Denoising, EnhanceOptions, Method
from demos.enhancement.samples import samples
from demos.forms import Fields
from demos.views import View
from demos.widgets import PictureInput, model_choices, thumbnail

LIGHT_MODEL, NOISE_MODEL = "pocket-light", "pocket-denoise"
JUDGES = tuple(row.name for row in by_task("image-text"))
USUAL = EnhanceOptions()
METHOD_CHOICES: list[tuple[str, Method]] = [
    ("RAVE", "rave"),
    ("CLIP-LIT", "clip-lit"),
    ("CLIP-LIT-Latent", "clip-lit-latent"),
    ("Retinex (no network)", "retinex"),
    ("One curve (gamma)", "gamma"),
]
NOISE_CHOICES: list[tuple[str, Denoising]] = [("Diffusion model", "diffusion"), ("Filter", "filter")]


@dataclass(frozen=True)
class Inputs(Fields):
    """What a visitor sets; the order is that of the endpoint's arguments after the photo."""

    method: gr.Radio
    strength: gr.Slider
    protect_highlights: gr.Slider
    protect_shadows: gr.Slider
    denoise: gr.Slider
    skips_well_lit: gr.Checkbox
    judge: gr.Dropdown
    denoiser: gr.Radio


@dataclass(frozen=True)
class Parts:
    """Every component that an event touches."""

    photo: PictureInput
    files: gr.File
    samples: View
    inputs: Inputs
    run: gr.Button
    run_many: gr.Button
    compare: gr.Button
    stop: gr.Button
    line: View
    slider: gr.ImageSlider
    charts: View
    file: gr.File
    numbers: gr.JSON
    light_map: gr.Image
    gallery: gr.Gallery
    zip: gr.File


def _thumbnails() -> list[dict[str, str]]:
    return [{"title": s.title, "thumb": thumbnail(read_image(s.path).rgb)} for s in samples()]


def _place_photos(holder: dict[str, Any]) -> None:
    """One photo, or many; and the examples."""
    with gr.Tabs(elem_id="enh-input", elem_classes="inner-tabs"):
        with gr.Tab("One photo", id="one", elem_id="enh-one"):
            holder["photo"] = PictureInput(
                label="Photo", sources=["upload", "clipboard", "webcam"], height=220, elem_id="enh-photo", buttons=[],
                placeholder="Drop a photo here\nor click to choose one", alt_text="The photo to enhance",
            )  # fmt: skip
            holder["samples"] = View("examples", _thumbnails(), elem_id="enh-samples", label="Examples")
        with gr.Tab("Many photos", id="many", elem_id="enh-many"):
            holder["files"] = gr.File(
                label="Photos or ZIP archives", file_count="multiple", height=220, elem_id="enh-files"
            )
            holder["run_many"] = gr.Button("Enhance all", variant="primary", elem_id="enh-run-many")


def _place_settings(holder: dict[str, Any]) -> None:
    holder["strength"] = gr.Slider(
        0, MOST_STRENGTH, value=USUAL.strength, step=0.05, label="Strength", elem_id="enh-strength",
        info="0 gives the photo back byte by byte, 1 is what the method says.",
    )  # fmt: skip
    holder["method"] = gr.Radio(
        METHOD_CHOICES, value=USUAL.method, label="Who says where light is missing", elem_id="enh-method"
    )
    with gr.Accordion("Protection, noise, judge", open=False, elem_classes="settings"):
        holder["protect_highlights"] = gr.Slider(
            0, 1, value=USUAL.protect_highlights, step=0.05, label="Protect highlights",
            info="1 leaves what is bright already as it is.",
        )  # fmt: skip
        holder["protect_shadows"] = gr.Slider(
            0, 1, value=USUAL.protect_shadows, step=0.05, label="Protect deep shadows",
            info="1 leaves what is nearly black as it is.",
        )  # fmt: skip
        holder["denoise"] = gr.Slider(
            0, 1, value=USUAL.denoise, step=0.05, label="Take noise out of what was lifted",
            info="By the noise that is found in the photo; 0 leaves it.",
        )  # fmt: skip
        holder["denoiser"] = gr.Radio(
            NOISE_CHOICES, value=USUAL.denoiser, label="By", elem_id="enh-denoiser",
            info="The model keeps more detail and takes some seconds a megapixel.",
        )  # fmt: skip
        holder["skips_well_lit"] = gr.Checkbox(
            label="Leave well-lit photos alone", value=USUAL.skips_well_lit,
            info="Where hardly any light is missing the file stays as it is.",
        )  # fmt: skip
        holder["judge"] = gr.Dropdown(
            model_choices(JUDGES), value=JUDGES[0], label="CLIP that judges the light", filterable=False,
            elem_id="enh-judge",
        )  # fmt: skip


def _place_left(holder: dict[str, Any]) -> None:
    _place_photos(holder)
    with gr.Row(elem_classes="actions"):
        holder["run"] = gr.Button("Enhance", variant="primary", elem_classes="run-button", elem_id="enh-run")
        holder["compare"] = gr.Button("Compare methods", elem_classes="quiet-button", elem_id="enh-compare")
    _place_settings(holder)


def _place_right(holder: dict[str, Any]) -> None:
    with gr.Row(elem_classes="progress"):
        holder["line"] = View("status", status("idle"), elem_id="enh-status", label="Progress")
        holder["stop"] = gr.Button("Cancel", variant="stop", elem_classes="cancel-button", elem_id="enh-stop")
    holder["slider"] = gr.ImageSlider(
        label="Before and after", interactive=False, elem_id="enh-slider", max_height=560, buttons=["fullscreen"]
    )
    holder["file"] = gr.File(label="Enhanced file, as the photo came", interactive=False, height=96, elem_id="enh-file")
    holder["charts"] = View("enhance", None, elem_id="enh-charts", label="Light")
    with gr.Tabs(elem_classes="inner-tabs", elem_id="enh-more"):
        with gr.Tab("Light map", id="map"):
            holder["light_map"] = gr.Image(
                label="Blue: much light is missing, red: none", interactive=False, elem_id="enh-map",
                buttons=["fullscreen"],
                alt_text="Where light is missing: dark blue much, red none",
            )  # fmt: skip
        with gr.Tab("Methods side by side", id="compare"):
            holder["gallery"] = gr.Gallery(
                label="Methods", show_label=False, columns=3, height="auto", interactive=False, elem_id="enh-gallery"
            )
        with gr.Tab("Many photos", id="zip"):
            holder["zip"] = gr.File(label="All photos and a table, as ZIP", interactive=False, elem_id="enh-zip")
        with gr.Tab("Numbers", id="numbers"):
            holder["numbers"] = gr.JSON(label="Light before and after", elem_id="enh-numbers")


def place() -> Parts:
    """Place every component; inputs left, the photo right."""
    holder: dict[str, Any] = {}
    with gr.Row(elem_classes="job two-columns", elem_id="enh-job"):
        with gr.Column(scale=4, min_width=300):
            _place_left(holder)
        with gr.Column(scale=8, min_width=300):
            _place_right(holder)
    inputs = Inputs(**{name: holder.pop(name) for name in Inputs.__dataclass_fields__})
    return Parts(inputs=inputs, **holder)
