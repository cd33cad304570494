"""What comes back from an enhancement: the file, what was measured before and after, and how it was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demos.enhancement.measures import Tones
from demos.enhancement.options import Method


@dataclass(frozen=True, eq=False)
class Enhancement:
    """An enhanced photo.

    Attributes:
        file: The photo as a file of its own format, metadata kept; the very bytes that came where nothing was done.
        name: A name for it.
        method: Who said where light is missing.
        before: (h, w, 3) uint8 sRGB, a small copy of what came.
        after: The same of what became of it.
        light_map: (h, w) float32, the map at that size; 1 where there is enough light.
        tones_before: Measured on every pixel.
        tones_after: The same afterwards.
        curve: (256, 2), median luma after by luma before.
        light_before: CLIP's opinion: about 0 for backlit, about 1 for well lit; None where no CLIP was asked.
        light_after: The same afterwards.
        noise: Deviation of the noise before, in display light [0, 1].
        is_unchanged: Whether the file is the one that came.
        seconds: Wall time of each stage.
        models: Names of the models that took part.
        notes: Sentences for the visitor.
    """

    file: bytes
    name: str
    method: Method
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    light_map: NDArray[np.float32]
    tones_before: Tones
    tones_after: Tones
    curve: NDArray[np.float64]
    light_before: float | None
    light_after: float | None
    noise: float
    is_unchanged: bool
    seconds: Mapping[str, float]
    models: tuple[str, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The second answer of the endpoint /enhance."""
        return {
            "method": self.method,
            "light_before": _rounded(self.light_before),
            "light_after": _rounded(self.light_after),
            "mean_luma_before": _rounded(self.tones_before.mean_luma),
            "mean_luma_after": _rounded(self.tones_after.mean_luma),
            "clipped_before": _rounded(self.tones_before.clipped),
            "clipped_after": _rounded(self.tones_after.clipped),
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
