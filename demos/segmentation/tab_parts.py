"""The components of the segmentation tab and where they stand; events are in tab.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.catalog import by_task
from core.images import read_image
from demos.base import status
from demos.forms import Fields
from demos.segmentation.options import (
    CROPS,
    DENSE_METHODS,
    EDGES,
    LEVEL_CHOICES,
    TEXT_REFINEMENTS,
    WAYS,
    SegmentOptions,
)
from demos.segmentation.samples import samples
from demos.segmentation.tab_view import Workbench
from demos.views import View
from demos.widgets import PictureInput, model_choices, model_note, thumbnail

MODELS = tuple(row.name for row in by_task("image-text"))
MASK_MODELS = tuple(row.name for row in by_task("promptable-masks"))
DEFAULT_LABELS = "person\ndog\ncat\ncar\nbuilding\ntree\ngrass\nsky"
USUAL = SegmentOptions()
AUTO = "auto"  # the mask model's own number of points
POINT_CHOICES = (AUTO, "8", "12", "16", "24", "32", "48", "64")
WORD_CHOICES = [("My labels", "labels"), ("The hub finds words", "vocabulary")]
TEMPLATE_CHOICES = [
    ("The bare word", "plain"),
    ("A photo of it", "photo"),
    ("7 best sentences", "seven"),
    ("80 sentences", "eighty"),
    ("My own", "own"),
]
_WAY_WORDS = {
    "sam+dense": "Regions, named by dense features (fast)",
    "sam+clip": "Regions, each cut out and classified",
    "ensemble": "Regions, named by both (best)",
    "dense": "No regions: a map of the words",
}
_LEVEL_WORDS = {"auto": "Whatever fits best", "subpart": "Details", "part": "Parts", "whole": "Whole things"}
_CROP_WORDS = {
    "local-mean": "Outside in its mean colour",
    "masked-mean": "Outside grey",
    "box": "The box as it is",
    "blur": "Outside blurred",
    "both": "Box and grey",
}
_REFINE_WORDS = {"none": "Off", "context": "Context (DenseCLIP)", "content": "Content (MAFT+)"}
_EDGE_WORDS = {"none": "As it is", "guided": "Along the picture's edges"}
_METHOD_WORDS = {"naclip": "NACLIP", "clearclip": "ClearCLIP", "maskclip": "MaskCLIP", "sclip": "SCLIP"}
EXPORTS = (
    ("labels", "Label map", "PNG with a palette"),
    ("overlay", "Overlay", "the picture as JPEG"),
    ("coco", "COCO", "JSON with run lengths"),
    ("cutouts", "Cut-outs", "ZIP of transparent PNGs"),
    ("yolo", "YOLO", "ZIP of polygons"),
    ("labelme", "LabelMe", "JSON with masks"),
    ("csv", "Table", "CSV of the regions"),
)


@dataclass(frozen=True)
class Inputs(Fields):
    """What a visitor sets; the order is that of the endpoint's arguments after the picture."""

    labels: gr.Textbox
    words: gr.Radio
    model: gr.Dropdown
    mask_model: gr.Dropdown
    way: gr.Radio
    threshold: gr.Slider
    other: gr.Checkbox
    margin: gr.Slider
    negatives: gr.Textbox
    points_per_side: gr.Dropdown
    level: gr.Radio
    least_share: gr.Slider
    overlap: gr.Slider
    joins_touching: gr.Checkbox
    templates: gr.Radio
    own_templates: gr.Textbox
    refinement: gr.Radio
    refinement_strength: gr.Slider
    sharpness: gr.Slider
    hubness: gr.Checkbox
    crops: gr.Radio
    dense_method: gr.Radio
    edges: gr.Radio
    vocabulary: gr.Textbox


@dataclass(frozen=True)
class Parts:
    """Every component that an event touches."""

    picture: PictureInput
    files: gr.File
    samples: View
    inputs: Inputs
    fill_vocabulary: gr.Button
    model_note: View
    run: gr.Button
    run_many: gr.Button
    stop: gr.Button
    copy_link: gr.Button
    link: View
    line: View
    stage: Workbench
    found: View
    exports: View
    overlay: gr.Image
    label_map: gr.File
    json: View
    python: gr.Code
    curl: gr.Code
    table: View
    zip: gr.DownloadButton
    ask_click: gr.Button
    points: gr.JSON
    box: gr.JSON
    candidates: gr.JSON
    shown: gr.State
    edits: gr.State
    clicked: gr.State


def _pairs(values: tuple[str, ...], words: dict[str, str]) -> list[tuple[str, str]]:
    return [(words[value], value) for value in values]


def _thumbnails() -> list[dict[str, str]]:
    return [{"title": s.title, "thumb": thumbnail(read_image(s.path).rgb)} for s in samples()]


def _place_pictures() -> dict[str, Any]:
    """One picture, or many; and the examples."""
    with gr.Tabs(elem_id="seg-input", elem_classes="inner-tabs"):
        with gr.Tab("One picture", id="one", elem_id="seg-one"):
            picture = PictureInput(
                label="Picture", sources=["upload", "clipboard", "webcam"], height=220, elem_id="seg-picture",
                buttons=[], placeholder="Drop a picture here\nor click to choose one",
                alt_text="The picture to segment",
            )  # fmt: skip
            examples = View("examples", _thumbnails(), elem_id="seg-samples", label="Examples")
        with gr.Tab("Many pictures", id="many", elem_id="seg-many"):
            files = gr.File(
                label="Pictures or ZIP archives", file_count="multiple", height=220, elem_id="seg-files",
            )  # fmt: skip
    return {"picture": picture, "files": files, "samples": examples}


def _place_words(holder: dict[str, Any]) -> None:
    """The labels, or the vocabulary in their place."""
    holder["words"] = gr.Radio(WORD_CHOICES, value="labels", label="Words", elem_id="seg-words", show_label=False)
    holder["labels"] = gr.Textbox(
        label="What should be outlined?", value=DEFAULT_LABELS, lines=5, max_lines=14, elem_id="seg-labels",
        info="One a line or comma separated. Synonyms after an equals sign: dog = puppy, hound",
    )  # fmt: skip


def _place_vocabulary(holder: dict[str, Any]) -> None:
    with gr.Accordion("Vocabulary", open=False, elem_classes="settings"):
        holder["vocabulary"] = gr.Textbox(
            label="Nouns", value="", lines=6, max_lines=14, elem_id="seg-vocabulary", placeholder="apple\nbus\ncat",
            info="For “The hub finds words”. Empty takes the nouns that come with the hub.",
        )  # fmt: skip
        holder["fill_vocabulary"] = gr.Button("Fill in the hub's nouns to edit them", size="sm")


def _place_regions(holder: dict[str, Any]) -> None:
    """How regions are found."""
    with gr.Accordion("Way and regions", open=False, elem_classes="settings", elem_id="seg-regions-settings"):
        holder["way"] = gr.Radio(_pairs(WAYS, _WAY_WORDS), value=USUAL.way, label="Way", elem_id="seg-way")
        holder["mask_model"] = gr.Dropdown(
            model_choices(MASK_MODELS), value=MASK_MODELS[0], label="Mask model", elem_id="seg-mask-model",
            filterable=False,
        )  # fmt: skip
        holder["points_per_side"] = gr.Dropdown(
            list(POINT_CHOICES), value=AUTO, label="Points a side", filterable=False, elem_id="seg-points",
            info="Of the grid that asks for regions: more find smaller things, and take longer.",
        )  # fmt: skip
        holder["level"] = gr.Radio(_pairs(LEVEL_CHOICES, _LEVEL_WORDS), value=USUAL.level, label="Regions are")
        holder["least_share"] = gr.Slider(
            0, 5, value=100 * USUAL.least_share, step=0.01, label="Least size, % of the picture",
            info="Smaller regions are left out.",
        )  # fmt: skip
        holder["overlap"] = gr.Slider(
            0, 1, value=USUAL.overlap, step=0.05, label="Least visible part",
            info="A region of which better ones cover more is left out.",
        )  # fmt: skip
        holder["joins_touching"] = gr.Checkbox(
            label="Join regions of one label that touch", value=USUAL.joins_touching,
            info="Right for sky and grass, wrong for counting.",
        )  # fmt: skip


def _place_naming(holder: dict[str, Any]) -> None:
    """How regions are named."""
    with gr.Accordion("Wording and naming", open=False, elem_classes="settings"):
        holder["templates"] = gr.Radio(
            TEMPLATE_CHOICES, value=USUAL.templates, label="Each label is put into", elem_id="seg-templates"
        )
        holder["own_templates"] = gr.Textbox(
            label="My sentences", value="", lines=3, visible=False, elem_id="seg-own-templates",
            placeholder="a drawing of a {}.", info="One a line, with {} where the label goes.",
        )  # fmt: skip
        holder["refinement"] = gr.Radio(
            _pairs(TEXT_REFINEMENTS, _REFINE_WORDS), value=USUAL.refinement, label="Words adapted to the picture",
        )  # fmt: skip
        holder["refinement_strength"] = gr.Slider(
            0, 1, value=USUAL.refinement_strength, step=0.05, label="How strongly", info="0 changes nothing."
        )
        holder["sharpness"] = gr.Slider(
            0.1, 5, value=USUAL.sharpness, step=0.1, label="Sharpness",
            info="Above 1 the best word takes more of the probability.",
        )  # fmt: skip
        holder["hubness"] = gr.Checkbox(
            label="Even out favourite labels", value=USUAL.hubness,
            info="Takes off what a label scores on any picture, where the model knows it.",
        )  # fmt: skip
        holder["crops"] = gr.Radio(_pairs(CROPS, _CROP_WORDS), value=USUAL.crops, label="Cut-outs, where they are used")
        holder["dense_method"] = gr.Radio(
            _pairs(DENSE_METHODS, _METHOD_WORDS),
            value=USUAL.dense_method,
            label="Dense features of a vision transformer",
        )
        holder["edges"] = gr.Radio(_pairs(EDGES, _EDGE_WORDS), value=USUAL.edges, label="Map of the words is drawn")


def _place_other(holder: dict[str, Any]) -> None:
    """When a region stays nameless."""
    with gr.Accordion("“Other” and thresholds", open=False, elem_classes="settings"):
        holder["other"] = gr.Checkbox(
            label="Regions that fit no label stay “other”", value=USUAL.other, elem_id="seg-other",
            info="Off: each region takes the label that fits it best.",
        )  # fmt: skip
        holder["threshold"] = gr.Slider(
            0, 1, value=USUAL.threshold, step=0.01, label="Threshold", elem_id="seg-threshold",
            info="For all labels; after an answer the legend has a slider for each. Higher leaves more “other”.",
        )  # fmt: skip
        holder["margin"] = gr.Slider(
            0, 1, value=USUAL.margin, step=0.01, label="Least lead over the second label", info="0 asks for none."
        )
        holder["negatives"] = gr.Textbox(
            label="What “other” looks like", value="", lines=2, elem_id="seg-negatives",
            placeholder="background, wall, floor", info="Empty takes the words that come with the hub.",
        )  # fmt: skip


def _place_left(holder: dict[str, Any]) -> None:
    holder.update(_place_pictures())
    _place_words(holder)
    with gr.Row(elem_classes="actions"):
        holder["run"] = gr.Button(
            "Segment", variant="primary", elem_classes=["run-button", "seg-one-picture"], elem_id="seg-run"
        )
        holder["run_many"] = gr.Button(
            "Segment all", variant="primary", elem_classes=["run-button", "seg-many-pictures"], elem_id="seg-run-many"
        )
        holder["copy_link"] = gr.Button("Copy link", elem_classes="quiet-button", elem_id="seg-copy-link")
    holder["link"] = View("link", None, elem_id="seg-link", label="Link")
    holder["model"] = gr.Dropdown(
        model_choices(MODELS), value=MODELS[0], label="Image-text model", elem_id="seg-model", filterable=False
    )
    holder["model_note"] = View("note", model_note(MODELS[0]), elem_id="seg-model-note", label="About the model")
    _place_regions(holder)
    _place_other(holder)
    _place_naming(holder)
    _place_vocabulary(holder)


def export_buttons() -> dict[str, Any]:
    """What the room of the exports shows before anything was saved."""
    return {"kinds": [{"name": name, "title": title, "line": line} for name, title, line in EXPORTS]}


def _place_files(holder: dict[str, Any]) -> None:
    """What can be taken along, and the same from code."""
    with gr.Tabs(elem_classes="inner-tabs", elem_id="seg-more"):
        with gr.Tab("Save", id="save"):
            holder["exports"] = View("segment_exports", export_buttons(), elem_id="seg-exports", label="Files")
        with gr.Tab("As a picture", id="picture"):
            holder["overlay"] = gr.Image(
                label="Overlay", show_label=False, interactive=False, type="filepath", elem_id="seg-overlay",
                buttons=["download", "fullscreen"], alt_text="The picture with its regions",
            )  # fmt: skip
            holder["label_map"] = gr.File(label="Label map", interactive=False, elem_id="seg-label-map")
        with gr.Tab("From code", id="code"):
            holder["python"] = gr.Code(label="Python", language="python", interactive=False, elem_id="seg-python")
            holder["curl"] = gr.Code(label="curl", language="shell", interactive=False, elem_id="seg-curl")
            holder["json"] = View("segment_json", None, elem_id="seg-json", label="Regions", is_api=True)


def _place_right(holder: dict[str, Any]) -> None:
    with gr.Row(elem_classes="progress"):
        holder["line"] = View("status", status("idle"), elem_id="seg-status", label="Progress")
        holder["stop"] = gr.Button("Cancel", variant="stop", elem_classes="cancel-button", elem_id="seg-stop")
    with gr.Column(elem_classes="seg-one-picture"):
        holder["stage"] = Workbench(elem_id="seg-stage")
        holder["found"] = View("segment_found", None, elem_id="seg-found", label="Found by a click")
        _place_files(holder)
    with gr.Column(elem_classes="seg-many-pictures"):
        holder["table"] = View("segment_table", None, elem_id="seg-table", label="Answers", is_api=True)
        holder["zip"] = gr.DownloadButton("Download everything as ZIP", elem_id="seg-zip")


def _place_unseen(holder: dict[str, Any]) -> None:
    """Arguments of an endpoint that has no field on the page: there one clicks into the picture."""
    holder["ask_click"] = gr.Button(visible=False)
    holder["points"] = gr.JSON(label="points", visible=False)
    holder["box"] = gr.JSON(label="box", visible=False)
    holder["candidates"] = gr.JSON(label="candidates", visible=False)


def place() -> Parts:
    """Place every component; inputs left, the picture right."""
    holder: dict[str, Any] = {name: gr.State(None, time_to_live=3600) for name in ("shown", "edits", "clicked")}
    with gr.Row(elem_classes="job two-columns", elem_id="seg-job"):
        with gr.Column(scale=4, min_width=300):
            _place_left(holder)
        with gr.Column(scale=8, min_width=300):
            _place_right(holder)
    _place_unseen(holder)
    inputs = Inputs(**{name: holder.pop(name) for name in Inputs.__dataclass_fields__})
    return Parts(inputs=inputs, **holder)
