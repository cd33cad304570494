"""From masks of many photos to groups of Gaussians: which masks mean the same thing, and what is part of what.

A mask of view v takes of every Gaussian i the share a_i = (W_v^T mask)_i / (W_v^T 1)_i; it holds those with a_i > 1/2.
Two masks of different views mean the same if the sets that they hold are alike among the Gaussians that both views
see (LightSplat's graph of masks compares whole sets and takes connected components; a chain of three masks then joins
two objects for good). Here masks are added one after the other, best first, to the group that most of its views agree
with:

    consensus of a group   the Gaussians that lie in more than half of its masks, of those whose view sees them
    IoU(mask, group)       of the mask's set and the consensus, among what the view sees and the group has seen

A second round moves masks to the group that fits best by then. What is inside what is decided between groups, in
space: whole, part, subpart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job
from demos.gaussians.field import LEVELS
from demos.gaussians.masks import PhotoMasks
from demos.gaussians.scene import Floats
from demos.gaussians.weights import ViewWeights

SAME_IOU: Final = 0.5  # above, a mask joins a group
INSIDE: Final = 0.8  # of a part that its whole must hold
CLEARLY_LARGER: Final = 1.3  # a whole against its part
BACKGROUND_SHARE: Final = 0.3  # of all Gaussians: what is larger holds nothing, it lies behind
LEAST_SEEN_PX: Final = 0.05  # of a view: a Gaussian that takes less is not seen by it
_HELD: Final = 0.5
_ROUNDS: Final = 2


@dataclass(frozen=True, eq=False)
class Sightings:
    """What every mask holds and every view sees.

    Attributes:
        held: (M,) index arrays int32, the Gaussians of each mask.
        seen: (V, N) bool, the Gaussians of each view.
        view_of: (M,) int32, whose mask it is.
        number_of: (M,) int32, its row in the masks of its view.
        scores: (M,) float32.
    """

    held: tuple[NDArray[np.int32], ...]
    seen: NDArray[np.bool_]
    view_of: NDArray[np.int32]
    number_of: NDArray[np.int32]
    scores: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of masks, the largest first.

    Attributes:
        members: For each the masks, rows of Sightings.
        holds: (G, N) bool, the Gaussians of its consensus.
        parents: (G,) int32, the smallest group around each, -1 for none.
        levels: (G,) int8, position in LEVELS.
    """

    members: tuple[NDArray[np.int32], ...]
    holds: NDArray[np.bool_]
    parents: NDArray[np.int32]
    levels: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.members)


def cells_of(masks: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Cut a photo along all its masks: (h, w) int32 cells, and (cells, M) which cell lies in which mask."""
    count, height, width = masks.shape
    if not count:
        return np.zeros((height, width), np.int32), np.zeros((1, 0), bool)
    bits = np.packbits(masks.reshape(count, -1).T, axis=1)
    keys = np.ascontiguousarray(bits).view([("", np.uint8)] * bits.shape[1]).reshape(-1)
    unique, cells = np.unique(keys, return_inverse=True)
    rows = unique.view(np.uint8).reshape(len(unique), -1)
    return cells.reshape(height, width).astype(np.int32), np.unpackbits(rows, axis=1, count=count).astype(bool)


def sightings_of(views: Sequence[ViewWeights], photos: Sequence[PhotoMasks], *, job: Job | None = None) -> Sightings:
    """Find out what every mask holds; ``views`` have the size of the masks."""
    held: list[NDArray[np.int32]] = []
    seen, view_of, number_of, scores = [], [], [], []
    for number, (view, photo) in enumerate(zip(views, photos, strict=True)):
        if job is not None:
            job.check()
        totals = view.totals(job=job)
        is_seen = totals > LEAST_SEEN_PX
        seen.append(is_seen)
        shares = mask_shares(view, photo, totals, job=job)
        for row in range(len(photo)):
            held.append(np.flatnonzero((shares[:, row] > _HELD) & is_seen).astype(np.int32))
            view_of.append(number)
            number_of.append(row)
            scores.append(photo.scores[row])
    return Sightings(
        tuple(held),
        np.array(seen),
        np.array(view_of, np.int32),
        np.array(number_of, np.int32),
        np.array(scores, np.float32),
    )


def mask_shares(view: ViewWeights, photo: PhotoMasks, totals: Floats, *, job: Job | None = None) -> Floats:
    """(N, M) float32: how much of what a view takes of each Gaussian lies in each mask."""
    cells, inside = cells_of(photo.masks)
    weights = view.by_label(cells, len(inside), job=job).sums(inside.astype(np.float32), job=job)
    taken: Floats = np.maximum(totals, np.float32(1e-6))
    return weights / taken[:, None]


def group_masks(found: Sightings, *, same_iou: float = SAME_IOU, job: Job | None = None) -> list[NDArray[np.int32]]:
    """Join masks that mean the same.

    Args:
        found: What every mask holds.
        same_iou: Least IoU with a group to join it.
        job: Told the masks done; asked for Cancel between masks.

    Returns:
        Groups of rows of ``found``, each once; masks that hold nothing are in none.
    """
    count = found.seen.shape[1] if len(found.seen) else 0
    order = [int(m) for m in np.argsort(-found.scores, kind="stable") if len(found.held[m])]
    table = _Table(count)
    group_of: dict[int, int] = {}
    for turn in range(_ROUNDS):
        for done, mask in enumerate(order):
            if job is not None and done % 16 == 0:
                job.step("running", turn * len(order) + done, _ROUNDS * len(order), unit="masks", note="in space")
            held, seen = found.held[mask], found.seen[found.view_of[mask]]
            if mask in group_of:
                table.add(group_of.pop(mask), held, seen, -1)
            likeness = table.likeness(held, seen)
            best = int(likeness.argmax()) if len(likeness) else -1
            if best < 0 or likeness[best] <= same_iou:
                best = table.opened()
            group_of[mask] = best
            table.add(best, held, seen, 1)
    members: dict[int, list[int]] = {}
    for mask, group in group_of.items():
        members.setdefault(group, []).append(mask)
    return [np.array(sorted(rows), np.int32) for rows in members.values()]


class _Table:
    """The groups while masks are being added: for every Gaussian how often it was held and seen."""

    def __init__(self, count: int) -> None:
        self._held = np.zeros((64, count), np.float32)
        self._seen = np.zeros((64, count), np.float32)
        self._agreed = np.zeros((64, count), np.float32)  # 1 where more than half of the views that see it hold it
        self._size = 0

    def opened(self) -> int:
        """Number of a new, empty group."""
        if self._size == len(self._held):
            for name in ("_held", "_seen", "_agreed"):
                old = getattr(self, name)
                setattr(self, name, np.concatenate([old, np.zeros_like(old)]))
        self._size += 1
        return self._size - 1

    def add(self, group: int, held: NDArray[np.int32], seen: NDArray[np.bool_], sign: int) -> None:
        """Count a mask in (sign 1) or out (-1)."""
        self._held[group, held] += sign
        self._seen[group, seen] += sign
        self._agreed[group] = 2 * self._held[group] > np.maximum(self._seen[group], 1)

    def likeness(self, held: NDArray[np.int32], seen: NDArray[np.bool_]) -> Floats:
        """(groups,) IoU of a mask with every consensus, among what its view sees and the group has seen."""
        shared = self._agreed[: self._size, held].sum(1)
        found = np.zeros(self._size, np.float32)
        near = np.flatnonzero(shared)  # most groups lie elsewhere
        known = (self._seen[np.ix_(near, held)] > 0).sum(1)
        either = self._agreed[near] @ seen.astype(np.float32) + known - shared[near]
        found[near] = shared[near] / np.maximum(either, 1)
        return found


def consensus_of(found: Sightings, members: Sequence[NDArray[np.int32]]) -> NDArray[np.bool_]:
    """(G, N) bool: what more than half of the views of a group that see it hold."""
    holds = np.zeros((len(members), found.seen.shape[1]), bool)
    for row, masks in enumerate(members):
        votes, sights = np.zeros(found.seen.shape[1], np.int32), np.zeros(found.seen.shape[1], np.int32)
        for mask in masks:
            votes[found.held[mask]] += 1
            sights += found.seen[found.view_of[mask]]
        holds[row] = 2 * votes > np.maximum(sights, 1)
    return holds


def nested(
    holds: NDArray[np.bool_], weights: Floats, may_hold: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """What lies inside what.

    Args:
        holds: (G, N) bool.
        weights: (N,) what a Gaussian counts.
        may_hold: (G,) bool, the groups that others can be inside of; None for all.

    Returns:
        (G,) int32 the smallest group around each, -1 for none; (G,) int8 position in LEVELS.
    """
    if not len(holds):
        return np.zeros(0, np.int32), np.zeros(0, np.int8)
    heavy = holds * weights[None, :].astype(np.float32)
    shared = heavy @ holds.T.astype(np.float32)
    sizes = np.maximum(np.diagonal(shared), 1e-9)
    is_holder = sizes < BACKGROUND_SHARE * max(float(weights.sum()), 1e-9)
    if may_hold is not None:
        is_holder &= may_hold
    is_inside = (shared >= INSIDE * sizes[:, None]) & (sizes[None, :] >= CLEARLY_LARGER * sizes[:, None])
    around = np.where(is_inside & is_holder[None, :], sizes[None, :], np.inf)
    parents = np.where(np.isfinite(around).any(1), around.argmin(1), -1).astype(np.int32)
    depths = np.zeros(len(holds), np.int8)
    for group in range(len(holds)):
        here = int(parents[group])
        while here >= 0 and depths[group] < len(LEVELS) - 1:
            depths[group] += 1
            here = int(parents[here])
    return parents, (len(LEVELS) - 1 - depths).astype(np.int8)


def find_groups(found: Sightings, *, least_views: int = 3, least_gaussians: int = 8, job: Job | None = None) -> Groups:
    """Group masks, drop groups that few views agree on, and nest the rest.

    Args:
        found: What every mask holds.
        least_views: Groups of masks of fewer views are chance.
        least_gaussians: Smaller groups are dropped.
        job: See :func:`group_masks`.
    """
    members = [masks for masks in group_masks(found, job=job) if len(np.unique(found.view_of[masks])) >= least_views]
    holds = consensus_of(found, members)
    sizes = holds.sum(1)
    order = [int(g) for g in np.argsort(-sizes, kind="stable") if sizes[g] >= least_gaussians]
    holds = holds[order]
    ever_seen: Floats = found.seen.max(0, initial=0).astype(np.float32)
    parents, levels = nested(holds, ever_seen)
    return Groups(tuple(members[g] for g in order), holds, parents, levels)


def level_maps(photo: PhotoMasks, group_of: dict[int, int], groups: Groups) -> NDArray[np.int32]:
    """Which group every pixel of a photo belongs to at every level.

    At a level the group that most masks agree on counts; a pixel without one takes the next coarser level's.

    Args:
        photo: Its masks.
        group_of: Group of each of its masks that is in one.
        groups: All groups.

    Returns:
        (L, h, w) int32, finest level first, -1 for none.
    """
    maps = np.full((len(LEVELS), *photo.masks.shape[1:]), -1, np.int32)
    for mask in sorted(group_of, key=lambda row: len(groups.members[group_of[row]])):  # the best agreed on comes last
        maps[groups.levels[group_of[mask]], photo.masks[mask]] = group_of[mask]
    for level in range(len(LEVELS) - 2, -1, -1):
        maps[level] = np.where(maps[level] < 0, maps[level + 1], maps[level])
    return maps
