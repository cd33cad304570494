"""From a small illumination map to a photo at full resolution, in bands of rows, so that memory stays bounded.

Symbols: x a photo in display light [0, 1], g its luma, I the map (1: enough light), s the strength.

    I               core.light_field
    enhanced        y = clamp(x / I^s'),  s' = s (1 - p_h h(g)) (1 - p_s k(g)),  h and k smooth steps of the luma

s = 0 gives x back bit by bit. All that a pixel needs is the small a and b and the pixel: bands cannot show seams.

The division is that of core.light_net.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from core.light_field import Floats, LightField, Values, luma_weights, neighbours
from core.tasks import Job
from demos.enhancement.options import EnhanceOptions

BAND_PX = 400_000  # pixels of a band: its floats stay near the processor
THREADS = 2
HIGHLIGHTS = (0.5, 0.9)  # lumas between which protection sets in
SHADOWS = (0.02, 0.2)


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
    columns = neighbours(np.arange(width), width, field.slope.shape[1])
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
