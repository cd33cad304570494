"""Names without labels: every region is held against some two thousand nouns, then only the nouns found compete.

OSM (Yu et al. 2023, arXiv:2311.08400) writes a name for each mask with a language model. In place of that model stands
a list; what is kept of the paper: the mask and its surroundings are looked at together (context box enlarged by half),
generic names are held back by what they score anywhere (their mean over pictures of all kinds), and the same greedy
merge follows. Two passes:

    1  f = norm(f_mask + 0.3 f_context);  noun(mask) = argmax_n f . t_n - m . t_n       over the whole list
    2  the nouns that won a region with at least ``FIRST_SCORE`` are the labels; regions are scored and merged as if
       they had been typed

so that a noun which only a fragment suggested must hold its ground against those of its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.calibration import unit_rows
from core.errors import InputError
from core.image_text import ImageTextModel
from core.labels import Label, read_labels
from core.tasks import Job
from demos.segmentation.analysis import Analysis
from demos.segmentation.dense import pooled
from demos.segmentation.options import MAX_LABELS, MAX_NOUNS, SegmentOptions
from demos.segmentation.scores import Scores, scores
from demos.segmentation.words import Words, encode_words

NOUNS_FILE = Path(__file__).with_name("data") / "nouns.txt"
CONTEXT_WEIGHT = 0.3
CONTEXT_SHARE = 0.5  # of the box's side, added around it in all
FIRST_SCORE = 0.02  # probability over the whole list; one of 2,000 by chance is 0.0005
MOST_NAMES = 60  # labels of the second pass
FEWEST_NAMES = 5  # that go on where none passed, to have something to show
PATCH_CELLS = 3  # side of the patches that are named where there are no masks


@cache
def bundled_nouns() -> str:
    """The bundled list, one topic a line, comma separated; what the page shows for editing."""
    lines = NOUNS_FILE.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def read_nouns(text: str) -> tuple[Label, ...]:
    """The nouns to choose from; empty text takes the bundled ones.

    Raises:
        InputError: too many, or one that cannot be read.
    """
    nouns = read_labels(text if text.strip() else bundled_nouns()).labels
    if len(nouns) > MAX_NOUNS:
        raise InputError(f"The vocabulary has {len(nouns):,} nouns; at most {MAX_NOUNS:,}.")
    return nouns


def with_context(regions: NDArray[np.float32], context: NDArray[np.float32]) -> NDArray[np.float32]:
    """Regions and what is around them: (N, D) and (N, D) unit norm -> (N, D) unit norm."""
    return unit_rows(regions + np.float32(CONTEXT_WEIGHT) * context)


def context_covers(
    boxes_xyxy: NDArray[np.floating], size_hw: tuple[int, int], grid_hw: tuple[int, int]
) -> NDArray[np.float32]:
    """Boxes enlarged by half, as shares of grid cells.

    Args:
        boxes_xyxy: (N, 4) in pixels.
        size_hw: Of the picture.
        grid_hw: Of the grid.

    Returns:
        (N, h, w) float32 in [0, 1].
    """
    boxes = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4)
    margin = CONTEXT_SHARE / 2 * (boxes[:, 2:] - boxes[:, :2])
    low, high = boxes[:, :2] - margin, boxes[:, 2:] + margin
    shares = []
    for axis in (1, 0):  # rows by y, then columns by x
        scale = grid_hw[1 - axis] / size_hw[1 - axis]
        cells = np.arange(grid_hw[1 - axis])
        start, stop = low[:, axis, None] * scale, high[:, axis, None] * scale
        shares.append(np.clip(np.minimum(stop, cells + 1) - np.maximum(start, cells), 0.0, 1.0))
    return (shares[0][:, :, None] * shares[1][:, None, :]).astype(np.float32)


def names_found(found: Scores, weights: NDArray[np.floating], names: Sequence[str]) -> tuple[int, ...]:
    """The nouns that go into the second pass.

    Args:
        found: Scores of N regions over all nouns, with "other".
        weights: (N,) importance of a region, its area for example; breaks ties and the limit.
        names: Of the nouns, (C,).

    Returns:
        Positions of the nouns, the most important first, at most ``MOST_NAMES``; empty if none passed.
    """
    if not len(found.words):
        return ()
    best = found.words.argmax(axis=1)
    top = found.words[np.arange(len(best)), best]
    passes = (top >= FIRST_SCORE) & (top > found.other)
    gained = np.bincount(best[passes], (np.asarray(weights, np.float64) * top)[passes], minlength=len(names))
    order = np.argsort(-gained, kind="stable")
    return tuple(int(n) for n in order[: min(MOST_NAMES, MAX_LABELS)] if gained[n] > 0)


def found_words(
    analysis: Analysis, options: SegmentOptions, *, clip: ImageTextModel, job: Job | None = None
) -> tuple[Words, Words]:
    """The first pass: which nouns this picture shows.

    Args:
        analysis: The picture.
        options: The list of nouns, "other", sharpness; templates are always a photo of one thing.
        clip: The encoder; its first look at a long list takes a second or two.
        job: Progress and Cancel.

    Returns:
        The nouns found, most important first, and all nouns. Where nothing passed: the few nearest ones.

    Raises:
        InputError: the list cannot be read.
        Cancelled: the job was cancelled.
    """
    nouns = encode_words(read_nouns(options.vocabulary), replace(options, templates="photo"), model=clip, job=job)
    vectors, weights = _things(analysis)
    found = scores(nouns.cosines(vectors), nouns.negative_cosines(vectors), nouns.head)
    chosen = names_found(found, weights, nouns.names)
    if not chosen:
        nearest = np.argsort(-found.words.max(axis=0, initial=0.0), kind="stable")
        chosen = tuple(int(n) for n in nearest[:FEWEST_NAMES])
    return nouns.chosen(chosen), nouns


def _things(analysis: Analysis) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """What may have a name, (N, D) unit norm, and how much of the picture each covers: masks, or patches of cells."""
    grid = analysis.grid
    if analysis.way == "dense":
        assert grid is not None, "the way dense keeps its grid"
        from scipy.ndimage import uniform_filter

        smooth = uniform_filter(grid, (PATCH_CELLS, PATCH_CELLS, 1), mode="nearest")
        flat = unit_rows(smooth.reshape(-1, grid.shape[-1]))
        return flat, np.ones(len(flat))
    puzzle = analysis.puzzle
    vectors = analysis.regions
    if grid is not None and len(vectors):
        around = context_covers(puzzle.boxes_xyxy.astype(np.float64), puzzle.size_hw, (grid.shape[0], grid.shape[1]))
        vectors = with_context(vectors, pooled(grid, around))
    return vectors, puzzle.mask_px.astype(np.float64)
