"""Sound fields that hand files over as they are: Gradio's own would decode what comes in and convert what goes out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData


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


class SoundOutput(gr.Audio):
    """A sound that goes out as it was written; where FFmpeg is installed, gr.Audio turns 24 bits and floats into 16."""

    def get_block_name(self) -> str:
        """The browser shows it as an audio field."""
        return "audio"

    def postprocess(self, value: str | None) -> FileData | None:  # type: ignore[override]
        """Name the file without opening it."""
        return None if value is None else FileData(path=value, orig_name=Path(value).name)
