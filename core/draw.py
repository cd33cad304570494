"""Painting results over pictures: the turbo colour map and heat over a photo."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

# Polynomial of degree 5 for each channel, lowest power first.
# Source: Mikhailov 2019, "Turbo, An Improved Rainbow Colormap for Visualization", Google AI blog, Apache-2.0.
_TURBO = np.array(
    [
        [0.13572138, 4.61539260, -42.66032258, 132.13108234, -152.94239396, 59.28637943],
        [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604],
        [0.10667330, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973],
    ]
)


@functools.cache
def _turbo_table() -> NDArray[np.uint8]:
    """The map in 256 steps, (256, 3)."""
    powers = np.linspace(0.0, 1.0, 256)[:, None] ** np.arange(6)
    return np.rint(np.clip(powers @ _TURBO.T, 0.0, 1.0) * 255).astype(np.uint8)


def turbo(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colours of the turbo map, (...,) in [0, 1] -> (..., 3) uint8 RGB: dark blue, green, dark red.

    Values outside are cut, NaN is taken as 0.
    """
    index = np.rint(np.clip(np.nan_to_num(values), 0.0, 1.0) * 255).astype(np.intp)
    return _turbo_table()[index]


def overlay(rgb: NDArray[np.uint8], heat: NDArray[np.floating], *, opacity: float = 0.6) -> NDArray[np.uint8]:
    """Paint heat over a picture; where the heat is low the picture shows through in grey.

    Args:
        rgb: (H, W, 3) uint8.
        heat: (H, W) in [0, 1].
        opacity: Share of the colour where the heat is 1; it falls with the heat.

    Returns:
        (H, W, 3) uint8; a heat of 0 everywhere gives the picture in grey.

    Raises:
        ValueError: the sizes differ.
    """
    if rgb.shape[:2] != heat.shape:
        raise ValueError(f"heat is {heat.shape}, the picture {rgb.shape[:2]}")
    weights = np.array([0.299, 0.587, 0.114], np.float32)  # luma, ITU-R BT.601
    grey = (rgb.astype(np.float32) @ weights)[..., None]
    share = (opacity * np.clip(np.nan_to_num(heat), 0.0, 1.0)).astype(np.float32)[..., None]
    return np.rint(grey * (1 - share) + turbo(heat).astype(np.float32) * share).astype(np.uint8)
