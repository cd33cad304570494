"""Numbers about light: histogram, what is clipped, mean luma, and the curve from before to after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.light_field import Floats, luma_weights
from demos.enhancement.light_map import BAND_PX, bands

Values = NDArray[Any]
BINS = 256
_LEAST_IN_BIN = 8  # pixels behind a point of the tone curve


@dataclass(frozen=True, eq=False)
class Tones:
    """The light of one photo.

    Attributes:
        histogram: (256,) int64, pixels by luma.
        mean_luma: In [0, 1], display light.
        clipped_high: Pixels with a channel at its greatest value.
        clipped_low: Pixels with all channels at 0.
        pixels: In all.
    """

    histogram: NDArray[np.int64]
    mean_luma: float
    clipped_high: int
    clipped_low: int
    pixels: int

    @property
    def clipped(self) -> float:
        """Share of pixels that are clipped at either end, in [0, 1]."""
        return (self.clipped_high + self.clipped_low) / max(self.pixels, 1)


def tones_of(values: Values) -> Tones:
    """Measure every pixel of (H, W, C) values, band by band."""
    from demos.enhancement.pixel_loops import tally

    height, width = values.shape[:2]
    weights, top = luma_weights(values), int(np.iinfo(values.dtype).max)
    histogram, total, high, low = np.zeros(BINS, np.int64), 0.0, 0, 0
    for rows in bands(height, max(1, BAND_PX // width)):
        found = tally(values[rows], weights, histogram, top)
        total, high, low = total + found[0], high + found[1], low + found[2]
    pixels = height * width
    return Tones(histogram, total / pixels, high, low, pixels)


def tone_curve(before: Floats, after: Floats) -> NDArray[np.float64]:
    """Median luma after by luma before, (256, 2) in [0, 1]: what the enhancement did to each tone.

    Args:
        before: Luma, any shape, in [0, 1].
        after: Luma of the same pixels.

    Returns:
        Rows (before, after); ``after`` is NaN where fewer than eight pixels have that tone.
    """
    index = np.rint(before.ravel() * (BINS - 1)).astype(np.uint8)  # of 8 bits, which a stable sort counts
    order = np.argsort(index, kind="stable")
    counts = np.bincount(index, minlength=BINS)
    ends = np.cumsum(counts)
    values = after.ravel()[order]
    medians = np.full(BINS, np.nan)
    for tone in np.flatnonzero(counts >= _LEAST_IN_BIN):
        medians[tone] = np.median(values[ends[tone] - counts[tone] : ends[tone]])
    return np.stack([np.arange(BINS) / (BINS - 1), medians], axis=1)
