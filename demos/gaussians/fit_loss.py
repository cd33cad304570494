"""The loss of 3D Gaussian Splatting and its derivative by the picture: 0.8 L1 + 0.2 (1 - SSIM).

SSIM is Wang et al. 2004 with the window of 11 pixels and sigma 1.5, zeros outside the picture, mean over pixels and
channels, as in 3DGS's code. With m = G * x, s = G * x^2, c = G * (x y) it is a function of three blurred maps, and its
derivative is G * dS/dm + 2 x (G * dS/ds) + y (G * dS/dc), because the window is symmetric.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from demos.gaussians.raster_threads import share, thread_count
from demos.gaussians.scene import Floats

SSIM_SHARE: Final = 0.2
_REACH, _SIGMA = 5, 1.5
_C1, _C2 = np.float32(0.01**2), np.float32(0.03**2)
_PIECES = 16


def l1_and_ssim(picture: Floats, photo: Floats, *, ssim_share: float = SSIM_SHARE) -> tuple[float, Floats]:
    """The loss of a picture against a photo, and its derivative by the picture.

    Args:
        picture: (H, W, 3) float32.
        photo: (H, W, 3) float32 in [0, 1].
        ssim_share: Weight of 1 - SSIM; the rest weighs the mean absolute difference.

    Returns:
        The value, and (H, W, 3) float32.
    """
    off = picture - photo
    value = (1 - ssim_share) * float(np.abs(off).mean(dtype=np.float64))
    slope = np.sign(off) * np.float32((1 - ssim_share) / off.size)
    if ssim_share:
        likeness, by_picture = ssim(picture, photo)
        value += ssim_share * (1 - likeness)
        slope -= np.float32(ssim_share) * by_picture
    return value, slope


def ssim(picture: Floats, photo: Floats) -> tuple[float, Floats]:
    """Mean SSIM of two (H, W, 3) float32 pictures, and its derivative by the first."""
    x, y = picture, photo
    mx, my, sx, sy, c = (blurred(one) for one in (x, y, x * x, y * y, x * y))
    a1, a2 = 2 * mx * my + _C1, 2 * (c - mx * my) + _C2
    b1, b2 = mx * mx + my * my + _C1, sx - mx * mx + sy - my * my + _C2
    one: Floats = np.float32(1) / (b1 * b2)
    likeness: Floats = a1 * a2 * one
    by_c = 2 * a1 * one
    by_s: Floats = -likeness / b2
    by_m = 2 * my * a2 * one - 2 * mx * likeness / b1 - my * by_c - 2 * mx * by_s
    slope = blurred(by_m) + 2 * x * blurred(by_s) + y * blurred(by_c)
    return float(likeness.mean(dtype=np.float64)), slope / np.float32(x.size)


def blurred(picture: Floats) -> Floats:
    """A (H, W, C) float32 picture under the window, zeros outside."""
    from demos.gaussians.fit_blur import blur_rows

    height, _, channels = picture.shape
    steps = np.arange(-_REACH, _REACH + 1)
    bell = np.exp(-(steps**2) / (2 * _SIGMA**2))
    window = (bell / bell.sum()).astype(np.float32)
    rows = np.require(picture, np.float32, ["C", "A"]).reshape(height, -1)
    out = np.empty_like(rows)
    edges = np.linspace(0, height, _PIECES + 1).astype(int)
    share(lambda i: blur_rows(rows, channels, window, edges[i], edges[i + 1], out), _PIECES, threads=thread_count())
    return out.reshape(picture.shape)


def psnr_db(picture: Floats, photo: Floats) -> float:
    """Peak signal to noise ratio of two pictures in [0, 1]; what lies outside is cut off."""
    error = float(((np.clip(picture, 0, 1) - photo).astype(np.float64) ** 2).mean())
    return float(10 * np.log10(1 / max(error, 1e-10)))
