"""Unit quaternions and rotation matrices, many at a time.

A quaternion (w, x, y, z) and its negative are the same rotation; what leaves this module has w >= 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats64 = NDArray[np.float64]
_OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])  # the smaller three beside each greatest one


def matrices_from_quats(quats_wxyz: ArrayLike) -> Floats64:
    """(..., 4) quaternions of any length but zero -> (..., 3, 3) float64 rotation matrices."""
    quats = np.asarray(quats_wxyz, np.float64)
    w, x, y, z = np.moveaxis(quats / np.linalg.norm(quats, axis=-1, keepdims=True), -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, -1) for row in rows], -2)


def quats_from_matrices(matrices: ArrayLike) -> Floats64:
    """(..., 3, 3) rotation matrices -> (..., 4) float64 unit quaternions wxyz.

    Takes, for every matrix, the one of the four equivalent formulas whose divisor is greatest (Shepperd 1978).
    """
    m = np.asarray(matrices, np.float64)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    # Four multiples of the quaternion: by 4w, 4x, 4y and 4z.
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 2, 0] + m[..., 0, 2], m[..., 2, 1] + m[..., 1, 2]
    candidates = np.stack(
        [
            np.stack([1 + xx + yy + zz, wx, wy, wz], -1),
            np.stack([wx, 1 + xx - yy - zz, xy, xz], -1),
            np.stack([wy, xy, 1 - xx + yy - zz, yz], -1),
            np.stack([wz, xz, yz, 1 - xx - yy + zz], -1),
        ],
        -2,
    )
    best = np.argmax(np.diagonal(candidates, axis1=-2, axis2=-1), -1)
    quats = np.take_along_axis(candidates, best[..., None, None], -2)[..., 0, :]
    quats = quats / np.linalg.norm(quats, axis=-1, keepdims=True)
    return np.where(quats[..., :1] < 0, -quats, quats)


def product(left_wxyz: ArrayLike, right_wxyz: ArrayLike) -> Floats64:
    """Hamilton product of (..., 4) quaternions: turn by ``right``, then by ``left``."""
    a, b, c, d = np.moveaxis(np.asarray(left_wxyz, np.float64), -1, 0)
    e, f, g, h = np.moveaxis(np.asarray(right_wxyz, np.float64), -1, 0)
    return np.stack(
        [
            a * e - b * f - c * g - d * h,
            a * f + b * e + c * h - d * g,
            a * g - b * h + c * e + d * f,
            a * h + b * g - c * f + d * e,
        ],
        -1,
    )


def smallest_three(quats: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Take the greatest component out, as compressed files do; the four may come in any order.

    Returns:
        Place of the greatest component (N,), and the other three (N, 3) of the equal rotation whose greatest
        component is positive; none exceeds sqrt(1/2).
    """
    greatest = np.argmax(np.abs(quats), 1)
    is_negative = np.take_along_axis(quats, greatest[:, None], 1) < 0
    three = np.take_along_axis(quats, _OTHERS[greatest], 1)
    return greatest, np.where(is_negative, -three, three)


def from_smallest_three(greatest: NDArray[np.intp], three: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put the greatest component (N,) back beside the other three (N, 3): the inverse of :func:`smallest_three`."""
    quats = np.empty((len(three), 4), np.float32)
    np.put_along_axis(quats, _OTHERS[greatest], three, 1)
    left = np.sqrt(np.maximum(0, 1 - (three * three).sum(1, keepdims=True)))
    np.put_along_axis(quats, greatest[:, None], left, 1)
    return quats
