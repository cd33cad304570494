"""The noise that lifting makes visible, taken out by as much as it was lifted.

Symbols: y the lifted photo, gain = 1 / I^s', sigma the noise of the photo before (display light), k a factor.

    each channel by itself   a = var / (var + (k sigma (gain - 1))^2),  y' = mean(a) y + mean((1 - a) mean)

over small windows: a self-guided filter whose eps is the variance of the noise that the lifting added. Where sigma is
0, or nothing was lifted, a is 1 and y' is y.

    diffusion                y' = y + (gain - 1) / gain (x_0(y, d sigma gain) - y),  d how much noise is assumed

with x_0 of core.light_denoise: the noise that was there before the lifting stays, what the lifting added goes.

Noise by the median of the photo's second differences in its darker, smoother places (Immerkaer 1996, "Fast Noise
Variance Estimation", with a median in place of the mean, which edges move less).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.light_field import Floats, LightField, box_mean, luma_of
from core.tasks import Job
from demos.enhancement.light_map import BAND_PX, bands, gain_of
from demos.enhancement.options import EnhanceOptions

Values = NDArray[Any]
RADIUS = 2  # px
FACTOR = 2.5  # k at full strength
LEAST_SIGMA = 0.35 / 255  # below it what is found is rounding
LEAST_GAIN = 1.1  # below it the diffusion model is not asked
MARGIN = 2 * RADIUS
_SAMPLES_PX = 512  # side of the window in the middle that the noise is read from
_MAD = 0.6745  # of a normal distribution with deviation 1


class Denoiser(Protocol):
    """The diffusion model; core.light_denoise.LightDenoiser is one, tests hand in a stub."""

    @property
    def name(self) -> str:
        """Name in the catalogue."""
        ...

    def cleaned(
        self, read: Callable[[slice], tuple[Floats, Floats]], height: int, width: int, *, job: Job | None = None
    ) -> Iterator[tuple[slice, Floats]]:
        """Rows in order with their pixels, from rows with the noise of each pixel."""
        ...


def noise_of(values: Values) -> float:
    """Deviation of the noise, in display light [0, 1], from the darker half of the middle of a photo (H, W, C)."""
    height, width = values.shape[:2]
    top, left = max(0, (height - _SAMPLES_PX) // 2), max(0, (width - _SAMPLES_PX) // 2)
    part = values[top : top + _SAMPLES_PX, left : left + _SAMPLES_PX]
    if min(part.shape[:2]) < 8:
        return 0.0
    luma = luma_of(part)
    shown = part[..., part.shape[2] // 2].astype(np.float32) / np.float32(np.iinfo(values.dtype).max)  # green or grey
    kernel = shown[:-2, :-2] + shown[:-2, 2:] + shown[2:, :-2] + shown[2:, 2:] + 4 * shown[1:-1, 1:-1]
    kernel -= 2 * (shown[:-2, 1:-1] + shown[2:, 1:-1] + shown[1:-1, :-2] + shown[1:-1, 2:])
    inner = luma[1:-1, 1:-1]
    is_dark = (inner <= np.median(inner)) & (inner > 0.01)
    if is_dark.sum() < 64:
        return 0.0
    return float(np.median(np.abs(kernel[is_dark])) / _MAD / 6.0)  # the kernel's coefficients have length 6


def denoised(
    lifted: Values,
    given: Values,
    field: LightField,
    options: EnhanceOptions,
    *,
    sigma: float,
    model: Denoiser | None = None,
    job: Job | None = None,
    band_px: int = BAND_PX,
) -> Values:
    """Take out the noise that lifting added.

    Args:
        lifted: (H, W, C), what :func:`demos.enhancement.light_map.enhanced` made of ``given``.
        given: The photo before.
        field: The light it was divided by.
        options: ``denoise`` scales the noise that is assumed.
        sigma: Of :func:`noise_of`.
        model: The diffusion model; None takes the filter.
        job: Told the rows done; asked for Cancel before each band.
        band_px: Pixels of a band; the result does not depend on it.

    Returns:
        Of the same shape and kind; ``lifted`` itself where there is nothing to do.
    """
    if options.denoise == 0 or options.strength == 0 or sigma < LEAST_SIGMA:
        return lifted
    if model is not None:
        return _diffused(lifted, given, field, options, sigma, model, job)
    height, width = lifted.shape[:2]
    top = np.float32(np.iinfo(lifted.dtype).max)
    factor = np.float32(FACTOR * options.denoise * sigma)
    out = np.empty_like(lifted)
    for rows in bands(height, max(1, band_px // width)):
        if job is not None:
            job.step("running", rows.start, height, unit="rows", note="taking out noise")
        first, last = max(0, rows.start - MARGIN), min(height, rows.stop + MARGIN)
        luma = luma_of(given[first:last])
        gain = gain_of(luma, field.at(luma, first, height), options)
        eps = np.square(factor * np.maximum(gain - 1, 0.0))
        inside = slice(rows.start - first, rows.stop - first)
        for channel in range(lifted.shape[2]):
            plane = lifted[first:last, :, channel].astype(np.float32) / top
            smooth = _smoothed(plane, eps)[inside]
            out[rows, :, channel] = np.rint(np.clip(smooth, 0.0, 1.0) * top)
    return out


def _diffused(
    lifted: Values,
    given: Values,
    field: LightField,
    options: EnhanceOptions,
    sigma: float,
    model: Denoiser,
    job: Job | None,
) -> Values:
    height, width, channels = lifted.shape
    top = np.float32(np.iinfo(lifted.dtype).max)

    def gain_at(rows: slice) -> Floats:
        luma = luma_of(given[rows])
        return np.maximum(gain_of(luma, field.at(luma, rows.start, height), options), np.float32(1.0))

    def read(rows: slice) -> tuple[Floats, Floats]:
        pixels = np.broadcast_to(lifted[rows], (rows.stop - rows.start, width, 3)).astype(np.float32) / top
        gain = gain_at(rows)
        level = np.where(gain > LEAST_GAIN, gain * np.float32(options.denoise * sigma), np.float32(0.0))
        return pixels, level

    out = np.empty_like(lifted)
    for rows, clean in model.cleaned(read, height, width, job=job):
        before = lifted[rows].astype(np.float32) / top
        if channels == 1:
            clean = clean.mean(axis=2, keepdims=True)
        share = (1 - 1 / gain_at(rows))[..., None]
        out[rows] = np.rint(np.clip(before + share * (clean - before), 0.0, 1.0) * top)
    return out


def _smoothed(plane: Floats, eps: Floats) -> Floats:
    mean = box_mean(plane, RADIUS)
    variance = np.maximum(box_mean(plane * plane, RADIUS) - mean * mean, 0.0)
    slope = np.where(eps > 0, variance / np.maximum(variance + eps, 1e-12), 1.0).astype(np.float32)
    smooth: Floats = box_mean(slope, RADIUS) * plane + box_mean((1 - slope) * mean, RADIUS)
    return smooth
