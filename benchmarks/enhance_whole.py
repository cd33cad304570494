"""What the small map loses: the same network run on the whole photo, without a small copy and without its drawing.

Both divide the same photo, well-lit and with a subject in the dark; the error is between the two results.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Measurement
from core.backlight import darkened, drawn_mask
from demos.enhancement.methods import LightSource
from demos.enhancement.options import Method

Floats = NDArray[np.float32]
Rgb = NDArray[np.uint8]
STOPS = 2.5  # EV that the subjects in the dark lose


def divided(rgb: Rgb, light: Floats) -> Floats:
    """A picture by its light, in [0, 1]."""
    made: Floats = np.clip(rgb / np.float32(255) / light[..., None], 0, 1)
    return made


def psnr(error: Floats, weight: NDArray[np.float64] | None = None) -> float:
    """-10 log10 of the (weighted) mean squared error; of (H, W, 3) in [0, 1]."""
    squares = np.square(error.astype(np.float64)).mean(axis=2)
    mean = squares.mean() if weight is None else float((squares * weight).sum() / max(weight.sum(), 1.0))
    return float(-10 * np.log10(max(mean, 1e-10)))


def as_given_and_backlit(pictures: Sequence[Floats]) -> list[tuple[str, Rgb]]:
    """Each picture (H, W, 3) in [0, 1] as it is, and with its subject darkened by ``STOPS`` EV."""
    rng, made = np.random.default_rng(11), []
    for picture in pictures:
        dark = darkened(picture, drawn_mask(*picture.shape[:2], rng), STOPS, rng)
        made += [
            (kind, np.rint(values * 255).astype(np.uint8))
            for kind, values in (("well-lit", picture), ("backlit", dark))
        ]
    return made


def measure_whole(
    pictures: Sequence[Floats], method: Method, model: LightSource, way: Callable[[Rgb], Rgb]
) -> tuple[list[Measurement], float]:
    """How far a way's results are from those of the network on whole photos, and the network's CPU seconds a pixel."""
    found: dict[str, list[float]] = {}
    spent_s, pixels = 0.0, 0
    for kind, rgb in as_given_and_backlit(pictures):
        start_s = time.process_time()
        light = model.light(rgb, method)
        spent_s, pixels = spent_s + time.process_time() - start_s, pixels + light.size
        ours = way(rgb).astype(np.float32) / np.float32(255)
        found.setdefault(kind, []).append(psnr(divided(rgb, light) - ours))
    longest = max(max(picture.shape) for picture in pictures)
    rows = [
        Measurement(
            f"agreement with the network on whole {kind} photos of {longest} px, dB", float(np.mean(values)), None, "",
            31.0, True, f"map at {model.map_px} px; each: {', '.join(f'{value:.1f}' for value in values)}",
        )
        for kind, values in found.items()
    ]  # fmt: skip
    return rows, spent_s / pixels
