"""What CLIP says of light, as losses: RAVE's residual vector, CLIP-LIT's prompts, and the identity that holds both.

Symbols: Phi(x) unit embedding of picture x, v+ and v- the unit means of well-lit and of backlit pictures.

    v_r = norm(v+ - v-),  t = <v+, v_r>                     residual vector and threshold (RAVE)
    L_res  = mean (<Phi(y), v_r> - t)^2                     y goes where well-lit pictures lie, no further
    L_clip = mean softmax(100 cos(Phi(y), prompts))[0]      probability of "backlit" (CLIP-LIT)
    L_id   = sum_l w_l MSE(F_l(y), F_l(x)) / mean F_l(x)^2  features of the enhanced picture stay those of the input
    L_rank = sum max(0, margin - (p_worse - p_better))      p the probability of "backlit" (refinement of prompts)
    shift:   v_r <- norm(v_r - <v_r, e> e),  e = norm(norm(mean of top words, weighted) + norm(the same, bottom))

Totals, as in the authors' code: RAVE 6 x 320 L_res + 0.9 x 25 L_id; CLIP-LIT 320 L_clip + 0.9 x 25 L_id.
Deviation: the authors take F_l from a second CLIP (RN101) and do not divide by the features' own size; here F_l are
levels of the guiding model itself, and the division makes the weight hold for any model.

Sources: Gaintseva et al. 2024, arXiv:2404.01889, and Liang et al. 2023, arXiv:2303.17569, with their published code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.calibration import unit_rows

if TYPE_CHECKING:
    from torch import Tensor

Rows = NDArray[np.float32]
GUIDANCE_WEIGHT = 320.0  # 16 x 20 in the authors' code
RESIDUAL_WEIGHT = 6.0 * GUIDANCE_WEIGHT
IDENTITY_WEIGHT = 0.9 * 25.0
PROMPT_SCALE = 100.0  # CLIP's logit scale
LAST_LEVEL = 0.5  # weight of the last level of features; the others have 1
SHIFTED_WORDS = 15  # of each end, in the authors' code


@dataclass(frozen=True, eq=False)
class Residual:
    """A direction of light.

    Attributes:
        vector: v_r, (D,) float32, unit norm.
        threshold: t, the projection of the well-lit mean.
    """

    vector: Rows
    threshold: float

    def score(self, embeddings: Rows) -> Rows:
        """<Phi(x), v_r> - t of unit embeddings (N, D): 0 is the middle of the well-lit, below it is darker."""
        scores: Rows = (embeddings @ self.vector - np.float32(self.threshold)).astype(np.float32)
        return scores


def residual_of(well_lit: Rows, backlit: Rows) -> Residual:
    """Residual vector and threshold of two groups of pictures (or of phrases).

    Args:
        well_lit: (N, D) embeddings of any positive length.
        backlit: (M, D).

    Raises:
        ValueError: the means of both groups are one and the same: there is no direction.
    """
    positive = unit_rows(unit_rows(well_lit).mean(axis=0, keepdims=True))[0]
    negative = unit_rows(unit_rows(backlit).mean(axis=0, keepdims=True))[0]
    difference = positive - negative
    if float(np.linalg.norm(difference)) < 1e-4:
        raise ValueError("both groups have the same mean")
    vector = unit_rows(difference[None])[0]
    return Residual(vector, float(positive @ vector))


def without_words(residual: Residual, top: Rows, bottom: Rows, positive: Rows) -> Residual:
    """RAVE's shift: take what named words have in common out of a direction.

    Args:
        residual: The direction.
        top: Embeddings of words that the well-lit end has and that do not mean light, (K, D) unit norm; may be empty.
        bottom: The same of the other end.
        positive: Embeddings of the well-lit group, (N, D), for the new threshold.

    Returns:
        The direction without them; itself where no word is given.

    Raises:
        ValueError: nothing is left of the direction.
    """
    ends = [_weighted_mean(rows, residual.vector) for rows in (top, bottom) if len(rows)]
    if not ends:
        return residual
    axis = unit_rows(np.sum(ends, axis=0)[None])[0]
    vector = residual.vector - float(residual.vector @ axis) * axis
    if float(np.linalg.norm(vector)) < 1e-4:
        raise ValueError("nothing is left of the direction")
    vector = unit_rows(vector[None])[0]
    mean = unit_rows(unit_rows(positive).mean(axis=0, keepdims=True))[0]
    return Residual(vector, float(mean @ vector))


def _weighted_mean(rows: Rows, vector: Rows) -> Rows:
    """norm(mean of words, each times its own cosine with the direction)."""
    mean: Rows = unit_rows(((rows @ vector)[:, None] * rows).mean(axis=0, keepdims=True))[0]
    return mean


def residual_loss(embeddings: Tensor, vector: Tensor, threshold: float) -> Tensor:
    """L_res of unit embeddings (N, D); known answer: v_r = (1, -1) / sqrt 2, t = 1 / sqrt 2, (0.8, 0.6) -> 0.32."""
    return (embeddings @ vector - threshold).square().mean()


def backlit_share(embeddings: Tensor, prompts: Tensor) -> Tensor:
    """p(backlit) of unit embeddings (N, D) by unit prompts (2, D), the first of which is "backlit"; (N,)."""
    return (PROMPT_SCALE * embeddings @ prompts.T).softmax(-1)[:, 0]


def ranking_loss(worse: Tensor, better: Tensor, margin: float) -> Tensor:
    """Mean of max(0, margin - (p_worse - p_better)) over pairs of p(backlit), each (N,)."""
    return (margin - (worse - better)).clamp_min(0.0).mean()


def identity_loss(enhanced: Sequence[Tensor], given: Sequence[Tensor], *, last: float = LAST_LEVEL) -> Tensor:
    """L_id of features by level, each (N, ...); summed over levels and over the batch as in the authors' code."""
    total = enhanced[0].new_zeros(())
    for place, (ours, theirs) in enumerate(zip(enhanced, given, strict=True)):
        weight = last if place == len(given) - 1 else 1.0
        theirs = theirs.detach()
        error = (ours - theirs).square().flatten(1).mean(1) / theirs.square().mean().clamp_min(1e-8)
        total = total + weight * error.sum()
    return total
