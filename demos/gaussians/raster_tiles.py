"""Blending the splats of a tile front to back, eight pixels at a time (numba).

A pixel with transmittance T takes w = alpha T of a splat and keeps T (1 - alpha); alpha is cut at 0.99 and skipped
below 1/255, and a splat that would leave less than 1e-4 is not drawn and ends its pixel (3D Gaussian Splatting). An
ended pixel has T = 0 here and what it took is the sum of its w.

A tile is eight pixels wide, so that a row of it is one vector: pixels outside the ellipse fall to the 1/255 cut and
need no mask.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import types

from demos.gaussians.raster_bins import TILE_H, TILE_W
from demos.gaussians.raster_jit import Array, Real, array_of, inlined, loop
from demos.gaussians.raster_lanes import (
    ACROSS,
    ZERO,
    Lanes,
    add,
    ask_for,
    constant_lanes,
    exponent,
    lanes_above,
    load,
    lowest_bit,
    mean_or_inf,
    multiply_add,
    spread,
    spread_at,
    store,
    store_turned,
    store_woven,
    subtract,
    weigh,
)
from demos.gaussians.raster_project import (
    BLUE,
    DEPTH,
    GREEN,
    HALF_X,
    HALF_Y,
    LOG_ALPHA,
    RED,
    ROW,
    SLOPE,
    U_REST,
    V_REST,
    H,
    K,
    U,
    V,
)

BATCH: Final = 32  # splats fetched at once: their rows lie scattered in memory, and waiting overlaps
FEATURE_STEP: Final = 8  # feature channels come in multiples of this: one register each

# Channels of the state of a row of a tile, eight pixels each: T, RGB, depth, sum of w; then the features.
_RED, _GREEN, _BLUE, _DEPTH, _ALPHA, _FEATURES = range(TILE_W, 7 * TILE_W, TILE_W)

_F32, _I64, _I32 = types.float32, types.int64, types.int32


class _Scratch(NamedTuple):
    """What a thread works on, small enough for the first cache (29 KB with 16 features).

    Attributes:
        constants: See raster_lanes.
        batch: BATCH rows of splats.
        firsts: First row of the tile that each reaches.
        lasts: Last row.
        features: BATCH rows of their features, F numbers each.
        state: TILE_H rows of 6 + F channels of eight pixels.
        weights: For every splat of the batch and row of the tile eight w; unset outside the splat's rows.
        givers: For every row of the tile a bit for every splat of the batch with a w above 0.
    """

    constants: Array
    batch: Array
    firsts: Array
    lasts: Array
    features: Array
    state: Array
    weights: Array
    givers: Array


@inlined()
def _scratch(feature_count: int) -> _Scratch:
    """Room for tiles with ``feature_count`` feature channels."""
    kept = BATCH * TILE_H * TILE_W if feature_count else 0
    return _Scratch(
        constant_lanes(),
        np.empty(BATCH * ROW, np.float32),
        np.empty(BATCH, np.int64),
        np.empty(BATCH, np.int64),
        np.empty(BATCH * feature_count, np.float32),
        np.empty(TILE_H * (_FEATURES + feature_count * TILE_W), np.float32),
        np.empty(kept, np.float32),
        np.zeros(TILE_H, np.int64),
    )


@inlined()
def _clear(state: Array, stride: int) -> None:
    """Open every pixel: T = 1, all else 0."""
    state[:] = np.float32(0.0)
    for y in range(TILE_H):
        state[y * stride : y * stride + TILE_W] = np.float32(1.0)


@inlined()
def _fetch(rows: Array, width: int, entries: Array, first: int, count: int, batch: Array) -> None:
    """Copy rows of ``width`` numbers, those that ``count`` entries from ``first`` on name."""
    for j in range(count):
        row = np.int64(entries[first + j]) * width
        for at in range(0, width, TILE_W):
            store(batch, j * width + at, load(rows, row + at))


@inlined()
def _fetch_features(s: _Scratch, features: Array, entries: Array, first: int) -> None:
    """Copy the features of those splats of the batch, entries from ``first`` on, that give something to a pixel."""
    count, givers = len(s.features) // BATCH, np.int64(0)
    for y in range(TILE_H):
        givers |= s.givers[y]
    waiting = givers
    while waiting:
        row = np.int64(entries[first + lowest_bit(waiting)]) * count
        waiting &= waiting - 1
        ask_for(features, row)
        ask_for(features, row + count - 1)  # rows of features seldom begin where a line of the cache does
    while givers:
        j = lowest_bit(givers)
        givers &= givers - 1
        row = np.int64(entries[first + j]) * count
        for at in range(0, count, TILE_W):
            store(s.features, j * count + at, load(features, row + at))


@inlined()
def _ask_for_rows(rows: Array, width: int, entries: Array, first: int, last: int) -> None:
    """Have the rows that entries ``first`` to ``last - 1`` name brought near while other work is done."""
    for entry in range(first, last):
        row = np.int64(entries[entry]) * width
        ask_for(rows, row)
        ask_for(rows, row + width - 1)  # rows of features seldom begin where a line of the cache does


@inlined()
def _open_rows(state: Array, stride: int, constants: Array, upper: Real, lower: Real) -> tuple[Real, Real]:
    """First and last row of a tile that has an open pixel; first > last if none has."""
    zero = load(constants, ZERO)
    while upper <= lower and lanes_above(load(state, np.int64(upper) * stride), zero) == 0:
        upper += np.float32(1.0)
    while upper <= lower and lanes_above(load(state, np.int64(lower) * stride), zero) == 0:
        lower -= np.float32(1.0)
    return upper, lower


@inlined()
def _place(s: _Scratch, count: int, tile_x: Real, tile_y: Real, upper: Real, lower: Real) -> None:
    """Move the batch to the tile: u, v from its first pixel's centre, and the rows that each ellipse reaches in it.

    At dx from the centre the ellipse is 2 sqrt((1 - (dx / half_x)^2) (1 - t^2)) half_y high, around t half_y dx /
    half_x, where t is the correlation of x and y; its highest point is at dx = t half_x.
    """
    one, slack = np.float32(1.0), np.float32(0.01)
    for j in range(count):
        g = j * ROW
        u = (s.batch[g + U] - tile_x) + s.batch[g + U_REST]
        v = (s.batch[g + V] - tile_y) + s.batch[g + V_REST]
        s.batch[g + U], s.batch[g + V] = u, v
        half_y, inverse = s.batch[g + HALF_Y], one / s.batch[g + HALF_X]
        t = s.batch[g + SLOPE] * half_y * inverse
        left, right = max(-u * inverse, -one), min((np.float32(TILE_W - 1) - u) * inverse, one)
        low, high = min(max(t, left), right), min(max(-t, left), right)
        rest = one - t * t
        below = v + half_y * (t * low + math.sqrt(max((one - low * low) * rest, np.float32(0.0)))) + slack
        above = v + half_y * (t * high - math.sqrt(max((one - high * high) * rest, np.float32(0.0)))) - slack
        s.firsts[j] = np.int64(max(np.float32(math.ceil(above)), upper))
        s.lasts[j] = np.int64(np.float32(math.floor(min(below, lower))))


@inlined()
def _weigh_row(s: _Scratch, g: int, y: int, dy: Real) -> Lanes:
    """What row ``y`` of a tile takes of the splat at ``batch[g]``, ``dy`` pixels below its centre."""
    batch, at = s.batch, y * (len(s.state) // TILE_H)
    centre, base = batch[g + U] + batch[g + SLOPE] * dy, batch[g + LOG_ALPHA] - batch[g + H] * dy * dy
    across, k = load(s.constants, ACROSS), spread_at(batch, g + K)
    w, after = weigh(exponent(across, spread(centre), k, spread(base)), load(s.state, at), s.constants)
    store(s.state, at, after)
    return w


@inlined()
def _blend(s: _Scratch, j: int) -> None:
    """Blend RGB, depth and w of a splat of the batch into its rows of the tile; keep its w for the features."""
    batch, state, g = s.batch, s.state, j * ROW
    has_features, stride = len(s.features) > 0, len(s.state) // TILE_H
    first, last = max(s.firsts[j], 0), s.lasts[j]
    red, green, blue = spread_at(batch, g + RED), spread_at(batch, g + GREEN), spread_at(batch, g + BLUE)
    depth, zero = spread_at(batch, g + DEPTH), load(s.constants, ZERO)
    dy = np.float32(first) - batch[g + V]
    for y in range(first, last + 1):
        w, at = _weigh_row(s, g, y, dy), y * stride
        dy += np.float32(1.0)
        store(state, at + _RED, multiply_add(w, red, load(state, at + _RED)))
        store(state, at + _GREEN, multiply_add(w, green, load(state, at + _GREEN)))
        store(state, at + _BLUE, multiply_add(w, blue, load(state, at + _BLUE)))
        store(state, at + _DEPTH, multiply_add(w, depth, load(state, at + _DEPTH)))
        store(state, at + _ALPHA, add(w, load(state, at + _ALPHA)))
        if has_features:
            store(s.weights, (j * TILE_H + y) * TILE_W, w)
            s.givers[y] |= np.int64(lanes_above(w, zero) != 0) << j


@inlined()
def _blend_features(s: _Scratch) -> None:
    """Blend the features of those splats of the batch that give something, eight channels in registers at a time."""
    f, state, stride, feature_count = s.features, s.state, len(s.state) // TILE_H, len(s.features) // BATCH
    for y in range(TILE_H):
        for channel in range(0, feature_count, FEATURE_STEP):
            at = y * stride + _FEATURES + channel * TILE_W
            f0, f1, f2, f3 = load(state, at), load(state, at + 8), load(state, at + 16), load(state, at + 24)
            f4, f5, f6, f7 = load(state, at + 32), load(state, at + 40), load(state, at + 48), load(state, at + 56)
            givers = s.givers[y]
            while givers:
                j = lowest_bit(givers)
                givers &= givers - 1
                w, c = load(s.weights, (j * TILE_H + y) * TILE_W), j * feature_count + channel
                f0, f1 = multiply_add(w, spread_at(f, c), f0), multiply_add(w, spread_at(f, c + 1), f1)
                f2, f3 = multiply_add(w, spread_at(f, c + 2), f2), multiply_add(w, spread_at(f, c + 3), f3)
                f4, f5 = multiply_add(w, spread_at(f, c + 4), f4), multiply_add(w, spread_at(f, c + 5), f5)
                f6, f7 = multiply_add(w, spread_at(f, c + 6), f6), multiply_add(w, spread_at(f, c + 7), f7)
            store(state, at, f0)
            store(state, at + 8, f1)
            store(state, at + 16, f2)
            store(state, at + 24, f3)
            store(state, at + 32, f4)
            store(state, at + 40, f5)
            store(state, at + 48, f6)
            store(state, at + 56, f7)
        s.givers[y] = 0


@inlined()
def _hand_over(
    s: _Scratch, left: int, top: int, behind: Array, rgb: Array, alpha: Array, depth: Array, feature_map: Array
) -> None:
    """Copy a finished tile into the picture; at its right edge by way of the rows' own place in the state."""
    height, width, feature_count = feature_map.shape
    state, stride, flat = s.state, len(s.state) // TILE_H, feature_map.reshape(height * width * feature_count)
    flat_rgb = rgb.reshape(height * width * 3)
    one, count = spread(np.float32(1.0)), min(TILE_W, width - left)
    is_whole = count == TILE_W and stride == _FEATURES + feature_count * TILE_W
    for y in range(min(TILE_H, height - top)):
        at, pixel = y * stride, (top + y) * width + left
        total = load(state, at + _ALPHA)
        rest = subtract(one, total)
        red = multiply_add(rest, spread_at(behind, 0), load(state, at + _RED))
        green = multiply_add(rest, spread_at(behind, 1), load(state, at + _GREEN))
        blue = multiply_add(rest, spread_at(behind, 2), load(state, at + _BLUE))
        distance = mean_or_inf(load(state, at + _DEPTH), total)
        if is_whole:
            store_woven(flat_rgb, pixel * 3, red, green, blue)
            store(alpha, pixel, total)
            store(depth, pixel, distance)
            for channel in range(0, feature_count, FEATURE_STEP):
                source = at + _FEATURES + channel * TILE_W
                store_turned(state, source, flat, pixel * feature_count + channel, feature_count)
        else:
            store(state, at + _RED, red)
            store(state, at + _GREEN, green)
            store(state, at + _BLUE, blue)
            store(state, at + _DEPTH, distance)
            for x in range(count):
                for channel in range(3):
                    rgb[top + y, left + x, channel] = state[at + _RED + channel * TILE_W + x]
                alpha[top + y, left + x], depth[top + y, left + x] = state[at + _ALPHA + x], state[at + _DEPTH + x]
                for channel in range(feature_count):
                    feature_map[top + y, left + x, channel] = state[at + _FEATURES + channel * TILE_W + x]


@loop(
    *(array_of(_F32, 1), array_of(_F32, 1), _I64, array_of(_I32, 1), array_of(_I64, 1), array_of(_I32, 1), _I64),
    *(array_of(_F32, 1), array_of(_F32, 3, written=True), array_of(_F32, 2, written=True)),
    *(array_of(_F32, 2, written=True), array_of(_F32, 3, written=True)),
)
def blend_tiles(
    splats: Array,
    features: Array,
    feature_count: int,
    entries: Array,
    starts: Array,
    tiles: Array,
    columns: int,
    behind: Array,
    rgb: Array,
    alpha: Array,
    depth: Array,
    feature_map: Array,
) -> None:
    """Draw some tiles of a picture.

    Args:
        splats: (N * ROW,) float32.
        features: (N * F,) float32; empty for F = 0.
        feature_count: F, a multiple of FEATURE_STEP.
        entries: int32, splats of every tile, front to back.
        starts: (all tiles + 1,) int64, where in ``entries`` each tile begins.
        tiles: int32, which tiles to draw, counted row by row.
        columns: Tiles in a row of tiles.
        behind: (3,) float32, RGB of the background.
        rgb: (H, W, 3) float32, written.
        alpha: (H, W) float32, written: the sum of w.
        depth: (H, W) float32, written: the mean depth by w, inf where alpha is 0.
        feature_map: (H, W, F') float32 with F' <= F, written.
    """
    height, width = alpha.shape
    s = _scratch(feature_count)
    stride = len(s.state) // TILE_H
    for tile in tiles:
        left, top = tile % columns * TILE_W, tile // columns * TILE_H
        tile_x, tile_y = np.float32(left) + np.float32(0.5), np.float32(top) + np.float32(0.5)
        upper, lower = np.float32(0.0), np.float32(min(TILE_H, height - top) - 1)
        _clear(s.state, stride)
        entry, end = starts[tile], starts[tile + 1]
        while entry < end and upper <= lower:
            count = min(BATCH, end - entry)
            _fetch(splats, ROW, entries, entry, count, s.batch)
            _ask_for_rows(splats, ROW, entries, entry + count, min(entry + count + BATCH, end))
            _place(s, count, tile_x, tile_y, upper, lower)
            for j in range(count):
                _blend(s, j)
            if feature_count:
                _fetch_features(s, features, entries, entry)
                _blend_features(s)
            entry += count
            upper, lower = _open_rows(s.state, stride, s.constants, upper, lower)
        _hand_over(s, left, top, behind, rgb, alpha, depth, feature_map)


@loop(
    *(array_of(_F32, 1), array_of(_I32, 1), array_of(_I64, 1), array_of(_I32, 1), _I64, _I64, _I64, _F32),
    *(array_of(_I64, 1, written=True), array_of(_I32, 1, written=True), array_of(_F32, 1, written=True)),
)
def list_weights(
    splats: Array,
    entries: Array,
    starts: Array,
    tiles: Array,
    columns: int,
    width: int,
    height: int,
    least: float,
    filled: Array,
    owners: Array,
    weights: Array,
) -> None:
    """Count what the pixels of some tiles take of which splat, or write it down.

    Args:
        splats: (N * ROW,) float32.
        entries: int32, splats of every tile, front to back.
        starts: (all tiles + 1,) int64, where in ``entries`` each tile begins.
        tiles: int32, the tiles.
        columns: Tiles in a row of tiles.
        width: Picture width in pixels.
        height: Picture height in pixels.
        least: Only w above this count.
        filled: (H * W,) int64, added to: one for every w. When writing, where each pixel's next w goes.
        owners: int32, written: whose w it is; empty to count only.
        weights: float32, written: w; as long as ``owners``.
    """
    s = _scratch(0)
    local = np.empty(TILE_W, np.float32)
    for tile in tiles:
        left, top = tile % columns * TILE_W, tile // columns * TILE_H
        inside = (1 << min(TILE_W, width - left)) - 1
        upper, lower = np.float32(0.0), np.float32(min(TILE_H, height - top) - 1)
        _clear(s.state, len(s.state) // TILE_H)
        entry, end = starts[tile], starts[tile + 1]
        while entry < end and upper <= lower:
            count = min(BATCH, end - entry)
            _fetch(splats, ROW, entries, entry, count, s.batch)
            _ask_for_rows(splats, ROW, entries, entry + count, min(entry + count + BATCH, end))
            _place(s, count, np.float32(left) + np.float32(0.5), np.float32(top) + np.float32(0.5), upper, lower)
            for j in range(count):
                dy = np.float32(max(s.firsts[j], 0)) - s.batch[j * ROW + V]
                for y in range(max(s.firsts[j], 0), s.lasts[j] + 1):
                    w = _weigh_row(s, j * ROW, y, dy)
                    dy += np.float32(1.0)
                    store(local, 0, w)
                    takers = lanes_above(w, spread(least)) & inside
                    while takers:
                        lane = lowest_bit(takers)
                        takers &= takers - 1
                        pixel = (top + y) * width + left + lane
                        place = filled[pixel]
                        filled[pixel] = place + 1
                        if len(owners):
                            owners[place], weights[place] = entries[entry + j], local[lane]
            entry += count
            upper, lower = _open_rows(s.state, len(s.state) // TILE_H, s.constants, upper, lower)
