"""Whether a sound is there at all, moment by moment: by a head that learned to tell, or by what the masks let through.

The head is two linear maps with a product between them. One hears: pooled activations of the network on its way down,
and of the picture itself, give one number for each trained label. One reads: the query's embedding gives a weight for
each label, so that words that were never trained share in the labels near to them. Both are ridge regressions, fitted
in closed form when the network is trained (training/pocket_sep/presence.py); a curve makes a chance of their product.
Beside them lies what each label is called on the average of its trained words, which queries lean to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.sep_network import PRESENCE_BANDS, PRESENCE_CUTS, PRESENCE_LEVEL
from core.sep_spectrogram import HOP, RATE_HZ

if TYPE_CHECKING:
    from torch import Tensor, nn

PRESENCE_S = 2.0  # a sound that is heard this long is there
QUIET = 0.01  # of the mean loudness: moments below it say nothing about presence
_STEPS = 4  # of one window
_COMPRESSION = 0.5  # exponent of magnitudes, so that the loudest partial is not everything


def pooled(pictures: Tensor, levels: Sequence[Tensor]) -> Tensor:
    """What the head hears of windows.

    Args:
        pictures: (B, 1, H, W) as the network gets them; H a multiple of 64.
        levels: What core.sep_network.way_down gave for them.

    Returns:
        (B, P): means, deviations and maxima over time of 64 bands, then of every level from the third on the means and
        maxima over time in four bands, rectified.
    """
    import torch
    from torch.nn import functional

    bands = pictures[:, 0].unflatten(1, (PRESENCE_BANDS, -1)).mean(2)
    found = [bands.mean(-1), bands.std(-1), bands.amax(-1)]
    for level in levels[PRESENCE_LEVEL:]:
        heard = functional.relu(level)
        for pool in (functional.adaptive_avg_pool2d, functional.adaptive_max_pool2d):
            found.append(pool(heard, (PRESENCE_CUTS, 1)).flatten(1))
    return torch.cat(found, 1)


def chances(head: nn.Module, heard: Tensor, embeddings: Tensor) -> Tensor:
    """Chance that each query's sound is in each window: (B, P) and (Q, D) unit norm -> (Q, B)."""
    parts: Any = head
    labels = (heard - parts.mean) / parts.spread @ parts.weight.T + parts.bias
    weights = embeddings @ parts.queries.T + parts.offset
    return (parts.curve[0] * (weights @ labels.T) + parts.curve[1]).sigmoid()


def moments(windows: NDArray[np.float32], starts: Sequence[int], frames: int, size: int) -> NDArray[np.float32]:
    """Chances by window -> every half second, linearly between the windows' middles: (Q, B) -> (Q, S)."""
    step = _step()
    places = np.arange(-(-frames // step)) * step
    middles = np.array(starts) + size / 2
    return np.stack([np.interp(places, middles, row) for row in windows]).astype(np.float32)


def step_s() -> float:
    """Seconds between two moments."""
    return _step() * HOP / RATE_HZ


def _step() -> int:
    return max(round(PRESENCE_S / _STEPS * RATE_HZ / HOP), 1)


def let_through(logits: NDArray[np.float16], picture: NDArray[np.float16] | NDArray[np.float32]) -> NDArray[np.float32]:
    """How much of the sound each query's mask lets through, by moments: for networks without a presence head.

    Args:
        logits: (Q, F, rows).
        picture: (F, rows) log magnitudes.

    Returns:
        (Q, S) shares in [0, 1] over windows of 2 s, every half second.
    """
    step = _step()
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
    return found.astype(np.float32)


def _over_windows(row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over windows of four steps; over everything where there are fewer."""
    if len(row) < _STEPS:
        return np.full(len(row), row.sum())
    return np.convolve(row, np.ones(_STEPS), "same")
