"""Colours of Gaussians: real spherical harmonics up to degree 3 with the signs and the offset of 3D Gaussian Splatting.

colour(d) = max(0, 1/2 + sum_k Y_k(d) sh_k) with the unit direction d from the eye to the Gaussian's centre
(Kerbl et al. 2023; constants as in Yu et al. 2021, arXiv:2112.05131). Y_0 = C0 = 1 / (2 sqrt(pi)).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from demos.gaussians.scene import BANDS, Floats

C0: Final = 0.28209479177387814  # 1/2 sqrt(1/pi)
C1: Final = 0.4886025119029199  # sqrt(3 / (4 pi))
C2: Final = (1.0925484305920792, -1.0925484305920792, 0.31539156525252005, -1.0925484305920792, 0.5462742152960396)
_ROTATED_AT_ONCE = 8_192  # rows; the basis at 25 directions takes 13 MB
C3: Final = (
    -0.5900435899266435,
    2.890611442640554,
    -0.4570457994644658,
    0.3731763325901154,
    -0.4570457994644658,
    1.445305721320277,
    -0.5900435899266435,
)


def sh_basis(directions_xyz: ArrayLike, degree: int) -> NDArray:
    """Values of the basis in given directions.

    Args:
        directions_xyz: (..., 3) unit vectors; computed in their own precision, at least float32.
        degree: 0 to 3.

    Returns:
        (..., K) with K = 1, 4, 9 or 16.

    Raises:
        ValueError: another degree.
    """
    if degree not in range(len(BANDS)):
        raise ValueError(f"degree must be 0 to 3, not {degree}")
    directions = np.asarray(directions_xyz)
    if not np.issubdtype(directions.dtype, np.floating):
        directions = directions.astype(np.float32)
    x, y, z = np.moveaxis(directions, -1, 0)
    basis = np.empty((*directions.shape[:-1], BANDS[degree]), directions.dtype)
    basis[..., 0] = C0
    if degree > 0:
        basis[..., 1], basis[..., 2], basis[..., 3] = -C1 * y, C1 * z, -C1 * x
    if degree > 1:
        xx, yy, zz = x * x, y * y, z * z
        basis[..., 4], basis[..., 5] = C2[0] * x * y, C2[1] * y * z
        basis[..., 6] = C2[2] * (2 * zz - xx - yy)
        basis[..., 7], basis[..., 8] = C2[3] * x * z, C2[4] * (xx - yy)
    if degree > 2:
        basis[..., 9] = C3[0] * y * (3 * xx - yy)
        basis[..., 10] = C3[1] * x * y * z
        basis[..., 11] = C3[2] * y * (4 * zz - xx - yy)
        basis[..., 12] = C3[3] * z * (2 * zz - 3 * xx - 3 * yy)
        basis[..., 13] = C3[4] * x * (4 * zz - xx - yy)
        basis[..., 14] = C3[5] * z * (xx - yy)
        basis[..., 15] = C3[6] * x * (xx - 3 * yy)
    return basis


def colours_towards(sh: Floats, directions_xyz: ArrayLike, *, clamped: bool = True) -> Floats:
    """RGB of every Gaussian in a direction.

    Args:
        sh: (N, K, 3) coefficients.
        directions_xyz: (N, 3) unit vectors from the eye.
        clamped: Cut negative values off, as a renderer does.

    Returns:
        (N, 3) float32; may exceed 1.
    """
    degree = BANDS.index(sh.shape[1])
    if degree == 0:
        rgb = sh[:, 0] * np.float32(C0)
    else:
        rgb = np.matmul(sh_basis(np.asarray(directions_xyz, np.float32), degree)[:, None, :], sh)[:, 0]
    rgb = rgb + np.float32(0.5)
    return np.maximum(rgb, 0, out=rgb) if clamped else rgb


def colours_from(sh: Floats, means_xyz: Floats, eye_xyz: ArrayLike, *, clamped: bool = True) -> Floats:
    """RGB of every Gaussian seen from an eye point: (N, 3) float32; a Gaussian at the eye itself is seen along +z."""
    directions = means_xyz - np.asarray(eye_xyz, np.float32)
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    away = np.where(lengths > 0, directions / np.where(lengths > 0, lengths, 1), np.array([0, 0, 1], np.float32))
    return colours_towards(sh, away, clamped=clamped)


def rgb_from_dc(dc: ArrayLike) -> Floats:
    """Constant band (..., 3) -> base colour RGB, not clamped."""
    return np.asarray(dc, np.float32) * np.float32(C0) + np.float32(0.5)


def dc_from_rgb(rgb: ArrayLike) -> Floats:
    """Base colour RGB (..., 3) -> constant band: the inverse of :func:`rgb_from_dc`."""
    return (np.asarray(rgb, np.float32) - np.float32(0.5)) / np.float32(C0)


def rotated_sh(sh: Floats, rotations: ArrayLike) -> Floats:
    """Turn the colours of Gaussians with their bodies: the new colour in direction d is the old one in R^T d.

    Every band maps onto itself linearly, so the values in a few more directions than there are coefficients determine
    the map exactly (to 2e-6 in float32); no Wigner matrices are needed.

    Args:
        sh: (N, K, 3) coefficients.
        rotations: (N, 3, 3) matrices, or one (3, 3) for all.

    Returns:
        (N, K, 3) float32; the constant band is kept bit by bit.
    """
    bands = sh.shape[1]
    if bands == 1 or not len(sh):
        return sh
    degree = BANDS.index(bands)
    samples = _spread_directions(25)
    solve = np.linalg.pinv(sh_basis(samples, degree))[1:].astype(np.float32)
    turned = np.empty_like(sh)
    turned[:, 0] = sh[:, 0]
    matrices = np.broadcast_to(np.asarray(rotations, np.float32), (len(sh), 3, 3))
    for start in range(0, len(sh), _ROTATED_AT_ONCE):
        rows = slice(start, start + _ROTATED_AT_ONCE)
        basis = sh_basis(samples.astype(np.float32) @ matrices[rows], degree)[..., 1:]
        turned[rows, 1:] = solve @ (basis @ sh[rows, 1:])
    return turned


def _spread_directions(count: int) -> NDArray[np.float64]:
    """Unit vectors (count, 3) along a Fibonacci spiral, nearly even on the sphere."""
    z = 1 - (2 * np.arange(count) + 1) / count
    angle = np.arange(count) * np.pi * (3 - np.sqrt(5))
    ring = np.sqrt(1 - z * z)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), z], 1)
