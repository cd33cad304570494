"""Where each word is likely, without regions: the pixel-text score map of DenseCLIP's first stage.

    s_xk = p(k | f_x),   f_x the dense feature of a cell, against the other words and the negatives

Source: Rao et al. 2022, "DenseCLIP", arXiv:2112.01518, section 3.2; probabilities here are those that name regions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.image_text import ImageTextModel
from core.labels import Label
from core.tasks import Job
from demos.segmentation.analysis import Analysis
from demos.segmentation.answers import Segmentation
from demos.segmentation.labelling import adapted
from demos.segmentation.options import SegmentOptions
from demos.segmentation.scores import scores
from demos.segmentation.words import encode_words, read_words

MOST_MAPS = 40  # words; the largest of the picture where there are more


def words_of(found: Segmentation, labels: str) -> tuple[Label, ...]:
    """The words of an answer's legend, as typed with their synonyms or as found; the largest first if too many."""
    typed = {label.name: label for label in read_words(labels)[0]} if found.mode == "labels" else {}
    rows = sorted(found.labels[1:], key=lambda row: -row.share)[:MOST_MAPS]
    return tuple(typed.get(row.name, Label(row.name)) for row in sorted(rows, key=lambda row: row.index))


def heat_maps(
    analysis: Analysis,
    words: Sequence[Label],
    options: SegmentOptions,
    *,
    clip: ImageTextModel,
    job: Job | None = None,
) -> NDArray[np.float32] | None:
    """Probability of each word in each cell of the dense features.

    Args:
        analysis: Of the picture, made with the same ``clip``.
        words: At least one.
        options: Templates, sharpness, negatives.
        clip: The encoder; words that it has seen cost nothing.
        job: Cancel.

    Returns:
        (h, w, C) float32 in [0, 1], or None where there are no dense features.
    """
    if analysis.grid is None or not words:
        return None
    ready = adapted(encode_words(words, options, model=clip, job=job), analysis.grid, options)
    return scores(ready.cosines(analysis.grid), ready.negative_cosines(analysis.grid), ready.head).words
