"""A Gaussian window over the rows and columns of a picture, zeros outside: what SSIM is made of (numba)."""

from __future__ import annotations

import numpy as np
from numba import types

from demos.gaussians.raster_jit import Array, array_of, loop

_F32, _I64 = types.float32, types.int64


@loop(array_of(_F32, 2), _I64, array_of(_F32, 1), _I64, _I64, array_of(_F32, 2, written=True))
def blur_rows(picture: Array, channels: int, window: Array, first: int, last: int, blurred: Array) -> None:
    """Blur rows ``first`` to ``last - 1`` down and across.

    Args:
        picture: (H, W * channels) float32, the channels of a pixel side by side.
        channels: How many.
        window: (2 R + 1,) float32, symmetric.
        first: First row.
        last: One past the last row.
        blurred: (H, W * channels) float32, written.
    """
    height, width = picture.shape
    reach = len(window) // 2
    row = np.zeros(width + 2 * reach * channels, np.float32)
    for y in range(first, last):
        row[:] = np.float32(0.0)
        for t in range(max(0, y - reach), min(height, y + reach + 1)):
            share = window[t - y + reach]
            for x in range(width):
                row[reach * channels + x] += share * picture[t, x]
        blurred[y, :] = np.float32(0.0)
        for k in range(2 * reach + 1):
            share = window[k]
            for x in range(width):
                blurred[y, x] += share * row[x + k * channels]
