"""Which splats touch which tile of the picture: two counting sorts, by row of tiles, then by tile (numba).

Both keep the order by depth. A splat touches a tile if the ellipse of alpha 1/255 crosses a column of its pixels,
seen row of tiles by row of tiles: where the ellipse is widest within the row decides (closed form, two roots).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import types

from demos.gaussians.raster_jit import Array, array_of, inlined, loop
from demos.gaussians.raster_lanes import WIDTH, ask_for
from demos.gaussians.raster_project import (
    FIRST_ROW,
    HALF_X,
    HALF_Y,
    HIDDEN,
    LAST_ROW,
    LOG2_255,
    LOG_ALPHA,
    SLOPE,
    H,
    K,
    U,
    V,
)

TILE_W: Final = WIDTH  # pixels
TILE_H: Final = 16  # pixels; 8 makes more entries, 32 more idle rows
AHEAD: Final = 16  # splats: what lies scattered in memory is asked for this long before it is read
MAX_SIDE_PX: Final = 16_384  # of a picture: rows and columns of tiles are kept in 16 bits

_F32, _I64, _U32, _I32, _I16 = types.float32, types.int64, types.uint32, types.int32, types.int16


@loop(
    *(array_of(_F32, 2), array_of(_U32, 1), _I64, _I64),
    *(array_of(_I64, 1, written=True), array_of(_I64, 1, written=True)),
)
def count_rows(splats: Array, keys: Array, first_row: int, last_row: int, offsets: Array, counts: Array) -> None:
    """Count the rows of tiles that every splat reaches, and the splats of every row of tiles.

    Args:
        splats: (N, ROW) float32.
        keys: (N,) uint32, HIDDEN where there is no splat.
        first_row: First row of tiles that is looked at.
        last_row: One past the last.
        offsets: (N + 1,) int64, written: how many rows the splats before reach together.
        counts: (all rows of tiles + 1,) int64, all 0; written in the rows that are looked at.
    """
    total = 0
    for i in range(len(keys)):
        offsets[i] = total
        if keys[i] != HIDDEN:
            first = max(int(splats[i, FIRST_ROW]) // TILE_H, first_row)
            last = min(int(splats[i, LAST_ROW]) // TILE_H, last_row - 1)
            if first <= last:
                total += last - first + 1
                counts[first] += 1
                counts[last + 1] -= 1
    offsets[len(keys)] = total
    for row in range(first_row, last_row):
        counts[row + 1] += counts[row]
    counts[last_row] = 0


@inlined()
def _tile_span(splat: Array, tile_row: int, columns: int) -> tuple[int, int]:
    """First column of tiles that a splat touches in a row of tiles, and one past the last."""
    u, v, slope, k, h = splat[U], splat[V], splat[SLOPE], splat[K], splat[H]
    half_x, half_y = splat[HALF_X], splat[HALF_Y]
    cut = splat[LOG_ALPHA] + np.float32(LOG2_255)
    upper = max(np.float32(tile_row * TILE_H) + np.float32(0.5) - v, -half_y)
    lower = min(np.float32(tile_row * TILE_H + TILE_H) - np.float32(0.5) - v, half_y)
    tip = slope * half_y * half_y / half_x  # dy of the rightmost point
    dy_right, dy_left = min(max(tip, upper), lower), min(max(-tip, upper), lower)
    right = u + slope * dy_right + math.sqrt(max(cut - h * dy_right * dy_right, np.float32(0.0)) / k)
    left = u + slope * dy_left - math.sqrt(max(cut - h * dy_left * dy_left, np.float32(0.0)) / k)
    # A hundredth of a pixel wider than computed: float32 rounds, and a tile too many costs little.
    first = max(left - np.float32(0.51), np.float32(0.0)) / np.float32(TILE_W)
    last = min(right - np.float32(0.49), np.float32(columns * TILE_W - 1)) / np.float32(TILE_W)
    return int(first), int(math.floor(last)) + 1


@loop(
    *(array_of(_F32, 2), array_of(_I64, 1), _I64, _I64, _I64),
    *(array_of(_I16, 2, written=True), array_of(_I64, 2, written=True)),
)
def span_tiles(
    splats: Array, offsets: Array, first: int, last: int, first_row: int, spans: Array, counts: Array
) -> None:
    """Find and count the tiles of splats ``first`` to ``last - 1``.

    Args:
        splats: (N, ROW) float32.
        offsets: (N + 1,) int64 of :func:`count_rows`.
        first: First splat.
        last: One past the last splat.
        first_row: First row of tiles that is looked at.
        spans: (rows, 4) int16, written where ``offsets`` says: row of tiles, first column, one past the last, 0.
        counts: (all rows of tiles, columns) int64, added to: splats of each tile.
    """
    columns = counts.shape[1]
    for i in range(first, last):
        tile_row = max(int(splats[i, FIRST_ROW]) // TILE_H, first_row) if offsets[i] < offsets[i + 1] else 0
        for at in range(offsets[i], offsets[i + 1]):
            left, right = _tile_span(splats[i], tile_row, columns)
            spans[at, 0], spans[at, 1], spans[at, 2], spans[at, 3] = tile_row, left, right, 0
            for column in range(left, right):
                counts[tile_row, column] += 1
            tile_row += 1


@loop(
    *(array_of(_I32, 1), array_of(_I64, 1), array_of(_I16, 2)),
    *(array_of(_I64, 1, written=True), array_of(_I32, 1, written=True), array_of(_I16, 2, written=True)),
)
def fill_rows(order: Array, offsets: Array, spans: Array, filled: Array, members: Array, reaches: Array) -> None:
    """List the splats of every row of tiles, front to back.

    Args:
        order: (S,) int32, splats front to back.
        offsets: (N + 1,) int64 of :func:`count_rows`.
        spans: (rows, 4) int16 of :func:`span_tiles`.
        filled: (all rows of tiles,) int64, where in ``members`` each row of tiles begins; its end afterwards.
        members: (rows,) int32, written: splats.
        reaches: (rows, 2) int16, written: their first column of tiles in this row, and one past the last.
    """
    last = len(order) - 1
    for s in range(len(order)):
        ask_for(offsets, order[min(s + 2 * AHEAD, last)])
        ask_for(spans, offsets[order[min(s + AHEAD, last)]] * spans.shape[1])
        i = order[s]
        for at in range(offsets[i], offsets[i + 1]):
            tile_row = spans[at, 0]
            place = filled[tile_row]
            filled[tile_row] = place + 1
            members[place] = i
            reaches[place, 0], reaches[place, 1] = spans[at, 1], spans[at, 2]


@loop(
    *(array_of(_I32, 1), array_of(_I16, 2), _I64, _I64, _I64, _I64),
    *(array_of(_I64, 1, written=True), array_of(_I32, 1, written=True)),
)
def fill_tiles(
    members: Array, reaches: Array, first: int, last: int, left: int, right: int, filled: Array, entries: Array
) -> None:
    """List the splats of the tiles ``left`` to ``right - 1`` of one row of tiles, front to back.

    Args:
        members: (rows,) int32 of :func:`fill_rows`.
        reaches: (rows, 2) int16 of :func:`fill_rows`.
        first: First member of this row of tiles.
        last: One past its last member.
        left: First column of tiles.
        right: One past the last column.
        filled: (columns,) int64, where in ``entries`` each tile begins; its end afterwards.
        entries: int32, written: splats.
    """
    for m in range(first, last):
        for column in range(max(reaches[m, 0], left), min(reaches[m, 1], right)):
            place = filled[column]
            entries[place] = members[m]
            filled[column] = place + 1
