"""Painting results over pictures: the turbo colour map and heat over a photo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def turbo(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colours of the turbo map, (...,) in [0, 1] -> (..., 3) uint8 RGB: dark blue, green, dark red."""
    raise NotImplementedError


def overlay(rgb: NDArray[np.uint8], heat: NDArray[np.floating], *, opacity: float = 0.6) -> NDArray[np.uint8]:
    """Paint heat (H, W) in [0, 1] over a picture (H, W, 3); where the heat is low the picture shows through."""
    raise NotImplementedError
