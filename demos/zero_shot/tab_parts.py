"""The components of the zero-shot tab and where they stand; events are in tab.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.catalog import by_task
from core.images import read_image
from demos.base import status
from demos.forms import Fields
from demos.views import LabelBars, View
from demos.widgets import PictureInput, model_choices, model_note, thumbnail
from demos.zero_shot.samples import samples

MODELS = tuple(row.name for row in by_task("image-text"))
GENERATORS = tuple(row.name for task in ("text-diffusion", "latent-diffusion") for row in by_task(task))
DEFAULT_LABELS = "dog\ncat\nbird\nperson\ncar\nbuilding\nflower\nfood"
MAX_CLASSES = 5
METHOD_CHOICES = [
    ("By name", "names"),
    ("By description", "descriptions"),
    ("By example pictures", "examples"),
    ("By diffusion", "diffusion"),
]
TEMPLATE_CHOICES = [
    ("The bare word", "plain"),
    ("A photo of it", "photo"),
    ("7 best sentences", "seven"),
    ("80 sentences", "eighty"),
    ("My own", "own"),
]
SCORE_CHOICES = [("Best cosine", "cosine"), ("MCM (softmax of cosines)", "mcm")]
DEFAULT_THRESHOLD = 0.2
HEAT_NOTE = {"lines": ["After an answer you see here where its label was found."]}


@dataclass(frozen=True)
class Inputs(Fields):
    """What a visitor sets; the order is that of the endpoint's arguments after the picture."""

    labels: gr.Textbox
    model: gr.Dropdown
    method: gr.Radio
    templates: gr.Radio
    own_templates: gr.Textbox
    is_multi_label: gr.Checkbox
    none_of_these: gr.Checkbox
    none_score: gr.Radio
    none_below: gr.Slider
    hubness: gr.Checkbox
    descriptors: gr.Textbox
    generator: gr.Dropdown


@dataclass(frozen=True)
class Parts:
    """Every component that an event touches."""

    picture: PictureInput
    files: gr.File
    samples: View
    inputs: Inputs
    model_note: View
    fill_descriptors: gr.Button
    class_names: tuple[gr.Textbox, ...]
    class_pictures: tuple[gr.Gallery, ...]
    taught: gr.State
    taught_note: View
    run: gr.Button
    run_many: gr.Button
    stop: gr.Button
    copy_link: gr.Button
    link: View
    line: View
    bars: LabelBars
    details: View
    heat: gr.Image
    heat_note: View
    reasons: View
    curves: View
    histogram: View
    texts: View
    python: gr.Code
    curl: gr.Code
    table: View
    csv: gr.DownloadButton
    json: gr.DownloadButton
    shown: gr.State
    explained: gr.State


def _thumbnails() -> list[dict[str, str]]:
    return [{"title": s.title, "thumb": thumbnail(read_image(s.path).rgb)} for s in samples()]


def _place_pictures() -> dict[str, Any]:
    """One picture, or many; and the examples."""
    with gr.Tabs(elem_id="zs-input", elem_classes="inner-tabs"):
        with gr.Tab("One picture", id="one", elem_id="zs-one"):
            picture = PictureInput(
                label="Picture", sources=["upload", "clipboard", "webcam"], height=300, elem_id="zs-picture",
                buttons=["fullscreen"], placeholder="Drop a picture here\nor click to choose one",
                alt_text="The picture to classify",
            )  # fmt: skip
            examples = View("examples", _thumbnails(), elem_id="zs-samples", label="Examples")
        with gr.Tab("Many pictures", id="many", elem_id="zs-many"):
            files = gr.File(
                label="Pictures or ZIP archives", file_count="multiple", height=240, elem_id="zs-files",
            )  # fmt: skip
    return {"picture": picture, "files": files, "samples": examples}


def _place_wording() -> dict[str, Any]:
    """Method, templates and what else changes the answer."""
    with gr.Accordion("Method and wording", open=False, elem_classes="settings"):
        method = gr.Radio(
            METHOD_CHOICES, value="names", label="Method", elem_id="zs-method",
            info="Descriptions explain the choice; example pictures teach what words cannot.",
        )  # fmt: skip
        generator = gr.Dropdown(
            model_choices(GENERATORS), value=GENERATORS[0], label="Diffusion model", visible=False, filterable=False,
            elem_id="zs-generator",
            info="The first draws words in a blink; the others rank the best five labels anew, minutes each on a CPU.",
        )  # fmt: skip
        templates = gr.Radio(
            TEMPLATE_CHOICES, value="photo", label="Each label is put into", elem_id="zs-templates",
            info="More sentences: steadier, but slower for many labels.",
        )  # fmt: skip
        own = gr.Textbox(
            label="My sentences", value="", lines=3, visible=False, elem_id="zs-own-templates",
            placeholder="a drawing of a {}.", info="One a line, with {} where the label goes.",
        )  # fmt: skip
        multi = gr.Checkbox(label="Several labels may fit", value=False, info="Each label is scored on its own.")
        hubness = gr.Checkbox(
            label="Even out favourite labels", value=True, elem_id="zs-hubness",
            info="Takes off what a label scores on any picture, where the model knows it.",
        )  # fmt: skip
    return {
        "method": method, "generator": generator, "templates": templates, "own_templates": own,
        "is_multi_label": multi, "hubness": hubness,
    }  # fmt: skip


def _place_descriptors() -> tuple[gr.Textbox, gr.Button]:
    """What labels look like, in words that can be edited."""
    with gr.Accordion("Descriptions of the labels", open=False, elem_classes="settings"):
        text = gr.Textbox(
            label="Descriptors", value="", lines=6, elem_id="zs-descriptors",
            placeholder="cat: pointed ears; whiskers; slit pupils",
            info="One label a line, traits parted by semicolons. Labels not listed take those that come with the hub.",
        )  # fmt: skip
        fill = gr.Button("Fill in what the hub knows of my labels", size="sm")
    return text, fill


def _place_classes() -> dict[str, Any]:
    """A few classes, each with pictures of its own."""
    names, pictures = [], []
    with gr.Accordion("Teach by example", open=False, elem_classes="settings", elem_id="zs-teach"):
        gr.Markdown("Drop 1 to 16 pictures a class. The answer comes at once, beside the one by name.")
        with gr.Row(elem_classes="classes"):
            for index in range(MAX_CLASSES):
                with gr.Column(min_width=200, elem_classes="class-slot"):
                    names.append(
                        gr.Textbox(
                            label=f"Class {index + 1}",
                            value="",
                            placeholder="its name",
                            elem_id=f"zs-class-{index + 1}",
                        )  # fmt: skip
                    )
                    pictures.append(
                        gr.Gallery(
                            label=f"Pictures of class {index + 1}",
                            show_label=False,
                            type="filepath",
                            columns=4,
                            height=132,
                            interactive=True,
                            sources=["upload"],
                            buttons=[],
                            elem_id=f"zs-class-{index + 1}-pictures",
                        )  # fmt: skip
                    )
        note = View("note", None, elem_id="zs-taught-note", label="Teaching")
    return {
        "class_names": tuple(names), "class_pictures": tuple(pictures), "taught": gr.State({}), "taught_note": note,
    }  # fmt: skip


def _place_none(holder: dict[str, Any]) -> None:
    """The threshold under which no label fits, over a histogram of scores."""
    holder["none_of_these"] = gr.Checkbox(
        label="Say “none of these” when nothing fits", value=False, elem_id="zs-none",
        info="Labels always share 100 % among them; this asks whether the best one is any good.",
    )  # fmt: skip
    holder["none_score"] = gr.Radio(SCORE_CHOICES, value="cosine", label="Held against the threshold")
    holder["none_below"] = gr.Slider(
        -1, 1, value=DEFAULT_THRESHOLD, step=0.005, label="Threshold", elem_id="zs-threshold",
        info="Higher refuses more pictures.",
    )  # fmt: skip
    holder["histogram"] = View("histogram", None, elem_id="zs-histogram", label="Scores")


def _place_reasons(holder: dict[str, Any]) -> None:
    """Why: where it looked, which traits spoke, what was sent, and the same from code."""
    with gr.Tabs(elem_classes="inner-tabs", elem_id="zs-why"):
        with gr.Tab("Where it looked", id="where"):
            holder["heat_note"] = View("note", HEAT_NOTE, elem_id="zs-heat-note", label="Map")
            holder["heat"] = gr.Image(
                label="Where it looked", show_label=False, interactive=False, height=340, visible=False,
                elem_id="zs-heat", buttons=["download", "fullscreen"], format="jpeg",
                alt_text="Heat map over the picture",
            )  # fmt: skip
        with gr.Tab("Which traits", id="traits"):
            holder["reasons"] = View("reasons", None, elem_id="zs-reasons", label="Traits")
        with gr.Tab("Error curves", id="curves"):
            holder["curves"] = View("curves", None, elem_id="zs-curves", label="Error curves")
        with gr.Tab("None of these", id="none"):
            _place_none(holder)
        with gr.Tab("Texts sent", id="texts"):
            holder["texts"] = View("texts", None, elem_id="zs-texts", label="Texts")
        with gr.Tab("From code", id="code"):
            holder["python"] = gr.Code(label="Python", language="python", interactive=False, elem_id="zs-python")
            holder["curl"] = gr.Code(label="curl", language="shell", interactive=False, elem_id="zs-curl")


def _place_left(holder: dict[str, Any]) -> None:
    holder.update(_place_pictures())
    holder["labels"] = gr.Textbox(
        label="What could it be?", value=DEFAULT_LABELS, lines=5, max_lines=14, elem_id="zs-labels",
        info="One a line or comma separated. Synonyms after an equals sign: dog = puppy, hound",
    )  # fmt: skip
    with gr.Row(elem_classes="actions"):
        holder["run"] = gr.Button(
            "Classify", variant="primary", elem_classes=["run-button", "run-one"], elem_id="zs-run"
        )
        holder["run_many"] = gr.Button(
            "Classify all", variant="primary", elem_classes=["run-button", "run-many"], elem_id="zs-run-many"
        )
        holder["copy_link"] = gr.Button("Copy link", elem_classes="quiet-button", elem_id="zs-copy-link")
    holder["link"] = View("link", None, elem_id="zs-link", label="Link")
    holder["model"] = gr.Dropdown(
        model_choices(MODELS), value=MODELS[0], label="Model", elem_id="zs-model", filterable=False
    )
    holder["model_note"] = View("note", model_note(MODELS[0]), elem_id="zs-model-note", label="About the model")
    holder.update(_place_wording())
    holder["descriptors"], holder["fill_descriptors"] = _place_descriptors()
    holder.update(_place_classes())


def _place_right(holder: dict[str, Any]) -> None:
    with gr.Row(elem_classes="progress"):
        holder["line"] = View("status", status("idle"), elem_id="zs-status", label="Progress")
        holder["stop"] = gr.Button("Cancel", variant="stop", elem_classes="cancel-button", elem_id="zs-stop")
    with gr.Column(elem_classes="answer-one"):
        holder["bars"] = LabelBars(label="Answer", elem_id="zs-bars")
        holder["details"] = View("details", None, elem_id="zs-details", label="Details", is_api=True)
        _place_reasons(holder)
    with gr.Column(elem_classes="answer-many"):
        holder["table"] = View("table", None, elem_id="zs-table", label="Answers", is_api=True)
        with gr.Row():
            holder["csv"] = gr.DownloadButton("Download CSV", interactive=False, elem_id="zs-csv")
            holder["json"] = gr.DownloadButton("Download JSON", interactive=False, elem_id="zs-json")


def place() -> Parts:
    """Place every component; inputs left, answer right."""
    holder: dict[str, Any] = {name: gr.State(None, time_to_live=3600) for name in ("shown", "explained")}
    with gr.Row(elem_classes="job two-columns", elem_id="zs-job"):
        with gr.Column(scale=5, min_width=300):
            _place_left(holder)
        with gr.Column(scale=6, min_width=300):
            _place_right(holder)
    inputs = Inputs(**{name: holder.pop(name) for name in Inputs.__dataclass_fields__})
    return Parts(inputs=inputs, **holder)
