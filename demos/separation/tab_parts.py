"""The components of the separation tab and where they stand; events are in tab.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from demos.base import status
from demos.forms import Fields
from demos.separation.options import DEPTHS, SeparateOptions
from demos.separation.samples import samples
from demos.separation.tab_fields import SoundInput, SoundOutput
from demos.separation.tab_view import Tracks
from demos.views import View
from demos.widgets import PictureInput

MODEL = "pocket-sep"
JUDGE = "clap-htsat-unfused"
USUAL = SeparateOptions()
DEFAULT_QUERY = "flute"
MODE_WORDS = [("Hear it alone", "keep"), ("Hear everything but it", "remove")]
ABOVE_WORDS = [("As just below", "hold"), ("Let through", "pass"), ("Silence", "mute")]
DEPTH_WORDS = [(f"{depth} bit" if depth != "float" else "32 bit float", depth) for depth in DEPTHS]
KEPT_S = 3_600.0  # how long an answer is kept for the sliders


@dataclass(frozen=True)
class Inputs(Fields):
    """What a visitor sets; the order is that of the endpoint's arguments after the sound."""

    query: gr.Textbox
    negative: gr.Textbox
    negative_weight: gr.Slider
    nearest_label: gr.Checkbox
    strength: gr.Slider
    softness: gr.Slider
    above: gr.Radio
    mode: gr.Radio
    depth: gr.Radio
    is_judged: gr.Checkbox


@dataclass(frozen=True)
class Parts:
    """Every component that an event touches."""

    sound: SoundInput
    video: gr.File
    picture: PictureInput
    samples: gr.Radio
    inputs: Inputs
    run: gr.Button
    stop: gr.Button
    line: View
    tracks: Tracks
    stem: SoundOutput
    rest: SoundOutput
    json: gr.JSON
    pack: gr.Button
    zip: gr.File
    shown: gr.State
    sample: gr.State


def _place_options() -> dict[str, Any]:
    """The settings, in an accordion."""
    with gr.Accordion("More", open=False):
        negative = gr.Textbox("", label="But not", placeholder="piano", max_lines=1, info="A sound that leaks in.")
        weight = gr.Slider(0, 2, USUAL.negative_weight, step=0.1, label="How much not", info="0: the above is ignored.")
        nearest = gr.Checkbox(
            USUAL.nearest_label, label="Lean on known sounds", info="Helps free descriptions; never touches pictures."
        )
        above = gr.Radio(ABOVE_WORDS, value=USUAL.above, label="Above 8 kHz", info="The model hears up to 8 kHz.")
        is_judged = gr.Checkbox(False, label="Ask CLAP too", info="Ranks the sounds against the words; a 615 MB model.")
        depth = gr.Radio(DEPTH_WORDS, value="24", label="Files", info="WAV at the sound's own rate and channels.")
    return {
        "negative": negative,
        "negative_weight": weight,
        "nearest_label": nearest,
        "above": above,
        "depth": depth,
        "is_judged": is_judged,
    }


def _place_left() -> dict[str, Any]:
    """What comes in."""
    left: dict[str, Any] = {
        "sound": SoundInput(
            label="Sound",
            sources=["upload", "microphone"],
            type="filepath",
            buttons=["download"],
            elem_id="separation-sound",
        ),
        "samples": gr.Radio([s.name for s in samples()], label="Or take one of these", value=None),
        "query": gr.Textbox(
            DEFAULT_QUERY, label="What to hear", lines=2, max_lines=6, info="One a line or comma separated, up to 6."
        ),
        "mode": gr.Radio(MODE_WORDS, value=USUAL.mode, label="And then"),
    }
    with gr.Row(elem_classes="actions"):
        left["run"] = gr.Button("Separate", variant="primary", elem_classes="run-button", elem_id="separation-run")
    with gr.Accordion("A video, or a picture as the query", open=False):
        left["video"] = gr.File(
            label="Video: its sound is taken apart; without words, what is seen is the query",
            file_types=["video", "audio"],
            elem_id="separation-video",
        )
        left["picture"] = PictureInput(label="Picture of what to hear: one query more", type="filepath")
    return {**left, **_place_options()}


def _place_right() -> dict[str, Any]:
    """What comes out."""
    right: dict[str, Any] = {}
    with gr.Row(elem_classes="progress"):
        right["line"] = View("status", status("idle"), elem_id="separation-status", label="Progress")
        right["stop"] = gr.Button("Cancel", variant="stop", elem_classes="cancel-button", elem_id="separation-stop")
    with gr.Row():
        right["strength"] = gr.Slider(
            0.25, 4, USUAL.strength, step=0.05, label="Strength", info="More: less leaks in.", min_width=240
        )
        right["softness"] = gr.Slider(
            0.05, 4, USUAL.softness, step=0.05, label="Softness", info="Less: harder edges.", min_width=240
        )
    right["tracks"] = Tracks(elem_id="separation-tracks")
    with gr.Accordion("Files", open=False):
        right["stem"] = SoundOutput(
            label="The sound asked for", type="filepath", interactive=False, buttons=["download"]
        )
        right["rest"] = SoundOutput(label="The rest", type="filepath", interactive=False, buttons=["download"])
        right["pack"] = gr.Button("All as ZIP", elem_id="separation-pack")
        right["zip"] = gr.File(label="All as ZIP", interactive=False, visible=False, elem_id="separation-zip")
        right["json"] = gr.JSON(label="Answer")
    return right


def place() -> Parts:
    """Place all components; inputs left, sounds right."""
    gr.Markdown("Name a sound, hear it alone. Several names give several sounds; what is left is a track of its own.")
    with gr.Row(elem_classes="job two-columns"):
        with gr.Column(scale=2, min_width=300):
            holder = _place_left()
        with gr.Column(scale=3, min_width=300):
            holder |= _place_right()
    inputs = Inputs(**{name: holder.pop(name) for name in Inputs.__dataclass_fields__})
    holder |= {"shown": gr.State(None, time_to_live=KEPT_S), "sample": gr.State(None)}
    return Parts(inputs=inputs, **holder)
