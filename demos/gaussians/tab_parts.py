"""The components of the 3D tab and where they stand; events are in tab.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.catalog import by_task
from core.prompts import TEMPLATE_SETS
from demos.base import status
from demos.forms import Fields
from demos.gaussians.formats.reading import FORMATS
from demos.gaussians.options import KINDS, LEVEL_CHOICES, ORDERS, THRESHOLDS, QueryOptions
from demos.gaussians.samples import bundled
from demos.gaussians.tab_build import BuildParts, place_build
from demos.gaussians.tab_fields import SceneChoice, place_scene_files
from demos.gaussians.tab_view import Viewer
from demos.views import View
from demos.widgets import PictureInput, model_choices, model_note

MODELS = tuple(row.name for row in by_task("image-text"))
OWN_MODEL = "auto"  # the model that the scene's language was made with
USUAL = QueryOptions()
DEFAULT_SIDE_PX = "640"
SIDES_PX = ("320", "480", "640", "960", "1280", "1920")
_LEVEL_WORDS = {"auto": "Whichever answers best", "subpart": "Details", "part": "Parts", "whole": "Whole things"}
_THRESHOLD_WORDS = {"fixed": "Fixed (LangSplat's)", "otsu": "Otsu's", "stability": "Where it changes least"}
_ORDER_WORDS = {
    "pieces": "Things and their parts", "features": "Pixels: draw embeddings, then compare (LangSplat)",
    "relevancy": "Pixels: compare, then draw",
}  # fmt: skip
_KIND_WORDS = {
    "picture": "Picture", "heat": "Heat", "composite": "Heat over the picture", "mask": "Mask", "contour": "Outline",
    "depth": "Depth", "pca": "Meaning in false colours",
}  # fmt: skip
_TEMPLATE_WORDS = {
    "plain": "The bare word", "photo": "A photo of it", "seven": "7 best sentences", "eighty": "80 sentences",
}  # fmt: skip
TEMPLATES = tuple(name for name in TEMPLATE_SETS if name in _TEMPLATE_WORDS)
EXPORTS = (
    ("ply", "Scene, .ply", "3DGS, with all edits"),
    ("splat", "Scene, .splat", "32 bytes a Gaussian, for web viewers"),
    ("npz", "Scene, .npz", "this hub's own, with its language"),
    ("selection", "Selection, .ply", "only what is selected"),
    ("mask", "Mask", "PNG of the view"),
    ("json", "Answer", "JSON with the Gaussians' numbers"),
    ("gif", "Turn, GIF", "once around what was found"),
    ("webp", "Turn, WebP", "a tenth of the GIF's size"),
    ("mp4", "Turn, MP4", "where ffmpeg is installed"),
)


@dataclass(frozen=True)
class Inputs(Fields):
    """What a visitor sets; the order is that of the endpoint's arguments."""

    query: gr.Textbox
    scene: gr.Dropdown
    model: gr.Dropdown
    level: gr.Radio
    threshold: gr.Radio
    cut: gr.Slider
    least_peak: gr.Textbox
    smoothing_px: gr.Textbox
    negatives: gr.Textbox
    templates: gr.Radio
    temperature: gr.Number
    hubness: gr.Checkbox
    order: gr.Radio
    neighbours: gr.Slider
    grow: gr.Slider
    whole_objects: gr.Checkbox
    side_px: gr.Dropdown
    camera: gr.JSON
    file: gr.File


@dataclass(frozen=True)
class Parts:
    """Every component that an event touches."""

    inputs: Inputs
    build: BuildParts
    tries: View
    model_note: View
    run: gr.Button
    stop: gr.Button
    copy_link: gr.Button
    link: View
    line: View
    viewer: Viewer
    found: View
    clicked: View
    kind: gr.Radio
    which: gr.Dropdown
    redraw: gr.Button
    picture: gr.Image
    mask: gr.File
    objects: View
    sentence: gr.Textbox
    do: gr.Button
    towards: gr.Textbox
    example: PictureInput
    restyle: gr.Button
    edits: View
    exports: View
    json: View
    python: gr.Code
    curl: gr.Code
    shown: gr.State


def _pairs(values: tuple[str, ...], words: dict[str, str]) -> list[tuple[str, str]]:
    return [(words[value], value) for value in values]


def scene_choices() -> list[tuple[str, str]]:
    """Titles and names of the bundled scenes."""
    return [(sample.title, sample.name) for sample in bundled()]


def _place_scene(holder: dict[str, Any]) -> None:
    """One of ours, or a file."""
    choices = scene_choices()
    holder["scene"] = SceneChoice(
        choices, value=choices[0][1] if choices else None, label="Scene", elem_id="gs-scene", filterable=False
    )
    with gr.Accordion("A scene of your own", open=False, elem_classes="settings", elem_id="gs-own"):
        holder["file"] = place_scene_files(label=f"Scene file: {', '.join(FORMATS)}", height=150, elem_id="gs-file")
    holder["build"] = place_build()


def _place_query(holder: dict[str, Any]) -> None:
    samples = bundled()
    words = list(samples[0].queries) if samples else []
    holder["query"] = gr.Textbox(
        label="What should light up?", value=words[0] if words else "mug", lines=1, max_lines=4, elem_id="gs-query",
        info="Any words; several at once with a semicolon between: mug; red apple",
    )  # fmt: skip
    holder["tries"] = View("gaussians_words", {"words": words}, elem_id="gs-words", label="Words to try")
    with gr.Row(elem_classes="actions"):
        holder["run"] = gr.Button("Find", variant="primary", elem_classes="run-button", elem_id="gs-run")
        holder["copy_link"] = gr.Button("Copy link", elem_classes="quiet-button", elem_id="gs-copy-link")
    holder["link"] = View("link", None, elem_id="gs-link", label="Link")
    holder["level"] = gr.Radio(
        _pairs(LEVEL_CHOICES, _LEVEL_WORDS), value=USUAL.level, label="Level", elem_id="gs-level"
    )


def _place_words(holder: dict[str, Any]) -> None:
    """How words are sent to the model."""
    with gr.Accordion("Words", open=False, elem_classes="settings", elem_id="gs-words-settings"):
        holder["negatives"] = gr.Textbox(
            label="Held against", value=USUAL.negatives, lines=2, elem_id="gs-negatives",
            info="What is likelier one of these does not light up. With semicolons between.",
        )  # fmt: skip
        holder["templates"] = gr.Radio(
            _pairs(TEMPLATES, _TEMPLATE_WORDS), value=USUAL.templates, label="Each word is put into"
        )
        holder["temperature"] = gr.Number(
            label="Sharpness", value=USUAL.temperature, minimum=0.1, maximum=200, info="LangSplat's is 10."
        )
        holder["hubness"] = gr.Checkbox(
            label="Even out favourite words", value=USUAL.hubness,
            info="Takes off what a word scores on anything, where the model knows it.",
        )  # fmt: skip
        holder["model"] = gr.Dropdown(
            [("The scene's own", OWN_MODEL), *model_choices(MODELS)], value=OWN_MODEL, label="Image-text model",
            elem_id="gs-model", filterable=False,
        )  # fmt: skip
        holder["model_note"] = View("note", own_note(), elem_id="gs-model-note", label="About the model")


def own_note(name: str = OWN_MODEL) -> dict[str, Any]:
    """What the note under the model picker says."""
    if name != OWN_MODEL:
        return model_note(name)
    return {"lines": ["Words must go through the model that the scene's language was made with."], "warn": ""}


def _place_mask(holder: dict[str, Any]) -> None:
    """From relevancy to a mask and a selection."""
    with gr.Accordion("Found, mask and selection", open=False, elem_classes="settings", elem_id="gs-mask-settings"):
        # Fields of text: a number field of Gradio that is empty becomes 0 as soon as it is seen.
        holder["least_peak"] = gr.Textbox(
            label="Least peak that counts as found", value="", max_lines=1, placeholder="0.5", elem_id="gs-least",
            info="Empty takes what was measured for the model; 0 finds always.",
        )  # fmt: skip
        holder["threshold"] = gr.Radio(
            _pairs(THRESHOLDS, _THRESHOLD_WORDS), value=USUAL.threshold, label="The mask is cut", elem_id="gs-threshold"
        )
        holder["cut"] = gr.Slider(
            0, 1, value=USUAL.cut, step=0.01, label="Cut, for the fixed one", elem_id="gs-cut",
            info="Lower takes in more.",
        )  # fmt: skip
        holder["smoothing_px"] = gr.Textbox(
            label="Smoothing, pixels", value="", max_lines=1, placeholder="30", elem_id="gs-smoothing",
            info="Empty takes LangSplat's 30 for 731 rows, in proportion.",
        )  # fmt: skip
        holder["order"] = gr.Radio(_pairs(ORDERS, _ORDER_WORDS), value=USUAL.order, label="What is compared")
        holder["whole_objects"] = gr.Checkbox(
            label="Select whole objects", value=USUAL.whole_objects, elem_id="gs-whole",
            info="Where the scene's Gaussians are grouped into things.",
        )  # fmt: skip
        holder["grow"] = gr.Slider(
            -10, 10, value=USUAL.grow, step=1, label="Grow or shrink the selection", info="In rings of neighbours."
        )
        holder["neighbours"] = gr.Slider(
            0, 64, value=USUAL.neighbours, step=1, label="Neighbours that smooth it", info="0 smooths nothing."
        )


def _place_size(holder: dict[str, Any]) -> None:
    with gr.Accordion("Pictures by the server", open=False, elem_classes="settings"):
        holder["side_px"] = gr.Dropdown(
            list(SIDES_PX), value=DEFAULT_SIDE_PX, label="Longer side, pixels", filterable=False, elem_id="gs-side",
            info="Masks and level peaks are computed at this size, too: larger is finer and slower.",
        )  # fmt: skip


def _place_left(holder: dict[str, Any]) -> None:
    _place_scene(holder)
    _place_query(holder)
    _place_mask(holder)
    _place_words(holder)
    _place_size(holder)


def _place_pictures(holder: dict[str, Any]) -> None:
    """What the server draws: the answer as pictures, at full size."""
    holder["kind"] = gr.Radio(
        _pairs(KINDS, _KIND_WORDS), value="heat", label="Picture", show_label=False, elem_id="gs-kind"
    )
    with gr.Row(elem_classes="actions"):
        holder["which"] = gr.Dropdown(
            [], value=None, label="Of", show_label=False, elem_id="gs-which", filterable=False, visible=False
        )
        holder["redraw"] = gr.Button("Draw the view as it stands now", elem_classes="quiet-button", elem_id="gs-redraw")
    holder["picture"] = gr.Image(
        label="Picture", show_label=False, interactive=False, type="filepath", format="png", elem_id="gs-picture",
        buttons=["download", "fullscreen"], alt_text="The scene as the server draws it",
    )  # fmt: skip
    holder["mask"] = gr.File(label="Mask", interactive=False, elem_id="gs-mask")


def _place_edit(holder: dict[str, Any]) -> None:
    """Change what was found."""
    with gr.Row(elem_classes="actions"):
        holder["sentence"] = gr.Textbox(
            label="Say it", show_label=False, container=False, elem_id="gs-sentence",
            placeholder="make the mug red · remove the apple · move the book left · make the lamp taller",
        )  # fmt: skip
        holder["do"] = gr.Button("Do it", elem_classes="quiet-button", elem_id="gs-do")
    holder["edits"] = View("gaussians_edits", None, elem_id="gs-edits", label="Edits")
    with gr.Accordion(
        "Recolour towards a text or a picture", open=False, elem_classes="settings", elem_id="gs-restyle"
    ):
        holder["towards"] = gr.Textbox(
            label="It should look like", placeholder="a wooden toy", elem_id="gs-towards",
            info="The image-text model tries colours and keeps what looks most like it; shapes stay.",
        )  # fmt: skip
        holder["example"] = PictureInput(
            label="Or like this picture", height=160, sources=["upload", "clipboard"], elem_id="gs-example", buttons=[]
        )
        holder["restyle"] = gr.Button("Recolour the selection", size="sm", elem_id="gs-restyle-run")


def _place_more(holder: dict[str, Any]) -> None:
    with gr.Tabs(elem_classes="inner-tabs", elem_id="gs-more"):
        with gr.Tab("Pictures", id="pictures"):
            _place_pictures(holder)
        with gr.Tab("Things", id="things"):
            holder["objects"] = View("gaussians_objects", None, elem_id="gs-objects", label="Objects")
        with gr.Tab("Edit", id="edit"):
            _place_edit(holder)
        with gr.Tab("Save", id="save"):
            kinds = [{"name": name, "title": title, "line": line} for name, title, line in EXPORTS]
            holder["exports"] = View("segment_exports", {"kinds": kinds}, elem_id="gs-exports", label="Files")
        with gr.Tab("From code", id="code"):
            holder["python"] = gr.Code(label="Python", language="python", interactive=False, elem_id="gs-python")
            holder["curl"] = gr.Code(label="curl", language="shell", interactive=False, elem_id="gs-curl")
            holder["json"] = View("gaussians_json", None, elem_id="gs-json", label="Answer", is_api=True)


def _place_right(holder: dict[str, Any]) -> None:
    with gr.Row(elem_classes="progress"):
        holder["line"] = View("status", status("idle"), elem_id="gs-status", label="Progress")
        holder["stop"] = gr.Button("Cancel", variant="stop", elem_classes="cancel-button", elem_id="gs-stop")
    holder["viewer"] = Viewer(elem_id="gs-viewer")
    holder["found"] = View("gaussians_found", None, elem_id="gs-found", label="Answers")
    holder["clicked"] = View("gaussians_clicked", None, elem_id="gs-clicked", label="What was clicked")
    _place_more(holder)


def place() -> Parts:
    """Place every component; inputs left, the scene right."""
    holder: dict[str, Any] = {"shown": gr.State(None, time_to_live=3600)}
    with gr.Row(elem_classes="job two-columns", elem_id="gs-job"):
        with gr.Column(scale=4, min_width=300):
            _place_left(holder)
        with gr.Column(scale=8, min_width=300):
            _place_right(holder)
    holder["camera"] = gr.JSON(None, label="camera", visible=False)
    inputs = Inputs(**{name: holder.pop(name) for name in Inputs.__dataclass_fields__})
    return Parts(inputs=inputs, **holder)
