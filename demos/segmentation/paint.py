"""An answer drawn over its picture: colours of labels, outlines of regions, guesses in grey."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from demos.segmentation.answers import Segmentation

GUESS_RGB = (200, 200, 200)
OPACITY = 0.5
_BAND_PIXELS = 1 << 20  # painted at a time: a large picture is never held as floats


def overlay(
    rgb: NDArray[np.uint8],
    answer: Segmentation,
    *,
    opacity: float = OPACITY,
    outlines: bool = True,
    hidden: Collection[int] = (),
) -> NDArray[np.uint8]:
    """Lay the labels' colours over a picture.

    Args:
        rgb: (H, W, 3) uint8.
        answer: Of the same size.
        opacity: Share of the colour, in [0, 1].
        outlines: Whether borders of regions are drawn in full colour, two pixels wide at 1,000 pixels a side.
        hidden: Indices of labels that are not shown.

    Returns:
        (H, W, 3) uint8; "other" keeps the picture as it is.

    Raises:
        ValueError: the sizes differ.
    """
    if rgb.shape[:2] != answer.size_hw:
        raise ValueError(f"the answer is {answer.size_hw}, the picture {rgb.shape[:2]}")
    of_region = np.zeros((len(answer.regions) + 1, 3), np.float32)
    is_shown = np.zeros(len(answer.regions) + 1, bool)
    for region in answer.regions:
        if region.label_index and region.label_index not in hidden:
            of_region[region.id] = answer.labels[region.label_index].colour_rgb
            is_shown[region.id] = True
        elif region.id in answer.guesses:
            of_region[region.id] = GUESS_RGB
            is_shown[region.id] = True
    out = rgb.copy()
    step = max(1, _BAND_PIXELS // rgb.shape[1])
    width_px = max(1, round(max(rgb.shape[:2]) / 500))
    for start in range(0, rgb.shape[0], step):
        rows = slice(start, start + step)
        ids = answer.region_map[rows]
        share = opacity * is_shown[ids].astype(np.float32)
        if outlines:
            share = np.where(_is_border(answer.region_map, rows, width_px) & is_shown[ids], 1.0, share)
        share = share[..., None]
        out[rows] = np.rint(rgb[rows] * (1 - share) + of_region[ids] * share).astype(np.uint8)
    return out


def _is_border(ids: NDArray[np.int32], rows: slice, width_px: int) -> NDArray[np.bool_]:
    """Whether another region lies up to ``width_px`` above, below, left or right of a pixel, for some rows."""
    height, width = ids.shape
    down = np.arange(*rows.indices(height))
    here = ids[rows]
    found = np.zeros(here.shape, bool)
    across = np.arange(width)
    for shift in (-width_px, width_px):
        found |= ids[np.clip(down + shift, 0, height - 1)] != here
        found |= here[:, np.clip(across + shift, 0, width - 1)] != here
    return found
