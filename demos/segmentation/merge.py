"""From scored masks to a picture where every pixel belongs to one region at most.

Symbols: q_n = p_n w_n with p_n the probability of the mask's word and w_n the mask model's own trust in its outline.

    winner(cell) = argmax_{n over the cell} q_n                                   MaskFormer's merge, per cell
    a mask stays if it wins at least ``overlap`` of its pixels                    panoptic rule; 0.7 to 0.8 elsewhere

(Cheng et al. 2021, MaskFormer, arXiv:2107.06278, appendix A; OSM keeps 0.8 and drops areas under 100 px, Yu et al.
2023, arXiv:2311.08400.) As in these greedy merges a mask is judged after all better ones, and what a mask that leaves
had covered goes to those below it. Masks that were not named come last, so that "other" never covers a name. A mask
inside another one of the same name belongs to it, unless that one is clearly the worse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demos.segmentation.regions import INSIDE, Puzzle

HEAD_QUALITY = 0.8  # of a part's q that the whole around it must have to take it in
HEIR_SHARE = 0.5  # of a mask's pixels that a region must own to stand for it


@dataclass(frozen=True, eq=False)
class Merged:
    """Which masks became regions.

    Attributes:
        owner_of_cell: (A,) position in ``kept`` of the region that a cell belongs to, -1 for none.
        kept: (R,) masks that became regions, largest first.
        parents: (R,) position in ``kept`` of the region around each, -1 for none.
    """

    owner_of_cell: NDArray[np.intp]
    kept: NDArray[np.intp]
    parents: NDArray[np.intp]


def merge(
    puzzle: Puzzle, label_of: NDArray[np.intp], quality: NDArray[np.float64], *, overlap: float, least_px: float
) -> Merged:
    """Decide who owns each cell.

    Args:
        puzzle: The masks.
        label_of: (N,) label of each mask, 0 = other, below 0 = takes no part.
        quality: (N,) q.
        overlap: Part of a mask that must be its own, in [0, 1].
        least_px: Fewest pixels of a region.
    """
    least_px = max(least_px, 1.0)
    count = len(label_of)
    alive = (label_of >= 0) & (puzzle.mask_px >= least_px)
    # "Other" ranks below every name, whatever it scored.
    rank = np.where(label_of > 0, 1.0 + quality, 0.5 * quality / max(float(quality.max(initial=0.0)), 1e-9))
    while True:
        heads = _heads(puzzle, label_of, quality, alive)
        owner = _owners(puzzle, rank, alive, heads)
        is_owned = owner >= 0
        won = np.bincount(owner[is_owned], puzzle.area_px[is_owned], minlength=count)
        is_head = alive & (heads == np.arange(count))
        fails = is_head & ((won < overlap * puzzle.mask_px) | (won < least_px))
        if not fails.any():
            break
        alive[_surely_failing(puzzle, np.flatnonzero(fails), rank)] = False
    kept = np.flatnonzero(is_head)
    kept = kept[np.argsort(-won[kept], kind="stable")]
    place = np.full(count + 1, -1, np.intp)  # the last entry is for "no owner"
    place[kept] = np.arange(len(kept))
    owner = place[owner]
    return Merged(owner, kept, _parents(puzzle, kept, owner))


def _heads(
    puzzle: Puzzle, label_of: NDArray[np.intp], quality: NDArray[np.float64], alive: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """For each mask the largest living mask of the same name that holds it; itself where there is none."""
    areas = puzzle.mask_px
    order = np.arange(len(areas))
    size = np.lexsort((-order, areas)).argsort()  # rank by area; of equal ones the first is the larger
    is_larger = size[None, :] > size[:, None]
    holds = puzzle.shared_px >= INSIDE * areas[:, None]
    can = holds & is_larger & (label_of[None, :] == label_of[:, None]) & alive[None, :] & (label_of > 0)[:, None]
    can &= quality[None, :] >= HEAD_QUALITY * quality[:, None]
    if not can.size:
        return order
    heads = np.where(can.any(axis=1), np.where(can, areas[None, :], -1).argmax(axis=1), order)
    while (heads[heads] != heads).any():
        heads = heads[heads]
    return heads


def _surely_failing(puzzle: Puzzle, fails: NDArray[np.intp], rank: NDArray[np.float64]) -> NDArray[np.intp]:
    """Of masks that own too little those that no better failing mask overlaps: nothing that leaves can save them."""
    order = fails[np.argsort(-rank[fails], kind="stable")]
    meets = puzzle.shared_px[np.ix_(order, order)] > 0.0
    return order[~np.tril(meets, -1).any(axis=1)]


def _owners(
    puzzle: Puzzle, rank: NDArray[np.float64], alive: NDArray[np.bool_], heads: NDArray[np.intp]
) -> NDArray[np.intp]:
    """(A,) the mask that wins each cell, its head in place of a part of the same name; -1 for none."""
    if not alive.any():
        return np.full(len(puzzle.area_px), -1, np.intp)
    bids = np.where(puzzle.inside & alive, rank, -1.0)
    best = bids.argmax(axis=1)
    return np.where(bids[np.arange(len(best)), best] >= 0.0, heads[best], -1)


def _parents(puzzle: Puzzle, kept: NDArray[np.intp], owner: NDArray[np.intp]) -> NDArray[np.intp]:
    """Nearest region around each; a mask that left its pixels to a region passes its place in the tree on to it."""
    found = np.full(len(kept), -1, np.intp)
    if not len(kept):
        return found
    shares = np.zeros((puzzle.inside.shape[1], len(kept)))  # pixels of each mask that each region owns
    for region in range(len(kept)):
        own = owner == region
        shares[:, region] = puzzle.area_px[own] @ puzzle.inside[own]
    for region, mask in enumerate(kept):
        here = int(puzzle.parents[mask])
        while here >= 0 and found[region] < 0:
            heir = int(shares[here].argmax())
            if heir < region and shares[here, heir] >= HEIR_SHARE * puzzle.mask_px[here]:  # regions are sorted by size
                found[region] = heir
            here = int(puzzle.parents[here])
    return found
