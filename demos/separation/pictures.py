"""Spectrograms of mixture, mask, stem and rest, on one log-like frequency axis and one scale of decibels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.draw import turbo
from core.sep_spectrogram import ROWS, row_of
from demos.separation.answers import Heard
from demos.separation.masks import masks_of
from demos.separation.options import SeparateOptions

Rgb = NDArray[np.uint8]
RANGE_DB = 70.0
MOST_COLUMNS = 800
TICKS_HZ = (100, 500, 1_000, 2_000, 4_000, 8_000)
_DB = 20 / np.log(10)  # from a natural logarithm of a magnitude


@dataclass(frozen=True, eq=False)
class Pictures:
    """What to show, each (256, W, 3) uint8, low frequencies below, W at most 800.

    Attributes:
        mixture: The input.
        masks: One a query, black 0 to white 1.
        stems: One a query.
        rest: What is left.
        top_db: Level of the brightest colour; ``RANGE_DB`` below it everything is darkest.
        seconds: Length of the sound.
    """

    mixture: Rgb
    masks: tuple[Rgb, ...]
    stems: tuple[Rgb, ...]
    rest: Rgb
    top_db: float
    seconds: float


def draw(heard: Heard, options: SeparateOptions) -> Pictures:
    """Draw everything of one separation; works on the stored masks and needs no sound."""
    columns = min(len(heard.picture), MOST_COLUMNS)
    edges = np.linspace(0, len(heard.picture), columns + 1).astype(int)
    magnitudes = np.empty((columns, ROWS), np.float32)
    shares = np.empty((len(heard.logits), columns, ROWS), np.float32)
    for column, (start, stop) in enumerate(zip(edges, edges[1:], strict=False)):
        part = np.exp(heard.picture[start:stop].astype(np.float32))
        magnitudes[column] = part.mean(0)
        masks = masks_of(heard.logits[:, start:stop], options.strength, options.softness)
        shares[:, column] = (masks * part).mean(1) / np.maximum(magnitudes[column], 1e-12)
    top_db = float(_DB * np.log(max(float(magnitudes.max()), 1e-10)))
    return Pictures(
        _coloured(magnitudes, top_db),
        tuple(_grey(share) for share in shares),
        tuple(_coloured(share * magnitudes, top_db) for share in shares),
        _coloured(np.clip(1 - shares.sum(0), 0, 1) * magnitudes, top_db),
        top_db,
        heard.sound.seconds,
    )


def ticks(height_px: int = ROWS) -> tuple[tuple[int, float], ...]:
    """Labels of the frequency axis: Hz, and the place from the top in pixels."""
    rows = row_of(np.array(TICKS_HZ, np.float64))
    return tuple((hz, float((1 - row / (ROWS - 1)) * height_px)) for hz, row in zip(TICKS_HZ, rows, strict=True))


def _coloured(magnitudes: NDArray[np.float32], top_db: float) -> Rgb:
    decibels = _DB * np.log(np.maximum(magnitudes, 1e-10))
    return np.ascontiguousarray(turbo((decibels - top_db) / RANGE_DB + 1).transpose(1, 0, 2)[::-1])


def _grey(mask: NDArray[np.float32]) -> Rgb:
    return np.repeat(np.rint(np.clip(mask, 0, 1) * 255).astype(np.uint8).T[::-1, :, None], 3, axis=2)
