"""Pieces of a scene, from groups of masks and superpoints: sharpened, joined, shown in photos, embedded, weighed.

    edges        a group takes every superpoint of which it holds more than half, and nothing of the others
    parts        superpoints that are no group yet become pieces of their own
    shown        a pixel of a photo shows a piece if more than half of its weight belongs to it
    embedded     cut-outs of the photos that show most of it, by themselves and in what surrounds them
    general      l_g = mean of the greatest ten cosines with everyday words
    support      u_g = SUPPORT log min(1, (1 + photos with a mask of it) / (1 + half of all photos))

Some cut-outs are a little like every word; CSLS (Conneau et al. 2018, arXiv:1710.04087) takes off what a vector's
nearest neighbours reach. And what many photos agree on is more likely meant than what one colour happens to cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.calibration import unit_rows
from core.image_text import ImageTextModel
from core.tasks import Job
from demos.gaussians.field import MAX_MEMBERSHIPS, Ints, Objects, Pieces
from demos.gaussians.groups import BACKGROUND_SHARE, Groups, Sightings, nested
from demos.gaussians.objects import bundled_words
from demos.gaussians.regions import cut_out, enlarged, mean_inside
from demos.gaussians.scene import Floats, GaussianScene
from demos.gaussians.superpoints import SCALES, superpoints
from demos.gaussians.weights import ViewWeights

Masks = NDArray[np.bool_]

LEAST_GAUSSIANS: Final = 16
SAME_IOU: Final = 0.75  # above, a superpoint is a piece that is there already
LEAST_PX: Final = 12  # of a piece in a photo, for a cut-out
CUT_OUTS: Final = 4  # of a piece
GENERAL_WORDS: Final = 10
SUPPORT: Final = 0.02  # of cosine
_SHOWN: Final = 0.5
_LARGEST: Final = 0.5  # of all Gaussians, that a thing may be
_TAKEN: Final = 0.3  # of a thing's Gaussians that may belong to others already
_UNSUPPORTED: Final = -1.5 * SUPPORT  # of half of the photos some two ninths
_BATCH: Final = 64


def make_pieces(
    scene: GaussianScene,
    views: Sequence[ViewWeights],
    found: Sightings,
    groups: Groups,
    pictures: Sequence[NDArray[np.uint8]],
    model: ImageTextModel,
    *,
    job: Job | None = None,
) -> Pieces:
    """Make the pieces of a scene.

    Args:
        scene: N Gaussians.
        views: Weights of each photo's view, of the size of its masks.
        found: Of :func:`demos.gaussians.groups.sightings_of`.
        groups: Of :func:`demos.gaussians.groups.find_groups`; at least one.
        pictures: (H, W, 3) uint8 the photos, of any size.
        model: The encoder.
        job: Told the pieces embedded; asked for Cancel between them.
    """
    is_seen: Masks = np.asarray(found.seen.any(0))
    cuts = [superpoints(scene, is_seen, scale) for scale in SCALES]
    holds = sharpened(groups.holds, cuts[0])
    for labels in reversed(cuts[1:]):
        holds = with_superpoints(holds, labels, most=BACKGROUND_SHARE * float(is_seen.sum()))
    shows = [shown(view, holds) for view in views]
    table = embed(shows, len(holds), [(view.height, view.width) for view in views], pictures, model, job=job)
    photos = np.zeros(len(holds))
    photos[: len(groups)] = [len(np.unique(found.view_of[members])) for members in groups.members]
    support = SUPPORT * np.log(np.minimum((1 + photos) / (1 + len(views) / 2), 1))
    _, levels = nested(holds, is_seen.astype(np.float32), support >= 0)  # what half of the photos show holds parts
    general = general_likeness(table, model, job=job)
    return Pieces(memberships(holds), levels, table, general, support.astype(np.float32))


def sharpened(holds: Masks, labels: Ints) -> Masks:
    """Groups (G, N) whose edges follow superpoints (N,); Gaussians in none stay as they are."""
    has = labels >= 0
    if not has.any():
        return holds
    sizes = np.bincount(labels[has])
    rows = []
    for hold in holds:
        shares = np.bincount(labels[has & hold], minlength=len(sizes)) / np.maximum(sizes, 1)
        rows.append(np.where(has, (shares > _SHOWN)[labels], hold))
    return np.array(rows, bool)


def with_superpoints(holds: Masks, labels: Ints, *, most: float) -> Masks:
    """Groups (G, N) and the superpoints that are none of them, of ``LEAST_GAUSSIANS`` to ``most`` Gaussians."""
    sizes = np.bincount(labels[labels >= 0])
    own = holds.sum(1)
    new = []
    for label in np.flatnonzero((sizes >= LEAST_GAUSSIANS) & (sizes < most)):
        rows = np.flatnonzero(labels == label)
        common = holds[:, rows].sum(1)
        if (common / np.maximum(own + len(rows) - common, 1)).max(initial=0) < SAME_IOU:
            mask = np.zeros(holds.shape[1], bool)
            mask[rows] = True
            new.append(mask)
    return np.concatenate([holds, np.array(new)]) if new else holds


def shown(view: ViewWeights, holds: Masks) -> Masks:
    """(G, H * W) bool: pixels of a view more than half of whose weight belongs to each group."""
    from scipy.sparse import csr_matrix

    size = view.height * view.width, view.gaussian_count
    weights = csr_matrix((view.weights, view.owners, view.starts), shape=size)
    drawn = weights @ csr_matrix(holds.T.astype(np.float32))
    found: Masks = (drawn > _SHOWN).toarray().T
    return found


def embed(
    shows: Sequence[Masks],
    count: int,
    sizes_hw: Sequence[tuple[int, int]],
    pictures: Sequence[NDArray[np.uint8]],
    model: ImageTextModel,
    *,
    job: Job | None = None,
) -> Floats:
    """One embedding a piece, (P, D) float32, unit norm; zeros for what no photo shows.

    Args:
        shows: Of :func:`shown`, one a photo.
        count: P.
        sizes_hw: Of the views.
        pictures: The photos.
        model: The encoder.
        job: Told the pieces done.
    """
    areas = np.array([one.sum(1) for one in shows])
    squares: list[NDArray[np.uint8]] = []
    owners: list[int] = []
    around: list[Floats] = []
    for piece in range(count):
        if job is not None:
            job.step("running", piece, count, unit="pieces", note=model.name)
        for photo in np.argsort(-areas[:, piece], kind="stable")[:CUT_OUTS]:
            if areas[photo, piece] >= LEAST_PX:
                rgb = pictures[photo]
                mask = enlarged(shows[photo][piece].reshape(sizes_hw[photo]), rgb.shape[:2])
                squares.append(cut_out(rgb, mask, hidden=True))
                around.append(mean_inside(rgb, mask, model, job=job))
                owners.append(piece)
    if not owners:
        raise ValueError("no photo shows any piece")
    alone = [model.encode_images(squares[start : start + _BATCH], job=job) for start in range(0, len(squares), _BATCH)]
    tables = []
    for rows in (np.concatenate(alone), np.array(around, np.float32)):
        sums = np.zeros((count, rows.shape[1]), np.float32)
        np.add.at(sums, owners, rows)
        tables.append(unit_rows(sums))
    return unit_rows(tables[0] + tables[1])


def general_likeness(table: Floats, model: ImageTextModel, *, job: Job | None = None) -> Floats:
    """(P,) float32: mean cosine of each piece with the everyday words that it is most like, less their hubness."""
    words = model.encode_texts(list(bundled_words()), job=job)
    mean = model.calibration.image_mean
    offsets = np.zeros(len(words), np.float32) if mean is None else words @ mean
    cosines = table @ words.T - offsets
    found: Floats = np.sort(cosines, axis=1)[:, -GENERAL_WORDS:].mean(axis=1)
    return found


def memberships(holds: Masks) -> Ints:
    """(P, N) bool -> (N, K) int32, the smallest pieces of each Gaussian first, -1 for none."""
    order = np.argsort(holds.sum(1), kind="stable")
    most = min(int(holds.sum(0).max(initial=0)), MAX_MEMBERSHIPS)
    ids = np.full((holds.shape[1], most), -1, np.int32)
    filled = np.zeros(holds.shape[1], np.intp)
    for piece in order:
        rows = np.flatnonzero(holds[piece] & (filled < most))
        ids[rows, filled[rows]] = piece
        filled[rows] += 1
    return ids


def objects_of(pieces: Pieces, *, words: Sequence[tuple[str, ...]]) -> Objects | None:
    """Things that share no Gaussian, for clicks and lists: pieces that photos agree on best, the largest first.

    Args:
        pieces: Of :func:`make_pieces`.
        words: Of every piece; those without are no things.
    """
    count = len(pieces.table)
    rows, columns = np.nonzero(pieces.ids >= 0)
    owners = pieces.ids[rows, columns]
    sizes = np.bincount(owners, minlength=count)
    ids = np.full(len(pieces.ids), -1, np.int32)
    kept: list[int] = []
    for piece in np.lexsort((-sizes, -pieces.support)):
        is_thing = words[piece] and sizes[piece] < _LARGEST * len(ids) and pieces.support[piece] > _UNSUPPORTED
        own = rows[owners == piece]
        if is_thing and len(own) >= LEAST_GAUSSIANS and (ids[own] >= 0).mean() < _TAKEN:
            ids[own[ids[own] < 0]] = len(kept)
            kept.append(int(piece))
    return Objects(ids, pieces.table[kept], tuple(words[piece] for piece in kept)) if kept else None
