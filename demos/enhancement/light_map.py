"""From a small illumination map to a photo at full resolution, in bands of rows, so that memory stays bounded.

Symbols: x a photo in display light [0, 1], g its luma, I the map (1: enough light), s the strength.

    guided filter   a = cov(g, I) / (var(g) + eps),  b = mean(I) - a mean(g),  over windows of a small picture;
                    full size: I = up(mean a) g + up(mean b), so that the map follows the photo's own edges
    enhanced        y = clamp(x / I^s'),  s' = s (1 - p_h h(g)) (1 - p_s k(g)),  h and k smooth steps of the luma

s = 0 gives x back bit by bit. All that a pixel needs is the small a and b and the pixel: bands cannot show seams.

Source: He and Sun 2015, "Fast Guided Filter", arXiv:1505.00996; the division is that of core.light_net.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.light_net import LEAST_MAP, MOST_MAP
from core.tasks import Job
from demos.enhancement.options import EnhanceOptions

Floats = NDArray[np.float32]
Values = NDArray[Any]  # (H, W, C) uint8 or uint16
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, of display light
RADIUS = 4  # cells of the small picture
EPS = 1e-3
BAND_PX = 400_000  # pixels of a band: its floats stay near the processor
THREADS = 2
HIGHLIGHTS = (0.5, 0.9)  # lumas between which protection sets in
SHADOWS = (0.02, 0.2)


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
        y0, y1, y = _neighbours(np.arange(rows.start, rows.stop), height, self.slope.shape[0])
        both = np.stack([self.slope, self.offset])
        lines: Floats = both[:, y0] * (1 - y)[:, None] + both[:, y1] * y[:, None]
        return lines

    def small(self, luma: Floats) -> Floats:
        """The whole map for a small copy of the photo, (h, w)."""
        return self.at(luma, 0, len(luma))


def resampled(cells: Floats, rows: NDArray[np.intp], height: int, width: int) -> Floats:
    """Some rows of a small map (h, w) brought to (height, width) bilinearly, pixel centres on pixel centres."""
    y0, y1, y = _neighbours(rows, height, cells.shape[0])
    lines = cells[y0] * (1 - y)[:, None] + cells[y1] * y[:, None]
    x0, x1, x = _neighbours(np.arange(width), width, cells.shape[1])
    out: Floats = lines[:, x0]
    out += (lines[:, x1] - out) * x
    return out


def _neighbours(places: NDArray[np.intp], size: int, cells: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    at = np.clip((places + 0.5) * cells / size - 0.5, 0, cells - 1)
    low = np.floor(at).astype(np.intp)
    return low, np.minimum(low + 1, cells - 1), (at - low).astype(np.float32)


def smooth_step(values: Floats, low: float, high: float) -> Floats:
    """0 below ``low``, 1 above ``high``, a cubic between."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    step: Floats = t * t * (3 - 2 * t)
    return step


def exponent(luma: Floats, options: EnhanceOptions) -> Floats | float:
    """The strength s' of the module's formula: one number where nothing is protected."""
    if not options.protect_highlights and not options.protect_shadows:
        return options.strength
    field = np.full_like(luma, options.strength)
    if options.protect_highlights:
        field *= 1 - np.float32(options.protect_highlights) * smooth_step(luma, *HIGHLIGHTS)
    if options.protect_shadows:
        field *= 1 - np.float32(options.protect_shadows) * (1 - smooth_step(luma, *SHADOWS))
    return field


def gain_of(luma: Floats, light: Floats, options: EnhanceOptions) -> Floats:
    """1 / I^s', (H, W)."""
    power = exponent(luma, options)
    gain: Floats = np.reciprocal(light) if isinstance(power, float) and power == 1.0 else np.exp(-power * np.log(light))
    return gain


def enhanced(
    values: Values, field: LightField, options: EnhanceOptions, *, job: Job | None = None, band_px: int = BAND_PX
) -> Values:
    """Divide a photo by its light.

    Args:
        values: (H, W, C) uint8 or uint16.
        field: The light.
        options: Strength and protection.
        job: Told the rows done; asked for Cancel before each band.
        band_px: Pixels of a band; the result does not depend on it.

    Returns:
        Of the same shape and kind; ``values`` itself for strength 0.

    Raises:
        Cancelled: the job was cancelled.
    """
    if options.strength == 0:
        return values
    from demos.enhancement.pixel_loops import lift

    out = np.empty_like(values)
    height, width = values.shape[:2]
    columns = _neighbours(np.arange(width), width, field.slope.shape[1])
    weights, settings = luma_weights(values), _settings(values, field, options)

    def fill(rows: slice) -> int:
        if job is not None and job.is_cancelled:
            return 0
        lift(values[rows], out[rows], weights, field.lines(rows, height), *columns, settings)
        return rows.stop - rows.start

    done = 0
    with ThreadPoolExecutor(THREADS) as threads:
        for count in threads.map(fill, bands(height, max(1, band_px // width))):
            done += count
            if job is not None:
                job.step("running", done, height, unit="rows", note="applying the light")
    return out


def _settings(values: Values, field: LightField, options: EnhanceOptions) -> Floats:
    """What the loop over the pixels is told, in its order."""
    power = 0.0 if field.power is None else field.power
    held = (options.strength, options.protect_highlights, options.protect_shadows)
    return np.array([power, *held, *HIGHLIGHTS, *SHADOWS, np.iinfo(values.dtype).max], np.float32)


def bands(height: int, rows: int) -> Iterator[slice]:
    """Slices of at most ``rows`` rows that cover ``height``."""
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
