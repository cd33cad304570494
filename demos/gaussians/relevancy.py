"""How well things fit a word, and where to cut: LangSplat's formulas (Qin et al. 2024, arXiv:2312.16084, and its code).

    relevancy(x) = min_j softmax(s [x.q, x.n_j])_0 = sigmoid(s (x.q - max_j x.n_j)),  s = 10, negatives n_j
    smoothed     v = 1/2 (relevancy + its mean over 30 x 30 pixels, borders mirrored without repeating the edge)
    level        argmax over levels of max v
    mask         v stretched to [0, 1], doubled, less 1, cut to [0, 1], above 0.4; then a 7 x 7 majority vote

Stretching makes a mask appear whatever the word: that is why the absolute peak is told and can say "not found".
Two other cuts: Otsu's (1979), and the middle of the widest range of thresholds over which mask area and mean score
hardly change (after Occam's LGS, Cheng et al. 2024, arXiv:2412.01807).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from demos.gaussians.options import Threshold
from demos.gaussians.scene import Floats

_REACH_PX = 3  # of the majority vote: 7 x 7
_BINS = 256
_EPSILON = 1e-9  # LangSplat's, against a division by 0

_SWEEP = np.arange(1, 100) / 100  # thresholds tried, of the stretched map
_STABLE_RUN = 5
_MEDIAN = 5
_TOLERANCE = 0.35
_AREA = (0.001, 0.95)  # of the picture; masks outside are nothing or everything


def relevancy(positive: Floats, negatives: Floats, *, temperature: float = 10.0) -> Floats:
    """Cosines with the query (...,) and with J negatives (..., J) -> relevancy (...,) float32 in (0, 1)."""
    excess = positive - negatives.max(axis=-1)
    return (1 / (1 + np.exp(-temperature * excess.astype(np.float64)))).astype(np.float32)


def box_mean(values: Floats, size: int) -> Floats:
    """Mean filter of ``size`` x ``size``, borders mirrored (reflect-101), as OpenCV's filter2D places an even window.

    Output (i, j) is the mean over rows ``i - size // 2`` to ``i - size // 2 + size - 1``, columns likewise.
    """
    if size <= 1:
        return values
    from demos.gaussians.pixel_loops import box_sums

    height, width = values.shape
    means = np.empty_like(values)
    box_sums(np.ascontiguousarray(values), _mirrored(width, size), _mirrored(height, size), size, means)
    return means


def smoothed(values: Floats, size: int) -> Floats:
    """Half the map, half its box mean: LangSplat's v."""
    return np.float32(0.5) * (values + box_mean(values, size))


def majority(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """7 x 7 majority vote; a tie is no, and windows leave out the picture's last row and column, as LangSplat's do."""
    from demos.gaussians.pixel_loops import window_majority

    voted = np.empty(mask.shape, np.uint8)
    window_majority(np.ascontiguousarray(mask).view(np.uint8), _REACH_PX, voted)
    return voted.view(np.bool_)


def cut_at(values: Floats, how: Threshold, cut: float) -> float:
    """The value above which something belongs to the mask.

    Args:
        values: Relevancies of any shape, at least one.
        how: Which rule.
        cut: For "fixed": of the values stretched to [-1, 1].
    """
    low, high = float(values.min()), float(values.max())
    if how == "fixed":
        return low + (high - low + _EPSILON) * (1 + cut) / 2
    if high - low < 1e-6:
        return high
    shares = (values.reshape(-1) - low) / (high - low)
    share = otsu(shares) if how == "otsu" else stable(shares)
    return low + share * (high - low) if share is not None else cut_at(values, "fixed", cut)


def otsu(shares: Floats) -> float:
    """Threshold in [0, 1] that parts values in [0, 1] into two classes of least inner variance (256 bins)."""
    counts = np.bincount((shares * (_BINS - 1) + 0.5).astype(np.intp), minlength=_BINS).astype(np.float64)
    centres = np.arange(_BINS) / (_BINS - 1)
    below, mass = np.cumsum(counts), np.cumsum(counts * centres)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = mass / below - (mass[-1] - mass) / above
        between = np.where((below > 0) & (above > 0), below * above * gap * gap, -1.0)
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(centres[best].mean() + 0.5 / (_BINS - 1))  # the middle of an empty valley, above its own bin


def stable(shares: Floats) -> float | None:
    """Middle of the widest run of thresholds over which area and mean score hardly change; None if there is none.

    For thresholds 0.01 to 0.99 of values in [0, 1]: the area a and the mean m of what lies above. Their relative
    changes from one threshold to the next, added and median-filtered over 5, must stay below 0.35 of their own
    greatest value for at least 5 thresholds in a row, with the area between 0.1 and 95 % of all.
    """
    ordered = np.sort(shares.reshape(-1).astype(np.float64))
    first = np.searchsorted(ordered, _SWEEP, side="right")
    counts = len(ordered) - first
    sums = np.concatenate([np.cumsum(ordered[::-1])[::-1], [0.0]])
    area = counts / len(ordered)
    means = sums[first] / np.maximum(counts, 1)
    change = np.abs(np.diff(area)) / np.maximum(area[:-1], 1e-12) + np.abs(np.diff(means)) / np.maximum(
        means[:-1], 1e-12
    )
    change = _median(change)
    most = float(change[(area[:-1] > _AREA[0]) & (area[:-1] < _AREA[1])].max(initial=0.0))
    calm = (change <= _TOLERANCE * most) & (area[:-1] > _AREA[0]) & (area[:-1] < _AREA[1])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], calm.astype(np.int8), [0]])))
    runs = edges.reshape(-1, 2)
    runs = runs[runs[:, 1] - runs[:, 0] >= _STABLE_RUN]
    if not len(runs):
        return None
    begin, end = runs[np.argmax(runs[:, 1] - runs[:, 0])]
    return float((_SWEEP[begin] + _SWEEP[end - 1]) / 2)


def mask_of(values: Floats, how: Threshold, cut: float) -> tuple[NDArray[np.bool_], float]:
    """The mask of a smoothed map (H, W) after the majority vote, and the value that was the limit."""
    limit = cut_at(values, how, cut)
    return majority(values > np.float32(limit)), limit


def heat_shares(values: Floats) -> Floats:
    """LangSplat's heat: what lies above 1/2, in shares of the greatest; 0 everywhere if nothing does."""
    above = np.clip(values - np.float32(0.5), 0, 1)
    most = float(above.max(initial=0.0))
    return above / np.float32(most) if most > 0 else above


def _mirrored(length: int, size: int) -> NDArray[np.int64]:
    """Places of a line of ``length`` that a window of ``size`` meets, mirrored without repeating the edge."""
    if length == 1:
        return np.zeros(size, np.int64)
    period = 2 * (length - 1)
    places = np.abs(np.arange(-(size // 2), length + size - 1 - size // 2)) % period
    return np.where(places < length, places, period - places).astype(np.int64)


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Running median over 5, ends repeated."""
    reach = _MEDIAN // 2
    padded = np.pad(values, reach, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, _MEDIAN), axis=1)
