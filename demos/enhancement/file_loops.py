"""The byte loops of PNG and TIFF files (numba): each value depends on the one before it, which NumPy cannot do.

Importing this module imports numba; the loops are compiled at their first use and kept. Callers do it in functions.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
_LZW_CLEAR, _LZW_END = 256, 257


def _compiled(function: Any) -> Any:
    return numba.njit(cache=True, nogil=True)(function)


@_compiled
def undo_png_filters(rows: Bytes, kinds: Bytes, step: int) -> bool:
    """Undo PNG's row filters in place (PNG specification, section 9).

    Args:
        rows: (H, row bytes) uint8, filtered; written.
        kinds: (H,) filter of each row, 0 to 4.
        step: Bytes of a whole pixel.

    Returns:
        Whether all filters were known.
    """
    height, width = rows.shape
    for y in range(height):
        kind = kinds[y]
        if kind > 4:
            return False
        for x in range(width):
            left = int(rows[y, x - step]) if x >= step else 0
            up = int(rows[y - 1, x]) if y > 0 else 0
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) // 2
            elif kind == 4:
                corner = int(rows[y - 1, x - step]) if x >= step and y > 0 else 0
                near_left, near_up = abs(up - corner), abs(left - corner)
                near_corner = abs(left + up - 2 * corner)
                if near_left <= near_up and near_left <= near_corner:
                    guess = left
                elif near_up <= near_corner:
                    guess = up
                else:
                    guess = corner
            else:
                guess = 0
            rows[y, x] = (int(rows[y, x]) + guess) & 255
    return True


@_compiled
def unpack_lzw(packed: Bytes, out: Bytes) -> int:
    """Unpack TIFF's LZW (TIFF 6.0, section 13; codes of 9 to 12 bits, high bit first, early change).

    Args:
        packed: The strip.
        out: uint8, written.

    Returns:
        Bytes written; -1 where the strip is damaged.
    """
    prefix = np.zeros(4096, np.int32)
    suffix = np.zeros(4096, np.uint8)
    length = np.ones(4096, np.int32)
    for code in range(256):
        suffix[code] = code
    free, bits, before, done = 258, 9, -1, 0
    held, held_bits, place = 0, 0, 0
    while done < out.size:
        while held_bits < bits:
            if place >= packed.size:
                return done
            held = ((held << 8) | int(packed[place])) & 0xFFFFFF
            held_bits += 8
            place += 1
        code = (held >> (held_bits - bits)) & ((1 << bits) - 1)
        held_bits -= bits
        if code == _LZW_END:
            return done
        if code == _LZW_CLEAR:
            free, bits, before = 258, 9, -1
            continue
        if before < 0:
            if code > 255:
                return -1
            out[done] = code
            done += 1
            before = code
            continue
        if code > free or free > 4095:
            return -1
        source = code if code < free else before
        size = length[source]
        total = size if code < free else size + 1
        walk = source
        for k in range(size - 1, -1, -1):
            if done + k < out.size:
                out[done + k] = suffix[walk]
            first = suffix[walk]
            walk = prefix[walk]
        if code == free and done + size < out.size:
            out[done + size] = first
        prefix[free], suffix[free], length[free] = before, first, length[before] + 1
        free += 1
        done += total
        if free + 1 >= (1 << bits) and bits < 12:
            bits += 1
        before = code
    return min(done, out.size)
