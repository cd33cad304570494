"""A small illumination map as a field that a photo of any size can be divided by, drawn along the photo's own edges.

    guided filter   a = cov(g, I) / (var(g) + eps),  b = mean(I) - a mean(g),  over windows of a small picture;
                    full size: I = up(mean a) g + up(mean b), so that the map follows the photo's own edges

g is the photo's luma in display light [0, 1], I the map (1: enough light).

Source: He and Sun 2015, "Fast Guided Filter", arXiv:1505.00996.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.light_net import LEAST_MAP, MOST_MAP

Floats = NDArray[np.float32]
Values = NDArray[Any]  # (H, W, C) uint8 or uint16
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, of display light
RADIUS = 4  # cells of the small picture
NETWORK_RADIUS = 1  # cells of a network's small map: a wider window bleeds over the subject's edge
EPS = 1e-3


def luma_of(values: Values) -> Floats:
    """Luma of integer values (H, W, C), as (H, W) in [0, 1]."""
    top = np.float32(np.iinfo(values.dtype).max)
    if values.shape[2] == 1:
        return values[..., 0].astype(np.float32) / top
    luma: Floats = values.astype(np.float32) @ (LUMA / top)
    return luma


def luma_weights(values: Values) -> Floats:
    """(4,), of R, G and B, and of grey, by which integer values add up to luma in [0, 1]."""
    return np.array([*LUMA, 1], np.float32) / np.float32(np.iinfo(values.dtype).max)


def box_mean(cells: Floats, radius: int) -> Floats:
    """Mean over windows of 2 radius + 1 cells a side, smaller at the border; (H, W) -> (H, W)."""
    out = cells.astype(np.float64)
    for axis in (0, 1):
        out = np.moveaxis(out, axis, 0)
        size = len(out)
        sums = np.concatenate([np.zeros((1, out.shape[1])), np.cumsum(out, axis=0)])
        low, high = np.maximum(np.arange(size) - radius, 0), np.minimum(np.arange(size) + radius + 1, size)
        out = np.moveaxis((sums[high] - sums[low]) / (high - low)[:, None], 0, axis)
    return out.astype(np.float32)


def guided(guide: Floats, target: Floats, *, radius: int = RADIUS, eps: float = EPS) -> tuple[Floats, Floats]:
    """Coefficients a and b, (h, w) each, by which ``a guide + b`` follows ``target`` along the guide's edges."""
    mean_g, mean_t = box_mean(guide, radius), box_mean(target, radius)
    variance = box_mean(guide * guide, radius) - mean_g * mean_g
    covariance = box_mean(guide * target, radius) - mean_g * mean_t
    slope = (covariance / (np.maximum(variance, 0.0) + np.float32(eps))).astype(np.float32)
    return box_mean(slope, radius), box_mean(mean_t - slope * mean_g, radius)


@dataclass(frozen=True, eq=False)
class LightField:
    """An illumination map that is known at every pixel of a photo of any size.

    Attributes:
        slope: a, (h, w) float32.
        offset: b, (h, w).
        power: For one curve over the whole photo: I = g^power in place of a g + b; None for a map.
    """

    slope: Floats
    offset: Floats
    power: float | None = None

    def at(self, luma: Floats, first_row: int, height: int) -> Floats:
        """The map of some rows.

        Args:
            luma: (rows, W) of the photo.
            first_row: Where they stand.
            height: Of the whole photo.

        Returns:
            (rows, W) in [``LEAST_MAP``, ``MOST_MAP``].
        """
        if self.power is not None:
            light = np.maximum(luma, 1e-3) ** np.float32(self.power)
        else:
            rows = np.arange(first_row, first_row + len(luma))
            light = resampled(self.slope, rows, height, luma.shape[1])
            light *= luma
            light += resampled(self.offset, rows, height, luma.shape[1])
        return np.clip(light, np.float32(LEAST_MAP), np.float32(MOST_MAP))

    def lines(self, rows: slice, height: int) -> Floats:
        """Slope and offset of some rows at the small map's columns, (2, rows, w); w is 0 for one curve."""
        if self.power is not None:
            return np.zeros((2, rows.stop - rows.start, 0), np.float32)
        y0, y1, y = neighbours(np.arange(rows.start, rows.stop), height, self.slope.shape[0])
        both = np.stack([self.slope, self.offset])
        lines: Floats = both[:, y0] * (1 - y)[:, None] + both[:, y1] * y[:, None]
        return lines

    def small(self, luma: Floats) -> Floats:
        """The whole map for a small copy of the photo, (h, w)."""
        return self.at(luma, 0, len(luma))


def network_field(luma: Floats, light: NDArray[np.float32]) -> LightField:
    """The field of a network's map, (h, w) both: luma of the small copy, and what the network said of it."""
    return LightField(*guided(luma, np.clip(light, LEAST_MAP, MOST_MAP).astype(np.float32), radius=NETWORK_RADIUS))


def resampled(cells: Floats, rows: NDArray[np.intp], height: int, width: int) -> Floats:
    """Some rows of a small map (h, w) brought to (height, width) bilinearly, pixel centres on pixel centres."""
    y0, y1, y = neighbours(rows, height, cells.shape[0])
    lines = cells[y0] * (1 - y)[:, None] + cells[y1] * y[:, None]
    x0, x1, x = neighbours(np.arange(width), width, cells.shape[1])
    out: Floats = lines[:, x0]
    out += (lines[:, x1] - out) * x
    return out


def neighbours(places: NDArray[np.intp], size: int, cells: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Which two of ``cells`` a place among ``size`` lies between, and its share of the second."""
    at = np.clip((places + 0.5) * cells / size - 0.5, 0, cells - 1)
    low = np.floor(at).astype(np.intp)
    return low, np.minimum(low + 1, cells - 1), (at - low).astype(np.float32)
