"""What a group of Gaussians looks like: cut-outs of the photos that show it best, embedded and averaged.

Encoding every mask of every photo is what makes LangSplat slow (some 150 crops a photo). Masks are grouped in space
first, so that a handful of cut-outs a group is enough.

A cut-out is a square; outside the mask it shows the mean colour of the model's training pictures, or a little of the
surroundings. Both are encoded and averaged (as demos.segmentation does, where masked cut-outs of true masks were named
right 87 times of 100, plain ones 77 times).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.calibration import unit_rows
from core.image_text import ImageTextModel
from core.tasks import Job
from demos.gaussians.groups import Groups, Sightings
from demos.gaussians.masks import PhotoMasks
from demos.gaussians.scene import Floats

BEST_VIEWS: Final = 4
MEAN_RGB: Final = (124, 116, 104)  # of ImageNet; OpenAI's mean is the same to the eye
CONTEXT: Final = 1.15  # side of a plain cut-out in sides of its box
WINDOW: Final = 1.6  # side of what dense features are read in, in sides of the mask's box
_LEAST_WINDOW_PX: Final = 16
_BATCH: Final = 64
_BOX = Image.Resampling.BOX


def best_masks(
    groups: Groups, found: Sightings, photos: Sequence[PhotoMasks], *, most: int = BEST_VIEWS
) -> list[list[int]]:
    """For every group the masks that show it best: of different views, large and sure, those like the group first.

    A mask counts by its score times the root of its area times its IoU with the group's consensus among what its view
    sees.
    """
    chosen = []
    for members, holds in zip(groups.members, groups.holds, strict=True):
        values = []
        for mask in members:
            view = int(found.view_of[mask])
            should = holds & found.seen[view]
            shared = int(holds[found.held[mask]].sum())
            iou = shared / max(int(should.sum()) + len(found.held[mask]) - shared, 1)
            area = float(photos[view].masks[found.number_of[mask]].sum())
            values.append(float(found.scores[mask]) * np.sqrt(area) * iou)
        picked: list[int] = []
        for place in np.argsort(values, kind="stable")[::-1]:
            mask = int(members[place])
            if all(found.view_of[mask] != found.view_of[other] for other in picked):
                picked.append(mask)
            if len(picked) == most:
                break
        chosen.append(picked)
    return chosen


def cut_out(rgb: NDArray[np.uint8], mask: NDArray[np.bool_], *, hidden: bool) -> NDArray[np.uint8]:
    """Cut a mask out of a photo as a square.

    Args:
        rgb: (H, W, 3) uint8.
        mask: (H, W) bool, not empty.
        hidden: Paint what is outside the mask in the mean colour; else show a little of what is around.

    Returns:
        (S, S, 3) uint8; what lies outside the photo has the mean colour.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    side = max(1, round(max(bottom - top, right - left) * (1.0 if hidden else CONTEXT)))
    corner_x, corner_y = left + (right - left - side) // 2, top + (bottom - top - side) // 2
    square = np.empty((side, side, 3), np.uint8)
    square[:] = MEAN_RGB
    x0, y0 = max(corner_x, 0), max(corner_y, 0)
    x1, y1 = min(corner_x + side, rgb.shape[1]), min(corner_y + side, rgb.shape[0])
    piece = rgb[y0:y1, x0:x1]
    shown = mask[y0:y1, x0:x1, None] if hidden else np.ones((*piece.shape[:2], 1), bool)
    place = square[y0 - corner_y : y1 - corner_y, x0 - corner_x : x1 - corner_x]
    np.copyto(place, piece, where=shown)
    return square


def embed_groups(
    groups: Groups,
    found: Sightings,
    photos: Sequence[PhotoMasks],
    pictures: Sequence[NDArray[np.uint8]],
    model: ImageTextModel,
    *,
    job: Job | None = None,
) -> Floats:
    """One embedding a group.

    Args:
        groups: The groups.
        found: Their masks.
        photos: The masks of each view.
        pictures: (H, W, 3) uint8 the views, of any size.
        model: The encoder.
        job: Told the groups done; asked for Cancel between batches.

    Returns:
        (G, D) float32, unit norm.
    """
    squares: list[NDArray[np.uint8]] = []
    owners: list[int] = []
    for group, masks in enumerate(best_masks(groups, found, photos)):
        for mask in masks:
            view = int(found.view_of[mask])
            whole = enlarged(photos[view].masks[found.number_of[mask]], pictures[view].shape[:2])
            squares += [cut_out(pictures[view], whole, hidden=hidden) for hidden in (True, False)]
            owners += [group, group]
    rows = []
    for start in range(0, len(squares), _BATCH):
        if job is not None:
            job.step("running", start, len(squares), unit="cut-outs", note=model.name)
        rows.append(model.encode_images(squares[start : start + _BATCH]))
    sums = np.zeros((len(groups), rows[0].shape[1] if rows else 0), np.float32)
    if rows:
        np.add.at(sums, owners, np.concatenate(rows))
    return unit_rows(sums)


def mean_inside(
    rgb: NDArray[np.uint8], mask: NDArray[np.bool_], model: ImageTextModel, *, job: Job | None = None
) -> Floats:
    """Mean of the dense features inside a mask, seen with its surroundings: (D,) float32, unit norm, or zeros.

    Args:
        rgb: (H, W, 3) uint8.
        mask: (H, W) bool, not empty.
        model: The encoder.
        job: Cancel.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    tall, wide = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    side = min(max(_LEAST_WINDOW_PX, round(max(tall, wide) * WINDOW)), *mask.shape)
    top = min(max((rows[0] + rows[-1] + 1 - side) // 2, 0), mask.shape[0] - side)
    left = min(max((columns[0] + columns[-1] + 1 - side) // 2, 0), mask.shape[1] - side)
    place = slice(top, top + side), slice(left, left + side)
    size_px = sorted(model.patch_sides_px)[len(model.patch_sides_px) // 3]
    grid = model.encode_patches(np.ascontiguousarray(rgb[place]), size_px=size_px, job=job)
    share = Image.fromarray(mask[place].astype(np.float32)).resize((grid.shape[1], grid.shape[0]), _BOX)
    mean: Floats = np.einsum("hw,hwd->d", np.asarray(share), grid)
    return unit_rows(mean[None])[0]


def enlarged(mask: NDArray[np.bool_], size_hw: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask at the size of its photo; at least one pixel stays."""
    grey = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
    large = np.asarray(grey.resize((size_hw[1], size_hw[0]), Image.Resampling.BILINEAR)) >= 128
    if large.any():
        return large
    return np.asarray(grey.resize((size_hw[1], size_hw[0]), Image.Resampling.NEAREST)) > 0
