"""Twelve named colours and the materials that toys are made of."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

Rgb = tuple[float, float, float]

# Name -> (hue, saturation, value) in [0, 1] and how far each may wander; sRGB, chosen so that no two names overlap.
COLOUR_HSV: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "red": ((0.995, 0.86, 0.80), (0.012, 0.08, 0.10)),
    "orange": ((0.072, 0.90, 0.94), (0.012, 0.07, 0.05)),
    "yellow": ((0.140, 0.84, 0.95), (0.012, 0.10, 0.04)),
    "green": ((0.345, 0.68, 0.58), (0.045, 0.14, 0.14)),
    "turquoise": ((0.485, 0.66, 0.72), (0.018, 0.12, 0.10)),
    "blue": ((0.600, 0.78, 0.72), (0.028, 0.12, 0.14)),
    "purple": ((0.765, 0.60, 0.62), (0.025, 0.10, 0.12)),
    "pink": ((0.935, 0.46, 0.94), (0.025, 0.08, 0.05)),
    "brown": ((0.068, 0.62, 0.42), (0.014, 0.08, 0.09)),
    "black": ((0.600, 0.10, 0.095), (0.400, 0.08, 0.04)),
    "grey": ((0.600, 0.04, 0.50), (0.400, 0.03, 0.08)),
    "white": ((0.100, 0.03, 0.94), (0.080, 0.02, 0.04)),
}
COLOURS: tuple[str, ...] = tuple(COLOUR_HSV)

PATTERNS = (
    "plain", "wood", "stripes", "bands", "dots", "checks", "bricks", "tiles", "speckles", "cloth", "grass", "planks",
    "plaid", "marble", "sand", "rows",
)  # fmt: skip
PATTERN_INDEX = {name: i for i, name in enumerate(PATTERNS)}

# Finish -> (roughness, metalness, specular strength): how the surface answers light.
FINISHES: dict[str, tuple[float, float, float]] = {
    "matt": (0.75, 0.0, 0.35),
    "satin": (0.42, 0.0, 0.7),
    "glossy": (0.16, 0.0, 1.0),
    "glass": (0.06, 0.0, 2.2),
    "metal": (0.28, 1.0, 1.0),
    "wooden": (0.50, 0.0, 0.6),
    "cloth": (0.95, 0.0, 0.15),
}


@dataclass(frozen=True)
class Material:
    """What a part is painted with: sRGB colours in [0, 1], their pattern, and how it shines."""

    colour: str
    rgb: Rgb
    finish: str = "matt"
    pattern: str = "plain"
    second_rgb: Rgb = (1.0, 1.0, 1.0)
    pattern_size: float = 0.1  # of the toy's longest side (metres on a stage)
    is_unlit: bool = False

    def with_pattern(self, pattern: str, second_rgb: Rgb | None = None, size: float = 0.1) -> Material:
        """Return the material with a pattern; the second colour is a darker tone of the first unless given."""
        second = second_rgb or shade(self.rgb, 0.68)
        return replace(self, pattern=pattern, second_rgb=second, pattern_size=size)

    def with_finish(self, finish: str) -> Material:
        """Return the material with another finish."""
        return replace(self, finish=finish)


def shade(rgb: Rgb, factor: float) -> Rgb:
    """Return the colour times ``factor``, held to [0, 1]."""
    red, green, blue = (float(min(max(channel * factor, 0.0), 1.0)) for channel in rgb)
    return red, green, blue


def named_rgb(name: str, rng: Generator | None = None) -> Rgb:
    """Return an sRGB tone of a named colour: the middle one, or a random one within the name's bounds."""
    (hue, saturation, value), spread = COLOUR_HSV[name]
    if rng is not None:
        wander = rng.uniform(-1.0, 1.0, 3)
        hue = (hue + wander[0] * spread[0]) % 1.0
        saturation = float(np.clip(saturation + wander[1] * spread[1], 0, 1))
        value = float(np.clip(value + wander[2] * spread[2], 0, 1))
    return colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def paint(name: str, finish: str = "matt", rng: Generator | None = None) -> Material:
    """Return a plain material in a tone of a named colour; a wooden finish brings its grain."""
    material = Material(name, named_rgb(name, rng), finish)
    return material.with_pattern("wood", shade(material.rgb, 0.72), 0.09) if finish == "wooden" else material
