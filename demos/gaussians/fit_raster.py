"""The rasteriser run backwards: from the derivative of a loss by the picture to derivatives by splats (numba).

With G = dL/dC of a pixel, d_i = G . c_i and R_i = what of G . C lies behind splat i (background included),

    alpha_i dL/dalpha_i = w_i (d_i - R_i / T_{i+1}),      dL/dc_i = w_i G,      R_i = G . C - sum_{j <= i} w_j d_j.

R starts at G . C of the finished picture and loses w_i d_i from splat to splat, so that one walk front to back, the
very walk of raster_tiles, finds everything; nothing is stored a pixel and splat. From alpha = 2^E (raster_project)
follow sums over the pixels of a splat, weighted with q = ln 2 alpha dL/dalpha:

    q,  q e,  q y,  q e^2,  q e y,  q y^2      with y = pixel - v and e = pixel - u - r y.

Derivatives of a splat are summed tile by tile and tiles are added in a fixed order: equal runs give equal bits. Where
alpha is cut at 0.99 it has no derivative (as in gsplat; 3D Gaussian Splatting lets it pass).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from demos.gaussians.raster_bins import TILE_H, TILE_W
from demos.gaussians.raster_jit import Array, Real, array_of, inlined, loop
from demos.gaussians.raster_lanes import (
    ACROSS,
    GREATEST_ALPHA,
    LANES,
    WIDTH,
    ZERO,
    Lanes,
    add,
    constant_lanes,
    exponent,
    lanes_above,
    load,
    multiply_add,
    spread,
    store,
    subtract,
    weigh,
)
from demos.gaussians.raster_project import (
    BLUE,
    FIRST_ROW,
    GREEN,
    LAST_ROW,
    LOG_ALPHA,
    RED,
    SLOPE,
    U_REST,
    V_REST,
    H,
    K,
    U,
    V,
)

SUMS: Final = 16  # numbers an entry: a line of the processor's cache
Q, Q_E, Q_Y, Q_EE, Q_EY, Q_YY, GIVEN_RED, GIVEN_GREEN, GIVEN_BLUE, TAKEN = range(10)
_LN_2: Final = math.log(2.0)
_BATCH: Final = 32  # splats between two looks whether any pixel is still open

# Channels of a row of a tile, eight pixels each: T, what lies behind, G.
_BEHIND, _G_RED, _G_GREEN, _G_BLUE = range(TILE_W, 5 * TILE_W, TILE_W)
_STRIDE: Final = 5 * TILE_W

_VECTOR: Final = ir.VectorType(ir.FloatType(), WIDTH)
_F32, _I64, _I32 = types.float32, types.int64, types.int32


def _operation(definition: Callable[..., Any]) -> Any:
    """As in raster_lanes: an operation inside loops, from a function that gives its type and its instructions."""
    return intrinsic(definition)


@_operation
def multiply(typing: Any, a: Any, b: Any) -> Any:
    """Return a b."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fmul(*arguments)

    return LANES(LANES, LANES), build


@_operation
def total(typing: Any, a: Any) -> Any:
    """Return the sum of the eight lanes, pairs first."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (value,) = arguments
        whole = ir.IntType(32)
        for step in (4, 2, 1):
            lanes = [(k + step) % WIDTH for k in range(WIDTH)]
            mask = ir.Constant(ir.VectorType(whole, WIDTH), lanes)
            value = builder.fadd(value, builder.shuffle_vector(value, value, mask))
        return builder.extract_element(value, ir.Constant(whole, 0))

    return types.float32(LANES), build


@_operation
def alpha_derivative(typing: Any, w: Any, before: Any, after: Any, own: Any, behind: Any) -> Any:
    """Return ln 2 w (own - behind / after): 0 where there is no w or alpha is cut off."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        w, before, after, own, behind = arguments
        zero = ir.Constant(_VECTOR, [0.0] * WIDTH)
        most = ir.Constant(_VECTOR, [float(np.float32(GREATEST_ALPHA))] * WIDTH)
        scale = ir.Constant(_VECTOR, [float(np.float32(_LN_2))] * WIDTH)
        value = builder.fmul(builder.fmul(scale, w), builder.fsub(own, builder.fdiv(behind, after)))
        is_given = builder.fcmp_ordered(">", w, zero)
        is_free = builder.fcmp_ordered("<", w, builder.fmul(most, before))
        return builder.select(builder.and_(is_given, is_free), value, zero)

    return LANES(LANES, LANES, LANES, LANES, LANES), build


@inlined()
def _open_tile(state: Array, left: int, top: int, given: Array, behind: Array) -> None:
    """Load a tile: T = 1, G and G . C inside the picture, all 0 outside."""
    height, width = behind.shape
    state[:] = np.float32(0.0)
    for y in range(min(TILE_H, height - top)):
        at = y * _STRIDE
        for x in range(min(TILE_W, width - left)):
            state[at + x] = np.float32(1.0)
            state[at + _BEHIND + x] = behind[top + y, left + x]
            state[at + _G_RED + x] = given[top + y, left + x, 0]
            state[at + _G_GREEN + x] = given[top + y, left + x, 1]
            state[at + _G_BLUE + x] = given[top + y, left + x, 2]


@inlined()
def _weigh_row(splat: Array, state: Array, at: int, e: Lanes, dy: Real, constants: Array) -> tuple[Lanes, Lanes]:
    """(w, q) of a row of a tile; T and what lies behind move on to the next splat."""
    base = splat[LOG_ALPHA] - splat[H] * dy * dy
    before, zero = load(state, at), load(constants, ZERO)
    w, after = weigh(exponent(e, zero, spread(splat[K]), spread(base)), before, constants)
    own = multiply(spread(splat[RED]), load(state, at + _G_RED))
    own = multiply_add(spread(splat[GREEN]), load(state, at + _G_GREEN), own)
    own = multiply_add(spread(splat[BLUE]), load(state, at + _G_BLUE), own)
    behind = subtract(load(state, at + _BEHIND), multiply(w, own))
    store(state, at, after)
    store(state, at + _BEHIND, behind)
    return w, alpha_derivative(w, before, after, own, behind)


@inlined()
def _gather(splat: Array, state: Array, tile_x: Real, tile_y: Real, constants: Array, sums: Array) -> None:
    """Walk over the rows of a tile that a splat reaches, and write its sums."""
    u, v = (splat[U] - tile_x) + splat[U_REST], (splat[V] - tile_y) + splat[V_REST]
    top = int(tile_y)
    first: int = max(int(splat[FIRST_ROW]) - top, 0)
    last: int = min(int(splat[LAST_ROW]) - top, TILE_H - 1)
    zero = load(constants, ZERO)
    q_all, q_e, q_y, q_ee, q_ey, q_yy = zero, zero, zero, zero, zero, zero
    red, green, blue, taken = zero, zero, zero, zero
    for y in range(first, last + 1):
        at = y * _STRIDE
        if lanes_above(load(state, at), zero):
            dy = np.float32(y) - v
            e = subtract(load(constants, ACROSS), spread(u + splat[SLOPE] * dy))
            w, q = _weigh_row(splat, state, at, e, dy, constants)
            down, qe = spread(dy), multiply(q, e)
            q_all, q_e, q_y = add(q_all, q), add(q_e, qe), multiply_add(q, down, q_y)
            q_ee, q_ey = multiply_add(qe, e, q_ee), multiply_add(qe, down, q_ey)
            q_yy = multiply_add(multiply(q, down), down, q_yy)
            red = multiply_add(w, load(state, at + _G_RED), red)
            green = multiply_add(w, load(state, at + _G_GREEN), green)
            blue = multiply_add(w, load(state, at + _G_BLUE), blue)
            taken = add(taken, w)
    sums[Q], sums[Q_E], sums[Q_Y] = total(q_all), total(q_e), total(q_y)
    sums[Q_EE], sums[Q_EY], sums[Q_YY] = total(q_ee), total(q_ey), total(q_yy)
    sums[GIVEN_RED], sums[GIVEN_GREEN], sums[GIVEN_BLUE] = total(red), total(green), total(blue)
    sums[TAKEN] = total(taken)


@inlined()
def _is_open(state: Array, constants: Array) -> bool:
    """Whether a pixel of the tile still lets light through."""
    found = np.int64(0)
    for y in range(TILE_H):
        found |= lanes_above(load(state, y * _STRIDE), load(constants, ZERO))
    return found != 0


@loop(
    *(array_of(_F32, 2), array_of(_I32, 1), array_of(_I64, 1), array_of(_I32, 1), _I64),
    *(array_of(_F32, 3), array_of(_F32, 2), array_of(_F32, 2, written=True)),
)
def walk_tiles(
    splats: Array,
    entries: Array,
    starts: Array,
    tiles: Array,
    columns: int,
    given: Array,
    behind: Array,
    sums: Array,
) -> None:
    """Find the sums of every entry of some tiles.

    Args:
        splats: (N, ROW) float32 of raster_project.
        entries: int32, splats of every tile, front to back.
        starts: (all tiles + 1,) int64, where in ``entries`` each tile begins.
        tiles: int32, the tiles.
        columns: Tiles in a row of tiles.
        given: (H, W, 3) float32, G.
        behind: (H, W) float32, G . C of the finished picture.
        sums: (entries, SUMS) float32, all 0; written.
    """
    constants = constant_lanes()
    state = np.empty(TILE_H * _STRIDE, np.float32)
    for tile in tiles:
        left, top = tile % columns * TILE_W, tile // columns * TILE_H
        tile_x, tile_y = np.float32(left) + np.float32(0.5), np.float32(top) + np.float32(0.5)
        _open_tile(state, left, top, given, behind)
        begin, end = starts[tile], starts[tile + 1]
        for entry in range(begin, end):
            if (entry - begin) % _BATCH == _BATCH - 1 and not _is_open(state, constants):
                break
            _gather(splats[entries[entry]], state, tile_x, tile_y, constants, sums[entry])


@loop(array_of(_I32, 1), array_of(_F32, 2), array_of(_F32, 2, written=True))
def add_entries(entries: Array, sums: Array, splat_sums: Array) -> None:
    """splat_sums[entries[e]] += sums[e], in order; (entries, SUMS) float32 into (N, SUMS) float32."""
    for e in range(len(entries)):
        i = entries[e]
        for k in range(TAKEN + 1):
            splat_sums[i, k] += sums[e, k]
