"""Words adapted to the picture at hand, in forms that need no training.

Symbols: t (C, D) unit-norm words, z (X, D) unit-norm features of the picture's cells or regions, z_bar their mean,
scaled to unit norm, strength g.

    context    t' = norm(t + g A(t, [z_bar; z])),  A(t, m) = softmax(t m^T / tau) m,  tau = 0.07
               post-model prompting of DenseCLIP (Rao et al. 2022, arXiv:2112.01518: t <- t + gamma v_post) with
               a decoder of one layer and one head whose projections are the identity; there gamma starts at 1e-4 and is
               learnt, here g is the visitor's
    content    t' = norm(t + g A(t, z)),  tau = 0.02
               content-dependent transfer of MAFT+ (Jiao et al. 2024, arXiv:2408.00744: T' = LN(T + W MHA(T, P)))
               with W the identity; the sharp tau lets a word take in only the cells that it fits best

g = 0 gives back the words bit by bit (the oracle of both cards). Learnt weights for either form were published on
drives that the hub does not download from, so there is no trained form here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.calibration import probabilities, unit_rows
from demos.segmentation.options import TextRefinement

CONTEXT_TAU = 0.07
CONTENT_TAU = 0.02
Rows = NDArray[np.float32]


def refined(words: Rows, features: Rows, how: TextRefinement, strength: float) -> Rows:
    """Adapt words to a picture.

    Args:
        words: (C, D) float32, unit norm.
        features: Of the picture, (X, D) float32, unit norm; X = 0 changes nothing.
        how: Which form; ``"none"`` changes nothing.
        strength: g in [0, 1].

    Returns:
        (C, D) float32, unit norm; ``words`` itself where nothing changes.
    """
    if how == "none" or strength == 0.0 or not len(features):
        return words
    memory = features
    if how == "context":
        memory = np.concatenate([unit_rows(features.mean(axis=0, keepdims=True)), features])
    tau = CONTEXT_TAU if how == "context" else CONTENT_TAU
    weights = probabilities(words @ memory.T, "softmax", temperature=tau)
    return unit_rows(words + np.float32(strength) * (weights @ memory))
