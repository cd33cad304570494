"""Whether a sound is there at all: what its mask lets through, moment by moment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.sep_spectrogram import HOP, RATE_HZ

PRESENCE_S = 2.0  # a sound that is heard this long is there
QUIET = 0.01  # of the mean loudness: moments below it say nothing about presence
_STEPS = 4  # of one window
_COMPRESSION = 0.5  # exponent of magnitudes, so that the loudest partial is not everything


def presence_over_time(logits: NDArray[np.float16], picture: NDArray[np.float16]) -> tuple[NDArray[np.float32], float]:
    """How much of the sound each query's mask lets through, by moments.

    Args:
        logits: (Q, F, rows).
        picture: (F, rows) log magnitudes.

    Returns:
        (Q, S) shares in [0, 1] over windows of 2 s, and the seconds between two of them (0.5). A query's presence is
        the largest of its shares.
    """
    step = max(round(PRESENCE_S / _STEPS * RATE_HZ / HOP), 1)
    count = -(-len(picture) // step)
    through, whole = np.zeros((len(logits), count)), np.zeros(count)
    for moment in range(count):
        part = slice(moment * step, (moment + 1) * step)
        weights = np.exp(_COMPRESSION * picture[part].astype(np.float32))
        whole[moment] = weights.sum()
        masks = 1.0 / (1.0 + np.exp(-logits[:, part].astype(np.float32)))
        through[:, moment] = (masks * weights).sum((1, 2))
    smooth = _over_windows(whole)
    shares = np.stack([_over_windows(row) for row in through]) / np.maximum(smooth, 1e-12)
    found = np.where(smooth < QUIET * smooth.mean(), 0.0, shares)
    return found.astype(np.float32), step * HOP / RATE_HZ


def _over_windows(row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over windows of four steps; over everything where there are fewer."""
    if len(row) < _STEPS:
        return np.full(len(row), row.sum())
    return np.convolve(row, np.ones(_STEPS), "same")
