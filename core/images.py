"""Reading pictures of strangers: any file becomes upright 8-bit sRGB, or one sentence that says why not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAX_PIXELS = 64_000_000  # 192 MB as RGB; a phone's 50-megapixel photo fits
FORMATS = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF")


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as everything else expects it.

    Attributes:
        rgb: (H, W, 3) uint8, upright, sRGB, opaque.
        name: File name without its folder, or what the caller called it.
        notes: Sentences about what was done to it: turned upright, laid on white, first frame of many, ...
    """

    rgb: NDArray[np.uint8]
    name: str = ""
    notes: tuple[str, ...] = ()


def read_image(source: Path | bytes, *, name: str = "") -> Picture:
    """Read one picture.

    Raises:
        InputError: the file is empty, damaged, no picture, too large, or of a format that is not read.
    """
    raise NotImplementedError
