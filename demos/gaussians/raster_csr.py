"""Products with the weights of a view as a sparse matrix, pixels by Gaussians, in compressed rows (numba)."""

from __future__ import annotations

import numpy as np
from numba import types

from demos.gaussians.raster_jit import Array, array_of, loop

_F32, _I64, _I32 = types.float32, types.int64, types.int32
_MATRIX = (array_of(_I64, 1), array_of(_I32, 1), array_of(_F32, 1))


@loop(*_MATRIX, array_of(_F32, 2), _I64, _I64, array_of(_F32, 2, written=True))
def multiply(
    starts: Array, owners: Array, weights: Array, values: Array, first: int, last: int, product: Array
) -> None:
    """product[p] = sum of w values[owner] over the entries of p, for pixels ``first`` to ``last - 1``.

    Args:
        starts: (P + 1,) int64, where each pixel's entries begin.
        owners: (entries,) int32, rows of ``values``.
        weights: (entries,) float32.
        values: (N, C) float32.
        first: First pixel.
        last: One past the last pixel.
        product: (P, C) float32, written.
    """
    channels = values.shape[1]
    for pixel in range(first, last):
        if channels == 1:
            total = np.float32(0.0)
            for k in range(starts[pixel], starts[pixel + 1]):
                total += weights[k] * values[owners[k], 0]
            product[pixel, 0] = total
        elif channels == 3:
            red, green, blue = np.float32(0.0), np.float32(0.0), np.float32(0.0)
            for k in range(starts[pixel], starts[pixel + 1]):
                w, i = weights[k], owners[k]
                red += w * values[i, 0]
                green += w * values[i, 1]
                blue += w * values[i, 2]
            product[pixel, 0], product[pixel, 1], product[pixel, 2] = red, green, blue
        else:
            for c in range(channels):
                product[pixel, c] = np.float32(0.0)
            for k in range(starts[pixel], starts[pixel + 1]):
                w, i = weights[k], owners[k]
                for c in range(channels):
                    product[pixel, c] += w * values[i, c]


@loop(*_MATRIX, array_of(_F32, 2), _I64, _I64, array_of(_F32, 2, written=True))
def multiply_back(
    starts: Array, owners: Array, weights: Array, picture: Array, first: int, last: int, sums: Array
) -> None:
    """sums[owner] += w picture[p] over all entries, for channels ``first`` to ``last - 1``: the transposed product.

    Args:
        starts: (P + 1,) int64, where each pixel's entries begin.
        owners: (entries,) int32, rows of ``sums``.
        weights: (entries,) float32.
        picture: (P, C) float32.
        first: First channel.
        last: One past the last channel.
        sums: (N, C) float32, added to.
    """
    for pixel in range(len(starts) - 1):
        for k in range(starts[pixel], starts[pixel + 1]):
            w, i = weights[k], owners[k]
            for c in range(first, last):
                sums[i, c] += w * picture[pixel, c]


@loop(
    *(*_MATRIX, array_of(_I32, 1), _I64, array_of(_I64, 1, written=True)),
    *(array_of(_I32, 1, written=True), array_of(_F32, 1, written=True)),
    returns=_I64,
)
def sum_by_label(
    starts: Array,
    owners: Array,
    weights: Array,
    labels: Array,
    label_count: int,
    ends: Array,
    found: Array,
    sums: Array,
) -> int:
    """Sum the w of every Gaussian by the label of the pixel: the transposed product with one-hot labels, sparse.

    Args:
        starts: (P + 1,) int64, where each pixel's entries begin.
        owners: (entries,) int32.
        weights: (entries,) float32.
        labels: (P,) int32, below ``label_count``; negative for none.
        label_count: Number of labels.
        ends: (N + 1,) int64, all 0; written: where in ``found`` and ``sums`` each Gaussian's labels begin.
        found: (entries,) int32, its beginning is written: labels, in the order in which they were met.
        sums: (entries,) float32, its beginning is written.

    Returns:
        How many pairs of a Gaussian and a label there are.
    """
    count = len(ends) - 1
    for pixel in range(len(labels)):
        if labels[pixel] >= 0:
            for k in range(starts[pixel], starts[pixel + 1]):
                ends[owners[k] + 1] += 1
    for i in range(count):
        ends[i + 1] += ends[i]
    filled = ends[:count].copy()
    for pixel in range(len(labels)):
        if labels[pixel] >= 0:
            for k in range(starts[pixel], starts[pixel + 1]):
                place = filled[owners[k]]
                filled[owners[k]] = place + 1
                found[place], sums[place] = labels[pixel], weights[k]
    # Merge every Gaussian's run to one entry a label, and move the runs together.
    place_of = np.full(label_count, -1, np.int64)
    total = 0
    for i in range(count):
        begin, end = ends[i], filled[i]
        ends[i] = total
        for k in range(begin, end):
            label, w = found[k], sums[k]
            place = place_of[label]
            if place < ends[i]:  # not yet met by this Gaussian
                place = total
                total += 1
                place_of[label] = place
                found[place], sums[place] = label, np.float32(0.0)
            sums[place] += w
    ends[count] = total
    return total
