"""Language onto Gaussians without training: every Gaussian takes the meaning of the masks that it was seen in.

    f_i = sum_{v,p} w_i(v,p) F_v(p) / sum_{v,p} w_i(v,p)        (LUDVIG, arXiv:2410.14462; Occam's LGS, 2412.01807)

F is constant inside a mask, and masks are joined to groups in space, so that one pass a view over the groups' ids
collects (Gaussian, group) -> weight, whatever the length D of the embeddings and for all levels alike; the few
heaviest groups of each Gaussian are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job
from demos.gaussians.cameras import Camera
from demos.gaussians.field import LEVELS, LanguageField, Objects
from demos.gaussians.groups import Groups, Sightings, level_maps
from demos.gaussians.masks import PhotoMasks
from demos.gaussians.scene import Floats, GaussianScene
from demos.gaussians.weights import LabelWeights, ViewWeights, view_weights

CHOICES: Final = 4  # groups kept a Gaussian and level
LEAST_WEIGHT: Final = 1 / 256  # of a pixel: less is not collected
_LEAST_OBJECT: Final = 12  # Gaussians


class LabelSums:
    """(Gaussian, label) -> weight, view after view, for one level."""

    def __init__(self, gaussian_count: int, label_count: int) -> None:
        """Start with nothing seen."""
        self._shape = gaussian_count, label_count
        self._keys = np.zeros(0, np.int64)
        self._sums: NDArray[Any] = np.zeros(0, np.float64)

    def add(self, weights: LabelWeights) -> None:
        """Add what one view collected."""
        owners = np.repeat(np.arange(self._shape[0]), np.diff(weights.starts))
        keys = np.concatenate([self._keys, owners * self._shape[1] + weights.labels])
        self._keys, place = np.unique(keys, return_inverse=True)
        self._sums = np.bincount(place, np.concatenate([self._sums, weights.weights]), len(self._keys))

    def heaviest(self, choices: int) -> tuple[NDArray[np.int32], Floats]:
        """(N, choices) int32 labels by falling weight, -1 for none, and their shares (N, choices) float32."""
        count, labels = self._shape
        owners, found = np.divmod(self._keys, max(labels, 1))
        totals = np.bincount(owners, self._sums, count)
        order = np.lexsort((-self._sums, owners))
        owners, found, sums = owners[order], found[order], self._sums[order]
        begins = np.searchsorted(owners, np.arange(count))
        rank = np.arange(len(owners)) - begins[owners]
        kept = rank < choices
        ids = np.full((count, choices), -1, np.int32)
        shares = np.zeros((count, choices), np.float32)
        ids[owners[kept], rank[kept]] = found[kept]
        shares[owners[kept], rank[kept]] = (sums[kept] / np.maximum(totals[owners[kept]], 1e-12)).astype(np.float32)
        return ids, shares


@dataclass(frozen=True, eq=False)
class Uplifted:
    """Which groups every Gaussian belongs to: (N, L, K) int32 with -1 for none, and shares (N, L, K) float32."""

    ids: NDArray[np.int32]
    weights: Floats


def weights_of_views(
    scene: GaussianScene, cameras: Sequence[Camera], *, job: Job | None = None
) -> Iterator[ViewWeights]:
    """W_v of every view, one at a time."""
    for number, camera in enumerate(cameras):
        if job is not None:
            job.step("running", number, len(cameras), unit="views", note="weights")
        yield view_weights(scene, camera, least=LEAST_WEIGHT, job=job)


def uplift(
    views: Sequence[ViewWeights],
    photos: Sequence[PhotoMasks],
    found: Sightings,
    groups: Groups,
    *,
    choices: int = CHOICES,
    job: Job | None = None,
) -> Uplifted:
    """Give every Gaussian the groups that it was seen in.

    Args:
        views: Weights of each view, of the size of its masks.
        photos: The masks of each view.
        found: Of :func:`demos.gaussians.groups.sightings_of`.
        groups: Of :func:`demos.gaussians.groups.find_groups`.
        choices: How many groups to keep a Gaussian and level.
        job: Told the views done; asked for Cancel between them.
    """
    count = views[0].gaussian_count if views else 0
    sums = [LabelSums(count, len(groups)) for _ in LEVELS]
    by_view: list[dict[int, int]] = [{} for _ in views]
    for group, members in enumerate(groups.members):
        for mask in members:
            by_view[found.view_of[mask]][int(found.number_of[mask])] = group
    for number, (view, photo) in enumerate(zip(views, photos, strict=True)):
        if job is not None:
            job.step("running", number, len(views), unit="views", note="uplift")
        maps = level_maps(photo, by_view[number], groups)
        for level, table in enumerate(sums):
            table.add(view.by_label(maps[level], max(len(groups), 1), job=job))
    rows = [table.heaviest(choices) for table in sums]
    return Uplifted(np.stack([ids for ids, _ in rows], 1), np.stack([shares for _, shares in rows], 1))


def field_of(
    lifted: Uplifted, groups: Groups, table: Floats, *, model: str, words: Sequence[tuple[str, ...]] = ()
) -> LanguageField:
    """The language field of a scene: groups as the table, groups of the level "whole" as objects.

    Args:
        lifted: Which groups every Gaussian belongs to.
        groups: The groups.
        table: (G, D) their embeddings.
        model: Name of the encoder.
        words: Of every group; empty for none.
    """
    heaviest = lifted.ids[:, LEVELS.index("whole"), 0]
    is_whole = groups.levels == LEVELS.index("whole")
    sizes = np.bincount(heaviest[heaviest >= 0], minlength=len(groups))
    kept = np.flatnonzero(is_whole & (sizes >= _LEAST_OBJECT))
    number = np.full(len(groups) + 1, -1, np.int32)
    number[kept] = np.arange(len(kept))
    objects = Objects(number[heaviest], table[kept], tuple(words[int(g)] for g in kept) if words else ())
    field = LanguageField(
        model, LEVELS, ids=lifted.ids, weights=lifted.weights, table=table, objects=objects if len(kept) else None
    )
    return field.validated(len(heaviest))
