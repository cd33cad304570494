"""Colours of labels: the same name has the same colour everywhere, and labels of one picture differ.

A name's hash picks a place in a fixed table of well separated hues; where two names of one picture meet, the later one
moves on to the next free place. ``other`` is a neutral grey.
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
    taken: set[int] = set()
    found: list[Rgb] = []
    for name in names:
        key = key_of(name)
        if key in own:
            red, green, blue = own[key]
            found.append((int(red), int(green), int(blue)))
            continue
        place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % _HUES
        if len(taken) < len(TABLE):
            while place in taken:
                place = (place + 1) % len(TABLE)
        taken.add(place)
        found.append(TABLE[place])
    return tuple(found)
