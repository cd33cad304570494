"""Page elements that more than one tab uses: the picture field, the model picker, example thumbnails."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from core.catalog import spec
from core.errors import InputError
from core.images import Picture, read_image
from core.model_spec import Bundled, ModelSpec
from core.pool import POOL, ModelState

THUMB_PX = 96
_STATE_WORDS = {
    "absent": "not downloaded",
    "downloaded": "on disk",
    "downloading": "downloading",
    "loading": "loading",
    "ready": "in memory",
    "failed": "failed last time",
}


@dataclass(frozen=True)
class Upload:
    """A file that a visitor gave, not yet looked at: where it lies (or its content) and what the visitor calls it."""

    source: Path | bytes
    name: str

    def read(self) -> Picture:
        """Decode it; InputError says what is wrong with it."""
        return read_image(self.source, name=self.name)


class PictureInput(gr.Image):
    """A picture field that hands over the file as it came; gr.Image would decode it before any check of its size."""

    def get_block_name(self) -> str:
        """The browser shows it as an image field."""
        return "image"

    def preprocess(self, payload: Any) -> Upload | None:  # type: ignore[override]
        """Name the file without opening it.

        Raises:
            gr.Error: the request holds neither a file nor a data: address.
        """
        if payload is None:
            return None
        name = Path(payload.orig_name or "").name
        if payload.url and payload.url.startswith("data:"):
            return Upload(_from_data_url(payload.url), name or "picture")
        if payload.path:
            return Upload(Path(payload.path), name or Path(payload.path).name)
        raise gr.Error("The request holds no picture.", print_exception=False)


def _from_data_url(url: str) -> bytes:
    """The bytes behind ``data:image/png;base64,...``."""
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except binascii.Error as error:
        raise gr.Error("The picture in the request is not valid base64.", print_exception=False) from error


def require_picture(upload: Upload | None) -> Upload:
    """The upload, or a sentence that there is none.

    Raises:
        InputError: the field is empty.
    """
    if upload is None:
        raise InputError("There is no picture yet: drop one, paste one, or take one of the examples.")
    return upload


def size_words(row: ModelSpec) -> str:
    """How much must be fetched: "605 MB", or "comes with the hub"."""
    if any(isinstance(source, Bundled) for source in row.sources):
        return "comes with the hub"
    return f"{row.download_mb / 1000:.1f} GB" if row.download_mb >= 1000 else f"{row.download_mb:.0f} MB"


def state_words(state: ModelState) -> str:
    """The state of a model in words."""
    if state.state == "downloading" and state.fraction is not None:
        return f"downloading, {100 * state.fraction:.0f} %"
    return _STATE_WORDS[state.state]


def model_choices(names: Sequence[str]) -> list[tuple[str, str]]:
    """Entries of a model picker: title, size, licence and state, and the name that stands for them."""
    states = {state.name: state for state in POOL.states()}
    choices = []
    for name in names:
        row = spec(name)
        licence = f"{row.licence}, non-commercial" if row.is_non_commercial else row.licence
        words = f"{row.title} · {size_words(row)} · {licence} · {state_words(states[name])}"
        choices.append((words, name))
    return choices


def model_note(name: str) -> dict[str, Any]:
    """What the note under a model picker says."""
    row = spec(name)
    warn = f"Its licence, {row.licence}, allows no commercial use." if row.is_non_commercial else ""
    return {"lines": [row.note], "warn": warn}


def thumbnail(rgb: NDArray[np.uint8]) -> str:
    """A small square of a picture (H, W, 3) as a data: address, so that a page of examples needs no further request."""
    from PIL import Image

    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(rgb[top : top + side, left : left + side]).resize((THUMB_PX, THUMB_PX))
    buffer = io.BytesIO()
    square.save(buffer, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def shrink(rgb: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    """A picture (H, W, 3) whose longer side is at most ``longest_px``."""
    from PIL import Image

    height, width = rgb.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1:
        return rgb
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(rgb).resize(size_wh, Image.Resampling.LANCZOS))
