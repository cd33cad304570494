"""The loops of a query (numba): mixtures of table rows, relevancy, box filter, majority.

Importing this module compiles them or fetches them from the cache (see raster_jit); callers do it inside functions.
"""

from __future__ import annotations

import numpy as np
from numba import types

from demos.gaussians.raster_jit import Array, Real, array_of, loop

_F32, _F64, _I64, _I32, _U8 = types.float32, types.float64, types.int64, types.int32, types.uint8
_MATRIX = (array_of(_I64, 1), array_of(_I32, 1), array_of(_F32, 1))


@loop(
    *(*_MATRIX, array_of(_I32, 2), array_of(_F32, 2), _I64, _I64),
    *(array_of(_I64, 1, written=True), array_of(_I64, 1, written=True)),
    *(array_of(_I32, 1, written=True), array_of(_F32, 1, written=True)),
    returns=_I64,
)
def mix(
    starts: Array,
    owners: Array,
    weights: Array,
    ids: Array,
    shares: Array,
    first: int,
    last: int,
    place_of: Array,
    ends: Array,
    found: Array,
    sums: Array,
) -> int:
    """Product of two sparse matrices, pixels x Gaussians and Gaussians x table, for pixels ``first`` to ``last - 1``.

    Args:
        starts: (P + 1,) int64, where each pixel's entries begin.
        owners: (entries,) int32, Gaussians.
        weights: (entries,) float32.
        ids: (N, K) int32, table rows of a Gaussian, negative for none.
        shares: (N, K) float32, their weights.
        first: First pixel.
        last: One past the last pixel.
        place_of: (M,) int64, all -1 before the call.
        ends: (last - first,) int64, written: where each pixel's pairs end in ``found``.
        found: int32, long enough for all entries times K; its beginning is written: table rows.
        sums: float32 beside it: their weights.

    Returns:
        How many pairs there are.
    """
    total = 0
    choices = ids.shape[1]
    for pixel in range(first, last):
        begin = total
        for k in range(starts[pixel], starts[pixel + 1]):
            owner, weight = owners[k], weights[k]
            for choice in range(choices):
                row = ids[owner, choice]
                if row < 0:
                    continue
                place = place_of[row]
                if place < begin:  # not yet met in this pixel
                    place = total
                    total += 1
                    place_of[row] = place
                    found[place], sums[place] = row, np.float32(0.0)
                sums[place] += weight * shares[owner, choice]
        ends[pixel - first] = total
    return total


@loop(*_MATRIX, array_of(_F32, 2), _I64, _I64, array_of(_F32, 1, written=True))
def mixture_norms(starts: Array, rows: Array, weights: Array, gram: Array, first: int, last: int, norms: Array) -> None:
    """norms[p] = |sum w table[row]| by the table's Gram matrix (M, M), for mixtures ``first`` to ``last - 1``."""
    for p in range(first, last):
        total = 0.0
        for k in range(starts[p], starts[p + 1]):
            inner = np.float32(0.0)
            for j in range(starts[p], k):
                inner += weights[j] * gram[rows[k], rows[j]]
            total += weights[k] * (np.float32(2.0) * inner + weights[k] * gram[rows[k], rows[k]])
        norms[p] = np.float32(np.sqrt(max(total, 0.0)))


@loop(
    *(array_of(_F32, 1), array_of(_F32, 1), array_of(_F32, 1), _F32, _F32, _I64, _I64),
    array_of(_F32, 1, written=True),
)
def fill_relevancy(
    dots: Array, norms: Array, negatives: Array, offset: Real, scale: Real, first: int, last: int, relevancy: Array
) -> None:
    """Relevancy = sigmoid(scale (dots / norms - offset - negatives)), 0 where the norm is 0."""
    for p in range(first, last):
        if norms[p] > np.float32(0.0):
            excess = scale * (dots[p] / norms[p] - offset - negatives[p])
            relevancy[p] = np.float32(1.0) / (np.float32(1.0) + np.exp(-excess))
        else:
            relevancy[p] = np.float32(0.0)


@loop(array_of(_F32, 2), array_of(_I64, 1), array_of(_I64, 1), _I64, array_of(_F32, 2, written=True))
def box_sums(values: Array, columns: Array, rows: Array, size: int, means: Array) -> None:
    """Mean over windows of size x size; the windows of output (i, j) are rows[i : i + size] and columns[j : j + size].

    Args:
        values: (H, W) float32.
        columns: (W + size - 1,) int64, the column that each place of the widened picture takes.
        rows: (H + size - 1,) int64, likewise.
        size: Side of the window.
        means: (H, W) float32, written.
    """
    height, width = values.shape
    across = np.empty((height, width), np.float32)
    share = 1.0 / (size * size)
    for i in range(height):
        total = 0.0
        for j in range(size - 1):
            total += values[i, columns[j]]
        for j in range(width):
            total += values[i, columns[j + size - 1]]
            across[i, j] = total
            total -= values[i, columns[j]]
    totals = np.zeros(width, np.float64)
    for i in range(size - 1):
        for j in range(width):
            totals[j] += across[rows[i], j]
    for i in range(height):
        entering, leaving = rows[i + size - 1], rows[i]
        for j in range(width):
            totals[j] += across[entering, j]
            means[i, j] = totals[j] * share
            totals[j] -= across[leaving, j]


@loop(array_of(_U8, 2), _I64, array_of(_U8, 2, written=True))
def window_majority(mask: Array, reach: int, voted: Array) -> None:
    """1 where most of the window is; windows end before the last row and column, as LangSplat's do."""
    height, width = mask.shape
    counts = np.zeros(width + 1, np.int64)  # of ones in the window's rows, column by column
    top, bottom = 0, 0  # rows that are counted
    for i in range(height):
        first, last = max(0, i - reach), min(i + reach + 1, height - 1)
        while bottom < last:
            for j in range(width):
                counts[j] += mask[bottom, j]
            bottom += 1
        while top < first:
            for j in range(width):
                counts[j] -= mask[top, j]
            top += 1
        ones, left, right = 0, 0, 0
        for j in range(width):
            begin, end = max(0, j - reach), min(j + reach + 1, width - 1)
            while right < end:
                ones += counts[right]
                right += 1
            while left < begin:
                ones -= counts[left]
                left += 1
            area = (last - first) * (end - begin)
            voted[i, j] = mask[i, j] if area <= 0 else (1 if 2 * ones > area else 0)


@loop(
    *(array_of(_F32, 2), array_of(_I32, 2), _I64, _I64),
    array_of(_F32, 2, written=True),
)
def neighbour_means(values: Array, neighbours: Array, first: int, last: int, means: Array) -> None:
    """Mean of each row of ``values`` (N, C) and its neighbours' (N, k), for rows ``first`` to ``last - 1``."""
    channels, count = values.shape[1], neighbours.shape[1]
    for i in range(first, last):
        for c in range(channels):
            total = values[i, c]
            for k in range(count):
                total += values[neighbours[i, k], c]
            means[i, c] = total / np.float32(count + 1)


@loop(
    *(array_of(_I32, 2), array_of(_F32, 1), array_of(_I64, 1), array_of(_U8, 1), _I64, _I64),
    array_of(_F32, 2, written=True),
)
def fill_by_level(
    ids: Array, values: Array, levels: Array, is_chosen: Array, first: int, last: int, found: Array
) -> None:
    """The greatest value of the pieces that a Gaussian is in, level by level, and whether any of them is chosen.

    Args:
        ids: (N, K) int32, pieces, negative for none.
        values: (P,) float32 >= 0.
        levels: (P,) int64 below L.
        is_chosen: (P,) uint8.
        first: First Gaussian.
        last: One past the last.
        found: (N, L + 1) float32, rows ``first`` to ``last - 1`` written; 0 without a piece of a level.
    """
    for row in range(first, last):
        found[row] = 0
        for choice in range(ids.shape[1]):
            piece = ids[row, choice]
            if piece >= 0:
                level = levels[piece]
                if values[piece] > found[row, level]:
                    found[row, level] = values[piece]
                if is_chosen[piece]:
                    found[row, -1] = 1
