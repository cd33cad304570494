"""Colours of labels: the same name has the same colour everywhere, and labels of one picture differ.

A name's hash picks a place in a fixed table of hues. Where that is too much like a colour that an earlier name of the
picture has, the later one moves on to the next that is not, or to the one least like them. ``other`` is a neutral grey.

Likeness is "redmean": d^2 = (2 + r/256) dR^2 + 4 dG^2 + (2 + (255 - r)/256) dB^2 with r the mean of both reds, a cheap
stand-in for CIELUV (Riemersma, www.compuphase.com/cmetric.htm); black and white are 765 apart.
"""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Mapping, Sequence

from core.labels import key_of

Rgb = tuple[int, int, int]
OTHER_RGB: Rgb = (110, 114, 120)
_HUES = 20
# Lightness and saturation, one turn of hues after the other.
_RINGS = ((0.52, 0.85), (0.68, 0.75), (0.38, 0.80), (0.58, 0.45))
_STEP = 7  # hues on from one place of the table to the next; 7 and 20 share no factor, so a ring uses every hue
APART = 200.0  # redmean; two hues on a ring that are nearer look like one over a photo


def _table() -> tuple[Rgb, ...]:
    found = []
    for lightness, saturation in _RINGS:
        for place in range(_HUES):
            channels = colorsys.hls_to_rgb(place * _STEP % _HUES / _HUES, lightness, saturation)
            found.append((round(255 * channels[0]), round(255 * channels[1]), round(255 * channels[2])))
    return tuple(found)


TABLE = _table()


def colours_of(names: Sequence[str], chosen: Mapping[str, Rgb]) -> tuple[Rgb, ...]:
    """A colour for each name.

    Args:
        names: Labels of one picture, each once.
        chosen: What the visitor picked for some of them.

    Returns:
        Red, green and blue from 0 to 255; different for different names while the table lasts.
    """
    own = {key_of(name): colour for name, colour in chosen.items()}
    found: list[Rgb] = []
    for name in names:
        key = key_of(name)
        if key in own:
            red, green, blue = own[key]
            found.append((int(red), int(green), int(blue)))
        else:
            found.append(_free_colour(key, [OTHER_RGB, *found]))
    return tuple(found)


def _free_colour(key: str, taken: Sequence[Rgb]) -> Rgb:
    """The name's own colour, or the first after it that stands apart from those that are taken."""
    start = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % _HUES
    turn = [TABLE[(start + step) % len(TABLE)] for step in range(len(TABLE))]
    room = [min(unlikeness(colour, other) for other in taken) for colour in turn]
    best = max(room)
    if best == 0.0:
        return turn[0]
    return turn[next(at for at, value in enumerate(room) if value >= min(APART, best))]


def unlikeness(first: Rgb, second: Rgb) -> float:
    """Redmean distance of two colours, from 0 to 765."""
    red = (first[0] + second[0]) / 2
    dr, dg, db = (a - b for a, b in zip(first, second, strict=True))
    return float(((2 + red / 256) * dr**2 + 4 * dg**2 + (2 + (255 - red) / 256) * db**2) ** 0.5)
