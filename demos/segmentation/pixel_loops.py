"""The loops over every pixel that a new label or threshold needs (numba): one pass, where NumPy writes a dozen maps.

``name_pixels`` draws word maps out and decides in the same breath, so that no map is ever held at the picture's size;
``number_pieces`` finds connected pixels of one value. The tests hold both against NumPy and SciPy.

Importing this module imports numba; the loops are compiled at their first use and kept. Callers do it in functions.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]
# Of single precision and not to be told from a Python float by mypy: a double would make the loops slower.
_ZERO: Any = np.float32(0)
_ONE: Any = np.float32(1)
_BYTE: Any = np.float32(1 / 255)


def _compiled(function: Any) -> Any:
    return numba.njit(cache=True, nogil=True)(function)


@_compiled
def _between(rows: Floats, low: int, share: Any, out: Floats) -> None:
    """A row between two rows, linearly; (h, n) -> (n,)."""
    high = min(low + 1, rows.shape[0] - 1)
    for n in range(rows.shape[1]):
        out[n] = rows[low, n] + share * (rows[high, n] - rows[low, n])


@_compiled
def _drawn(at: Floats, red: Any, green: Any, blue: Any, count: int, out: Floats) -> None:
    """The maps at one pixel, from slopes and offset or from the maps themselves; (4 K,) or (K,) -> (K,) in [0, 1]."""
    if len(at) == count:
        for k in range(count):
            out[k] = min(max(at[k], _ZERO), _ONE)
    else:
        for k in range(count):
            value = at[3 * count + k] + at[k] * red + at[count + k] * green + at[2 * count + k] * blue
            out[k] = min(max(value, _ZERO), _ONE)


@_compiled
def _name(found: Floats, thresholds: Floats, margin: Any) -> int:
    """As :func:`demos.segmentation.scores.named`, for one pixel: the words, then "other"; position + 1, or 0."""
    best, second = 0, -_ONE
    for k in range(1, len(thresholds)):
        if found[k] > found[best]:
            second, best = found[best], k
        elif found[k] > second:
            second = found[k]
    top = found[best]
    if top < thresholds[best] or top <= found[len(thresholds)]:
        return 0
    if margin > _ZERO and len(thresholds) > 1 and top - second < margin:
        return 0
    return best + 1


@_compiled
def name_pixels(
    fields: Floats,
    rgb: NDArray[np.uint8],
    down: tuple[Ints, Floats],
    across: tuple[Ints, Floats],
    thresholds: Floats,
    margin: Any,
    out: NDArray[np.uint8],
) -> None:
    """Draw maps out between four neighbours and name every pixel.

    Args:
        fields: (h, w, n) float32; n = K maps, or n = 4 K slopes for red, green and blue, then offsets. The last of
            the K maps is "other".
        rgb: (H, W, 3) uint8.
        down: (H,) first of the two rows that a pixel lies between, and (H,) share of the second.
        across: The same for columns, (W,) each.
        thresholds: (K - 1,) of the words.
        margin: Least lead over the second word.
        out: (H, W) uint8, position of the word + 1 or 0 for "other"; written.
    """
    count = len(thresholds) + 1
    rows = fields.reshape(fields.shape[0], fields.shape[1] * fields.shape[2])
    line = np.empty(rows.shape[1], np.float32)
    columns = line.reshape(fields.shape[1], fields.shape[2])
    at, found = np.empty(fields.shape[2], np.float32), np.empty(count, np.float32)
    for y in range(out.shape[0]):
        _between(rows, down[0][y], down[1][y], line)
        for x in range(out.shape[1]):
            _between(columns, across[0][x], across[1][x], at)
            red, green, blue = rgb[y, x, 0] * _BYTE, rgb[y, x, 1] * _BYTE, rgb[y, x, 2] * _BYTE
            _drawn(at, red, green, blue, count, found)
            out[y, x] = _name(found, thresholds, margin)


@_compiled
def _root(parents: NDArray[np.int32], at: int) -> int:
    while parents[at] != at:
        parents[at] = parents[parents[at]]
        at = parents[at]
    return at


@_compiled
def number_pieces(values: NDArray[np.uint8], out: NDArray[np.int32]) -> int:
    """Number the pieces of a map: pixels of one value that are connected along rows and columns.

    Two passes with a forest of provisional numbers (Rosenfeld and Pfaltz 1966, Sequential Operations in Digital
    Picture Processing, JACM 13(4)).

    Args:
        values: (H, W) uint8.
        out: (H, W) int32, from 0 in the order of the pieces' first pixels; written.

    Returns:
        How many there are.
    """
    height, width = values.shape
    parents = np.empty(height * width, np.int32)
    count = 0
    for y in range(height):
        for x in range(width):
            is_left = x > 0 and values[y, x - 1] == values[y, x]
            is_above = y > 0 and values[y - 1, x] == values[y, x]
            if is_left and is_above:
                first, second = _root(parents, out[y, x - 1]), _root(parents, out[y - 1, x])
                parents[max(first, second)] = min(first, second)
                out[y, x] = min(first, second)
            elif is_left:
                out[y, x] = out[y, x - 1]
            elif is_above:
                out[y, x] = out[y - 1, x]
            else:
                parents[count] = count
                out[y, x] = count
                count += 1
    pieces = 0
    for n in range(count):  # a root comes before all that hang on it
        if parents[n] == n:
            parents[n] = pieces
            pieces += 1
        else:
            parents[n] = parents[parents[n]]
    for y in range(height):
        for x in range(width):
            out[y, x] = parents[out[y, x]]
    return pieces
