"""What an image-text encoder sees in a picture and in each mask of it, by cut-outs and without.

Without cut-outs the picture is read once, however many masks there are; a ConvNet reads it through overlapping windows.
For a ConvNet a mask is then described twice, by the cells that it fills and by one more window, the square around it:

    v_n = norm((1 - w_n) norm(sum_x M_n(x) f_x) + w_n e_n)

f_x cells, M_n the share of a cell that the mask fills, e_n the embedding of the window. Cells know the outline, but a
tower that was trained on pictures of single things knows a thing best when it fills the window. The windows around what
surrounds things show the things: w_n = w (1 - b_n) with b_n the share of the picture's border that the mask holds, the
cue of :mod:`.scores`. Towers with positions (vision transformers) read the picture whole, and w = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from core.calibration import unit_rows
from core.errors import ModelUnavailable
from core.image_text import ImageTextModel
from core.tasks import Job
from demos.segmentation.crops import cut_outs, kinds_of, windows_around
from demos.segmentation.dense import LEAST_COVER, covers, pooled
from demos.segmentation.options import Crops, SegmentOptions
from demos.segmentation.regions import Puzzle

if TYPE_CHECKING:
    from core.clip_dense import DenseMethod

Floats = NDArray[np.float32]
# Side of the square with as many cells as the dense map, as a multiple of the model's input, where it is not given.
DENSE_SCALE = 3.0
WINDOW_WEIGHT = 0.5  # w
DENSE_MOST_PX = 448  # transformers' cells mix all with all: beyond this the time grows and the map gets worse


class DenseModel(ImageTextModel, Protocol):
    """An image-text encoder with a dense method to choose; core.clip.ClipEncoder is one."""

    @property
    def image_px(self) -> int:
        """Side of the square that the image tower was trained on."""
        ...

    def encode_patches(
        self,
        image: NDArray[np.uint8],
        *,
        size_px: int | None = None,
        method: DenseMethod = "naclip",
        job: Job | None = None,
    ) -> Floats:
        """One (H, W, 3) picture -> (h, w, D) unit norm."""
        ...

    @property
    def reads_windows(self) -> bool:
        """Whether :meth:`encode_windows` works."""
        ...

    def encode_windows(self, image: NDArray[np.uint8], *, size_px: int, job: Job | None = None) -> Floats:
        """The same through overlapping windows of the trained side."""
        ...


def grid_or_none(
    rgb: NDArray[np.uint8], options: SegmentOptions, *, clip: DenseModel, job: Job | None = None
) -> Floats | None:
    """Dense features; the ways that cut regions out do without where there are none."""
    try:
        return dense_grid(rgb, options, clip=clip, job=job)
    except ModelUnavailable:
        if options.way in ("sam+dense", "dense"):
            raise
        return None


def dense_grid(rgb: NDArray[np.uint8], options: SegmentOptions, *, clip: DenseModel, job: Job | None = None) -> Floats:
    """Dense features of a picture under these options, (h, w, D) unit norm."""
    size_px = dense_px(clip, options)
    if clip.reads_windows:
        return clip.encode_windows(rgb, size_px=size_px, job=job)
    return clip.encode_patches(rgb, size_px=size_px, method=options.dense_method, job=job)


def dense_px(clip: DenseModel, options: SegmentOptions) -> int:
    """Size of the dense map: as asked, or what measured best for small and for large models."""
    return options.dense_px or max(clip.image_px, min(round(clip.image_px * DENSE_SCALE), DENSE_MOST_PX))


def region_features(
    rgb: NDArray[np.uint8], grid: Floats, puzzle: Puzzle, *, clip: DenseModel, job: Job | None = None
) -> Floats:
    """What each mask of a puzzle looks like without being cut out, (N, D) unit norm."""
    inside = mask_features(grid, puzzle)
    if not clip.reads_windows or not len(inside):
        return inside
    around = clip.encode_images(windows_around(rgb, puzzle.boxes_xyxy), job=job)
    weights = (WINDOW_WEIGHT * (1.0 - puzzle.border_shares))[:, None].astype(np.float32)
    return unit_rows((1.0 - weights) * inside + weights * around)


def mask_features(grid: Floats, puzzle: Puzzle) -> Floats:
    """Mean of the cells inside each mask of a puzzle, (N, D) unit norm."""
    grid_hw = grid.shape[0], grid.shape[1]
    of_cells = covers(puzzle.cell_map, len(puzzle.area_px), grid_hw)
    flat = puzzle.inside.T.astype(np.float32) @ of_cells.reshape(len(of_cells), -1)
    points = np.full((len(flat), 2), 0.5)
    for n in np.flatnonzero(flat.max(axis=1, initial=0.0) < LEAST_COVER):
        points[n] = _innermost(puzzle, int(n))
    return pooled(grid, flat.reshape(len(flat), *grid_hw), points)


def crop_features(
    rgb: NDArray[np.uint8],
    puzzle: Puzzle,
    rows: Sequence[int],
    crops: Crops,
    *,
    clip: ImageTextModel,
    job: Job | None = None,
) -> Floats:
    """Each mask cut out and embedded as a picture; (N, D) unit norm, the mean over the kinds of cut-out."""
    every = [clip.encode_images(cut_outs(rgb, puzzle, rows, kind), job=job) for kind in kinds_of(crops)]
    return unit_rows(np.mean(every, axis=0)) if len(rows) else every[0]


def _innermost(puzzle: Puzzle, row: int) -> tuple[float, float]:
    """The point of a mask that is farthest from its border, x and y as shares of the picture."""
    from scipy.ndimage import distance_transform_edt

    left, top, right, _ = puzzle.boxes_xyxy[row]
    if left == right:
        return 0.5, 0.5
    mask = np.pad(puzzle.mask_in_box(row), 1)
    y, x = np.unravel_index(distance_transform_edt(mask).argmax(), mask.shape)
    height, width = puzzle.size_hw
    return (left + float(x) - 0.5) / width, (top + float(y) - 0.5) / height
