"""From cosines to probabilities of words, and the tests that a region must pass to be named.

Symbols: c_k cosine of a region with word k, n_b cosine with negative b, s scale (temperature and sharpness inside),
p_k probability of word k, p_other that of the negatives together.

    p = softmax(s c_1, ..., s c_C, s max_b n_b)          the nearest negative competes as one more class
    SigLIP: p_k = sigmoid(s c_k + b), scaled down where they sum to more than 1 - sigmoid(s max_b n_b + b)

The nearest negative and not each of them: twenty words for background would outvote a word by their number alone.

A region is named k = argmax p if p_k >= threshold_k, p_k > p_other and p_k - p_second >= margin. With a single word
and no negatives its probability is 1 wherever it is asked (DenseCLIP's oracle for the one-class trap), so the
negatives always stand beside a single word (OVSeg adds "others" there).

What surrounds things reaches the picture's border on all sides. With b the share of the border that a mask holds,
the odds of every thing against "other" and against words for surroundings fall by exp(-``BORDER_ODDS`` b):

    p_k' = p_k exp(-3 b) z for things, p_k z for the others, p_other' = p_other z,  z so that the sum stays

Source of the cue: boundary connectivity, Zhu et al. 2014, Saliency Optimization from Robust Background Detection
(CVPR); there b is taken relative to the root of the area. On 40 tuning scenes it took back all three masks of the
whole ground that had become a bird, an owl and a pencil.

Ensemble of two ways of looking (geometric mean, FC-CLIP, Yu et al. 2023, arXiv:2308.02487; OVSeg, Liang et al.
2023, arXiv:2210.04150): p_k ~ p_crop^w p_dense^(1 - w).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.calibration import probabilities
from demos.segmentation.words import Head

CROP_WEIGHT = 0.5  # w
BORDER_ODDS = 3.0
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Scores:
    """How regions (or pixels) score.

    Attributes:
        cosines: (..., C) float32.
        words: Probabilities of the words, (..., C) float32.
        other: Probability of the negatives, (...,) float32; 0 where there are none.
    """

    cosines: NDArray[np.float32]
    words: NDArray[np.float32]
    other: NDArray[np.float32]

    def take(self, rows: NDArray[np.intp]) -> Scores:
        """Some of the regions, in this order."""
        return Scores(self.cosines[rows], self.words[rows], self.other[rows])


def scores(cosines: NDArray[np.float32], negatives: NDArray[np.float32], head: Head) -> Scores:
    """Probabilities from cosines.

    Args:
        cosines: With the words, (..., C).
        negatives: With the negatives, (..., B); B = 0 leaves "other" out.
        head: The model's scale and kind.

    Returns:
        Words and other sum to 1 for a softmax model, to at most 1 for a sigmoid model.
    """
    with_other = negatives.shape[-1] > 0
    columns = [cosines]
    if with_other:
        columns.append(negatives.max(axis=-1, keepdims=True))
    logits = np.concatenate(columns, axis=-1) * np.float32(head.scale) + np.float32(head.bias)
    found = probabilities(logits, head.scoring)
    if head.scoring == "sigmoid":
        found = found / np.maximum(found.sum(axis=-1, keepdims=True), 1.0)
    count = cosines.shape[-1]
    other = found[..., count] if with_other else np.zeros(cosines.shape[:-1], np.float32)
    return Scores(cosines, found[..., :count], other)


def combined(crops: Scores, dense: Scores, weight: float = CROP_WEIGHT) -> Scores:
    """The geometric mean of two sets of probabilities, scaled to sum to 1 with "other".

    Args:
        crops: Of the cut-outs.
        dense: Of the dense features, same shapes.
        weight: w; 1 takes the cut-outs alone, 0 the dense features alone.
    """
    both = [np.concatenate([s.words, s.other[..., None]], axis=-1).astype(np.float64) for s in (crops, dense)]
    mixed = np.exp(weight * np.log(both[0] + _TINY) + (1.0 - weight) * np.log(both[1] + _TINY))
    mixed = (mixed / mixed.sum(axis=-1, keepdims=True)).astype(np.float32)
    cosines = (weight * crops.cosines + (1.0 - weight) * dense.cosines).astype(np.float32)
    return Scores(cosines, mixed[..., :-1], mixed[..., -1])


def against_border(found: Scores, border: NDArray[np.floating], are_things: NDArray[np.bool_]) -> Scores:
    """Make things less likely the more of the picture's border a mask holds.

    Args:
        found: Scores of N masks.
        border: (N,) share of the picture's border in each mask, 0 to 1.
        are_things: (C,) which words name things.
    """
    odds = np.where(are_things, np.exp(-BORDER_ODDS * border)[:, None], 1.0)
    words = found.words * odds
    before, after = found.words.sum(axis=1) + found.other, words.sum(axis=1) + found.other
    scale = before / np.maximum(after, _TINY)
    return Scores(found.cosines, (words * scale[:, None]).astype(np.float32), (found.other * scale).astype(np.float32))


def named(found: Scores, thresholds: NDArray[np.float32], margin: float) -> NDArray[np.intp]:
    """Which word each region passes for.

    Args:
        found: Scores of N regions (or pixels), any leading shape.
        thresholds: Of each word, (C,).
        margin: Least lead over the second word.

    Returns:
        (...,) position of the word + 1, 0 = other.
    """
    best = found.words.argmax(axis=-1)
    top = np.take_along_axis(found.words, best[..., None], axis=-1)[..., 0]
    passes = (top >= thresholds[best]) & (top > found.other)
    if margin > 0.0 and found.words.shape[-1] > 1:
        second = np.partition(found.words, -2, axis=-1)[..., -2]
        passes &= top - second >= margin
    return np.where(passes, best + 1, 0)
