"""From an analysis and words to who is called what: one decision a mask, or one a pixel.

Everything here is arithmetic on what the models left behind; a change of words or thresholds costs milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.labels import key_of
from demos.segmentation.analysis import Analysis
from demos.segmentation.dense import covers, named_pixels, pooled
from demos.segmentation.merge import merge
from demos.segmentation.options import LEVELS, Level, SegmentOptions
from demos.segmentation.refine import refined
from demos.segmentation.regions import levels_of
from demos.segmentation.scores import Scores, against_border, combined, named, scores
from demos.segmentation.words import Words

_LEFT_OUT = -1  # label of a mask that takes no part
TRUST = 0.5  # exponent of the mask model's own trust beside the word's probability


@dataclass(frozen=True, eq=False)
class Labelled:
    """Who is called what.

    Attributes:
        label_map: (H, W) uint8, 0 = other.
        region_map: (H, W) int32, 0 = no region.
        labels: (R,) label of each region, 0 = other.
        scores: Of the regions; words (R, C).
        vectors: What each region looks like, (R, D) unit norm.
        levels: (R,) of the nesting.
        parents: (R,) id of the region around each, 0 for none.
        trust: (R, 2) predicted IoU and stability.
    """

    label_map: NDArray[np.uint8]
    region_map: NDArray[np.int32]
    labels: NDArray[np.intp]
    scores: Scores
    vectors: NDArray[np.float32]
    levels: tuple[Level, ...]
    parents: NDArray[np.intp]
    trust: NDArray[np.float32]


def adapted(words: Words, features: NDArray[np.float32], options: SegmentOptions) -> Words:
    """Words and negatives refined by the picture, if asked.

    Args:
        words: As they are.
        features: (..., D) unit norm, of the kind that the words are then held against: cut-outs, masks or cells.
        options: How, and how strongly.
    """
    if options.refinement == "none":
        return words
    features = features.reshape(-1, features.shape[-1])

    def adapt(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return refined(rows, features, options.refinement, options.refinement_strength)

    return replace(words, rows=adapt(words.rows), negatives=adapt(words.negatives))


def score_rows(
    words: Words, rows: Sequence[NDArray[np.float32] | None], options: SegmentOptions | None = None
) -> Scores:
    """Scores of regions that were described in one or two ways: cut-outs and dense features, None where not.

    With ``options`` the words are first adapted to each kind of description, if these ask for it.
    """
    found = []
    for vectors in rows:
        if vectors is not None:
            near = words if options is None else adapted(words, vectors, options)
            found.append(scores(near.cosines(vectors), near.negative_cosines(vectors), near.head))
    return found[0] if len(found) == 1 else combined(found[0], found[1])


def thresholds_of(names: Sequence[str], options: SegmentOptions) -> NDArray[np.float32]:
    """The threshold of each word, (C,); all 0 where "other" is off, unless there is but one word."""
    if not options.other and len(names) > 1:
        return np.zeros(len(names), np.float32)
    own = {key_of(name): value for name, value in options.label_thresholds.items()}
    return np.array([own.get(key_of(name), options.threshold) for name in names], np.float32)


def label_masks(analysis: Analysis, words: Words, options: SegmentOptions) -> Labelled:
    """Name every mask, then let the best ones have the pixels."""
    puzzle = analysis.puzzle
    found = score_rows(words, (analysis.crops, analysis.dense), options)
    found = against_border(found, puzzle.border_shares, words.are_things)
    label_of = named(found, thresholds_of(words.names, options), options.margin if options.other else 0.0)
    levels = levels_of(puzzle.parents)
    if options.level != "auto":
        label_of = np.where([level == options.level for level in levels], label_of, _LEFT_OUT)
    trust = np.stack([analysis.predicted_iou, analysis.stability], axis=1)
    quality = found.words.max(axis=1, initial=0.0) * trust.prod(axis=1) ** TRUST
    merged = merge(
        puzzle,
        label_of,
        quality.astype(np.float64),
        overlap=options.overlap,
        least_px=options.least_share * puzzle.cell_map.size,
    )
    kept = merged.kept
    region_map = puzzle.painted((merged.owner_of_cell + 1).astype(np.int32))
    done = Labelled(
        np.zeros((1, 1), np.uint8),
        region_map,
        label_of[kept],
        found.take(kept),
        analysis.regions[kept],
        tuple(levels[n] for n in kept),
        merged.parents + 1,
        trust[kept],
    )
    done = joined(done) if options.joins_touching else done
    return replace(done, label_map=np.append(0, done.labels).astype(np.uint8)[done.region_map])


def joined(done: Labelled) -> Labelled:
    """Regions of one name that touch become one; it keeps the scores of the largest."""
    head = np.arange(len(done.labels) + 1)

    def root(at: int) -> int:
        while head[at] != at:
            at = int(head[at])
        return at

    for a, b in _touching(done.region_map):
        if done.labels[a - 1] == done.labels[b - 1] and done.labels[a - 1] > 0:
            low, high = sorted((root(int(a)), root(int(b))))
            head[high] = low  # ids fall with the area: the larger region stays
    roots = np.array([root(at) for at in range(len(head))])
    kept = np.flatnonzero(roots[1:] == np.arange(1, len(head)))
    area = np.bincount(roots[done.region_map].ravel(), minlength=len(head))[1:]
    kept = kept[np.argsort(-area[kept], kind="stable")]
    new_id = np.zeros(len(head), np.int32)
    new_id[kept + 1] = np.arange(1, len(kept) + 1)
    lut = new_id[roots]
    return replace(
        done,
        region_map=lut[done.region_map],
        labels=done.labels[kept],
        scores=done.scores.take(kept),
        vectors=done.vectors[kept],
        levels=tuple(done.levels[n] for n in kept),
        parents=np.where(lut[done.parents[kept]] == np.arange(1, len(kept) + 1), 0, lut[done.parents[kept]]),
        trust=done.trust[kept],
    )


def _touching(region_map: NDArray[np.int32]) -> NDArray[np.int32]:
    """Pairs of different regions that have neighbouring pixels, (P, 2), each once."""
    pairs = []
    for first, second in ((region_map[:-1], region_map[1:]), (region_map[:, :-1], region_map[:, 1:])):
        differs = (first != second) & (first > 0) & (second > 0)
        pairs.append(np.stack([first[differs], second[differs]], axis=1))
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)


def label_pixels(analysis: Analysis, words: Words, options: SegmentOptions) -> Labelled:
    """Hold every pixel against the words; connected pixels of one label become a region."""
    grid = analysis.grid
    assert grid is not None, "the way dense keeps its grid"
    words = adapted(words, grid, options)
    of_cells = scores(words.cosines(grid), words.negative_cosines(grid), words.head)
    maps = np.concatenate([of_cells.words, of_cells.other[..., None]], axis=-1)
    thresholds = thresholds_of(words.names, options)
    margin = options.margin if options.other else 0.0
    label_map = named_pixels(maps, analysis.rgb, thresholds, margin, guided=options.edges == "guided")
    least_px = max(1.0, options.least_share * label_map.size)
    region_map, labels = pieces(label_map, least_px)
    label_map = np.append(0, labels).astype(np.uint8)[region_map]
    shares = covers(region_map, len(labels) + 1, (grid.shape[0], grid.shape[1]))[1:]
    # A region scores by the mean over its pixels, so that what is shown is what was held against the threshold.
    flat = (
        shares.reshape(len(labels), grid.shape[0] * grid.shape[1]) / np.maximum(shares.sum(axis=(1, 2)), 1e-9)[:, None]
    )
    vectors = pooled(grid, shares)
    found = Scores(
        words.cosines(vectors),
        (flat @ of_cells.words.reshape(-1, len(words.names))).astype(np.float32),
        (flat @ of_cells.other.ravel()).astype(np.float32),
    )
    count = len(labels)
    wholes: tuple[Level, ...] = (LEVELS[-1],) * count
    return Labelled(
        label_map, region_map, labels, found, vectors, wholes, np.zeros(count, np.intp),
        np.ones((count, 2), np.float32),
    )  # fmt: skip


def pieces(label_map: NDArray[np.uint8], least_px: float) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Connected pixels of one label as regions, largest first; pieces that are too small belong to none.

    Args:
        label_map: (H, W) uint8; 0 counts as a label of its own.
        least_px: Fewest pixels of a region.

    Returns:
        (H, W) int32 region ids from 1, 0 = none, and the label of each region, (R,).
    """
    from demos.segmentation.pixel_loops import number_pieces

    whole = np.empty(label_map.shape, np.int32)
    count = number_pieces(label_map, whole)
    area = np.bincount(whole.ravel(), minlength=count)
    owners = np.zeros(count, np.intp)
    owners[whole] = label_map
    order = np.lexsort((owners, -area))
    order = order[area[order] >= max(least_px, 1.0)]
    new_id = np.zeros(count, np.int32)
    new_id[order] = np.arange(1, len(order) + 1)
    return new_id[whole], owners[order]
