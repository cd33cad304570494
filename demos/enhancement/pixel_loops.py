"""The loops over every pixel of a photo (numba): one pass each, where NumPy would write a dozen arrays.

``lift`` is :func:`demos.enhancement.light_map.enhanced` and ``tally`` :func:`demos.enhancement.measures.tones_of`, with
their formulas; the tests hold them against NumPy. On 12 megapixels they take 0.3 and 0.1 CPU seconds, and everything
from JPEG to JPEG 1.7 in place of 4.1. They let go of Python's lock: two bands, or measure and encoder, run at once.

Importing this module imports numba; the loops are compiled at their first use and kept. Callers do it in functions.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from core.light_net import LEAST_MAP, MOST_MAP

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]
_LEAST: Any = np.float32(LEAST_MAP)
_MOST: Any = np.float32(MOST_MAP)
# Of single precision and not to be told from a Python float by mypy: a double would make the loops slower.
_HALF: Any = np.float32(0.5)
_ONE: Any = np.float32(1)
_TWO: Any = np.float32(2)
_THREE: Any = np.float32(3)


def _compiled(function: Any) -> Any:
    return numba.njit(cache=True, nogil=True)(function)


@_compiled
def _step(value: Any, low: Any, high: Any) -> Any:
    """0 below ``low``, 1 above ``high``, a cubic between."""
    share = min(max((value - low) / (high - low), np.float32(0)), _ONE)
    return share * share * (_THREE - _TWO * share)


@_compiled
def _luma(values: Any, y: int, x: int, weights: Floats) -> Any:
    if values.shape[2] == 1:
        return np.float32(values[y, x, 0]) * weights[3]
    return (
        np.float32(values[y, x, 0]) * weights[0]
        + np.float32(values[y, x, 1]) * weights[1]
        + np.float32(values[y, x, 2]) * weights[2]
    )


@_compiled
def lift(
    values: Any, out: Any, weights: Floats, lines: Floats, left: Ints, right: Ints, share: Floats, settings: Floats
) -> None:
    """Divide a band of a photo by its light.

    Args:
        values: (h, W, C) uint8 or uint16, C 1 or 3.
        out: Of the same shape and kind; written.
        weights: (4,), of R, G, B and of grey in the luma of values.
        lines: (2, h, w), slope and offset of the light in each row, at the small map's columns; w 0 for a curve.
        left: (W,) column of the small map left of each pixel.
        right: (W,) the column right of it.
        share: (W,) of the right one.
        settings: (9,) power of the curve, strength, protection of highlights and of shadows, the lumas between which
            each sets in, and the greatest value.
    """
    height, width, channels = values.shape
    power, strength, highlights, shadows = settings[0], settings[1], settings[2], settings[3]
    top, is_curve = settings[8], lines.shape[2] == 0
    for y in range(height):
        for x in range(width):
            luma = _luma(values, y, x, weights)
            if is_curve:
                light = np.float32(max(luma, np.float32(1e-3)) ** power)
            else:
                a, b = lines[0, y, left[x]], lines[1, y, left[x]]
                a += (lines[0, y, right[x]] - a) * share[x]
                b += (lines[1, y, right[x]] - b) * share[x]
                light = a * luma + b
            light = min(max(light, _LEAST), _MOST)
            held = strength
            if highlights > 0:
                held *= _ONE - highlights * _step(luma, settings[4], settings[5])
            if shadows > 0:
                held *= _ONE - shadows * (_ONE - _step(luma, settings[6], settings[7]))
            gain = _ONE / light if held == _ONE else np.exp(-held * np.log(light))
            for c in range(channels):
                out[y, x, c] = np.rint(min(np.float32(values[y, x, c]) * gain, top))


@_compiled
def tally(values: Any, weights: Floats, histogram: NDArray[np.int64], top: int) -> tuple[float, int, int]:
    """Count a band of a photo.

    Args:
        values: (h, W, C) uint8 or uint16, C 1 or 3.
        weights: As in :func:`lift`.
        histogram: (bins,), pixels by luma; added to.
        top: The greatest value.

    Returns:
        Sum of the luma, pixels with a channel at ``top``, pixels with all channels at 0.
    """
    height, width, channels = values.shape
    last = np.float32(len(histogram) - 1)
    total, high, low = 0.0, 0, 0
    for y in range(height):
        for x in range(width):
            luma = _luma(values, y, x, weights)
            histogram[min(int(luma * last + _HALF), len(histogram) - 1)] += 1
            total += luma
            most = 0
            for c in range(channels):
                most = max(most, int(values[y, x, c]))
            high += most == top
            low += most == 0
    return total, high, low
