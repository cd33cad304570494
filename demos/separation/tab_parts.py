"""The components of the separation tab and where they stand; events are in tab.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from demos.base import status
from demos.separation.options import DEPTHS, SeparateOptions
from demos.separation.samples import samples
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
class SoundUpload:
    """A file that a visitor gave, not yet looked at."""

    path: Path
    name: str


class SoundInput(gr.Audio):
    """A sound field that hands over the file as it came; recordings come as WAV."""

    def get_block_name(self) -> str:
        """The browser shows it as an audio field."""
        return "audio"

    def preprocess(self, payload: Any) -> SoundUpload | None:  # type: ignore[override]
        """Name the file without opening it."""
        if payload is None or not payload.path:
            return None
        return SoundUpload(Path(payload.path), Path(payload.orig_name or payload.path).name)


@dataclass(frozen=True)
class Inputs:
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

    def all(self) -> list[Any]:
        """The components in order."""
        return list(vars(self).values())


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
    stem: gr.Audio
    rest: gr.Audio
    json: gr.JSON
    zip: gr.DownloadButton
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


def place() -> Parts:
    """Place all components."""
    gr.Markdown("Name a sound, hear it alone. Several names give several sounds; what is left is a track of its own.")
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            sound = SoundInput(
                label="Sound", sources=["upload", "microphone"], type="filepath", elem_id="separation-sound"
            )
            chosen = gr.Radio([s.name for s in samples()], label="Or take one of these", value=None)
            query = gr.Textbox(
                DEFAULT_QUERY,
                label="What to hear",
                lines=2,
                max_lines=6,
                info="One a line or comma separated, up to 6.",
            )
            mode = gr.Radio(MODE_WORDS, value=USUAL.mode, label="And then")
            with gr.Row():
                run = gr.Button("Separate", variant="primary", elem_id="separation-run")
                stop = gr.Button("Cancel", elem_id="separation-stop")
            line = View("status", status("idle"), elem_id="separation-status")
            with gr.Accordion("A video, or a picture as the query", open=False):
                video = gr.File(label="Video: its sound is taken apart", file_types=["video", "audio"])
                picture = PictureInput(label="Picture of what to hear, in place of words", type="filepath")
            options = _place_options()
        with gr.Column(scale=3, min_width=320):
            strength = gr.Slider(0.25, 4, USUAL.strength, step=0.05, label="Strength", info="More: less leaks in.")
            softness = gr.Slider(0.05, 4, USUAL.softness, step=0.05, label="Softness", info="Less: harder edges.")
            tracks = Tracks(elem_id="separation-tracks")
            with gr.Accordion("Files", open=False):
                stem = gr.Audio(label="The sound asked for", type="filepath", interactive=False)
                rest = gr.Audio(label="The rest", type="filepath", interactive=False)
                zipped = gr.DownloadButton("All as ZIP", elem_id="separation-zip")
                told = gr.JSON(label="Answer")
    inputs = Inputs(query=query, mode=mode, strength=strength, softness=softness, **options)
    kept = {"shown": gr.State(None, time_to_live=KEPT_S), "sample": gr.State(None)}
    return Parts(sound, video, picture, chosen, inputs, run, stop, line, tracks, stem, rest, told, zipped, **kept)
