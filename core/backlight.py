"""Photos with a dark subject whose right answer is known: what training teaches on and benchmarks measure with.

    y = encode(decode(x) * 2^(-EV m) + noise),  m in [0, 1] a mask with a soft edge, decode the sRGB curve

so that the subject loses EV stops of light as a camera sees it: in linear light, with noise of photons (its variance
grows with the light) and of reading.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float32]
PHOTON_NOISE, READ_NOISE = 0.00015, 0.0006  # variance per unit of light; deviation; a phone at ISO 400 or so


def to_linear(values: Floats) -> Floats:
    """The sRGB curve, display light to linear light, both in [0, 1]."""
    linear: Floats = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return linear


def to_display(values: Floats) -> Floats:
    """The inverse of :func:`to_linear`."""
    values = np.clip(values, 0.0, 1.0)
    shown: Floats = np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055).astype(
        np.float32
    )
    return shown


def drawn_mask(height: int, width: int, rng: Generator) -> Floats:
    """A random subject, (H, W) in [0, 1]: one to three ellipses, or a side of the picture, with a soft ragged edge."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height - 0.5, x / width - 0.5
    field = np.full((height, width), -1.0, np.float32)
    if rng.random() < 0.25:  # everything below or beside a line
        angle = rng.uniform(0, 2 * math.pi)
        field = math.cos(angle) * x + math.sin(angle) * y - np.float32(rng.uniform(-0.2, 0.2))
    else:
        for _ in range(int(rng.integers(1, 4))):
            centre = rng.uniform(-0.3, 0.3, 2)
            radius = rng.uniform(0.12, 0.38, 2)
            angle = rng.uniform(0, math.pi)
            u = math.cos(angle) * (x - centre[0]) + math.sin(angle) * (y - centre[1])
            v = math.cos(angle) * (y - centre[1]) - math.sin(angle) * (x - centre[0])
            distance = np.sqrt((u / radius[0]) ** 2 + (v / radius[1]) ** 2)
            field = np.maximum(field, (1.0 - distance) * float(radius.min()))
    waves = sum(  # a ragged edge
        rng.uniform(-0.03, 0.03)
        * np.sin(2 * math.pi * (rng.uniform(-4, 4) * x + rng.uniform(-4, 4) * y) + rng.uniform(0, 6.3))
        for _ in range(4)
    )
    soft = 10 ** rng.uniform(-2.3, -1.2)
    mask: Floats = (1 / (1 + np.exp(np.clip(-(field + waves) / soft, -60, 60)))).astype(np.float32)
    return mask


def darkened(rgb: Floats, mask: Floats, stops: float, rng: Generator, *, noise: float = 1.0) -> Floats:
    """Take ``stops`` EV of light from where the mask is 1, with sensor noise; (H, W, 3) display light in [0, 1].

    ``noise`` scales the noise: a small copy of a photo has the mean of many pixels.
    """
    light = to_linear(rgb) * np.exp2(-stops * mask)[..., None]
    deviation = np.sqrt(PHOTON_NOISE * light + READ_NOISE**2)
    noisy = light + np.float32(noise) * deviation * rng.standard_normal(light.shape, np.float32)
    return to_display(np.clip(noisy, 0.0, 1.0))
