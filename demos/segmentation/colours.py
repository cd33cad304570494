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

import numpy as np
from numpy.typing import NDArray

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
    room = unlikeness(np.array(TABLE), OTHER_RGB)  # of each place of the table to the nearest colour that is taken
    for name in names:
        key = key_of(name)
        red, green, blue = own[key] if key in own else _free_colour(key, room)
        found.append((int(red), int(green), int(blue)))
        room = np.minimum(room, unlikeness(np.array(TABLE), found[-1]))
    return tuple(found)


def _free_colour(key: str, room: NDArray[np.float64]) -> Rgb:
    """The name's own colour, or the first after it that stands apart from those that are taken."""
    start = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % _HUES
    best = room.max()
    if best == 0.0:
        return TABLE[start]
    return TABLE[(start + int((np.roll(room, -start) >= min(APART, best)).argmax())) % len(TABLE)]


def unlikeness(first: NDArray[np.integer] | Rgb, second: NDArray[np.integer] | Rgb) -> NDArray[np.float64]:
    """Redmean distance of colours, (..., 3) each: from 0 to 765."""
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    red = (one[..., 0] + other[..., 0]) / 2
    squares = (one - other) ** 2
    weights = np.stack([2 + red / 256, np.full_like(red, 4.0), 2 + (255 - red) / 256], axis=-1)
    return np.sqrt((weights * squares).sum(axis=-1))
