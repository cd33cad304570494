"""What lies under a click or in a box: the mask model's three candidates, each named at once.

A region embedding by pooling stands in for CLOC's trained prompter (Chen et al. 2024, arXiv:2410.02746: a box turns the
picture's embedding into that of the region), of which no weights are public:

    z(M) = norm(sum_x M(x) f_x)          M the share of each cell that mask or box fills

so that the whole picture gives the mean of its cells and a box of one cell gives that cell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.calibration import unit_rows
from core.images import Picture
from core.sam_masks import Prompt, PromptMasks
from core.tasks import Job
from demos.segmentation.analysis import MaskModel
from demos.segmentation.dense import pooled
from demos.segmentation.features import DenseModel, crop_features, dense_grid, grid_or_none, region_features
from demos.segmentation.options import Clicks, SegmentOptions
from demos.segmentation.regions import Puzzle, box_of, puzzle_of

Floats = NDArray[np.float32]


def prompt_of(clicks: Clicks) -> Prompt:
    """The clicks as the mask model takes them."""
    return Prompt(
        points_xy=np.array(clicks.points_xy, np.float32).reshape(-1, 2),
        point_labels=np.array(clicks.are_inside, np.int64).reshape(-1),
        box_xyxy=None if clicks.box_xyxy is None else np.array(clicks.box_xyxy, np.float32),
    )


def candidates(
    picture: Picture, clicks: Clicks, *, sam: MaskModel, job: Job | None = None
) -> tuple[PromptMasks, Puzzle]:
    """The mask model's answer, and its three masks as a puzzle."""
    found = sam.prompt(picture.rgb, prompt_of(clicks), job=job)
    return found, puzzle_of(found.masks, (picture.rgb.shape[0], picture.rgb.shape[1]), job=job)


def descriptions(
    picture: Picture, puzzle: Puzzle, options: SegmentOptions, *, clip: DenseModel, job: Job | None = None
) -> tuple[Floats | None, Floats | None]:
    """What masks look like: cut out (N, D) and pooled (N, D), each None where the way does without."""
    crops = dense = None
    if options.way != "sam+clip":
        grid = grid_or_none(picture.rgb, options, clip=clip, job=job)
        dense = None if grid is None else region_features(picture.rgb, grid, puzzle, clip=clip, job=job)
    if options.way in ("sam+clip", "ensemble"):
        filled = [n for n in range(puzzle.inside.shape[1]) if puzzle.mask_px[n]]
        crops = np.zeros((puzzle.inside.shape[1], 0), np.float32)
        if filled:
            cut = crop_features(picture.rgb, puzzle, filled, options.crops, clip=clip, job=job)
            crops = np.zeros((puzzle.inside.shape[1], cut.shape[1]), np.float32)
            crops[filled] = cut
        elif dense is not None:
            crops = np.zeros_like(dense)
    return crops, dense


def joined_description(crops: Floats | None, dense: Floats | None) -> Floats:
    """One vector a mask: the mean of what there is, (N, D) unit norm."""
    return unit_rows(np.mean([rows for rows in (crops, dense) if rows is not None], axis=0))


def region_embedding(
    picture: Picture,
    boxes_xyxy: Sequence[tuple[float, float, float, float]],
    options: SegmentOptions,
    *,
    clip: DenseModel,
    job: Job | None = None,
) -> Floats:
    """Embed boxes of a picture without a mask model.

    Args:
        picture: The picture.
        boxes_xyxy: (N, 4) in its pixels.
        options: Size and method of the dense map.
        clip: The encoder.
        job: Cancel.

    Returns:
        (N, D) float32, unit norm.
    """
    grid = dense_grid(picture.rgb, options, clip=clip, job=job)
    height, width = picture.rgb.shape[:2]
    rows, columns = np.arange(grid.shape[0]), np.arange(grid.shape[1])
    boxes = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4)
    down = boxes[:, (1, 3)] * grid.shape[0] / height
    across = boxes[:, (0, 2)] * grid.shape[1] / width
    fills = [
        np.clip(np.minimum(span[:, 1:], cells + 1) - np.maximum(span[:, :1], cells), 0.0, 1.0)
        for span, cells in ((down, rows), (across, columns))
    ]
    shares = (fills[0][:, :, None] * fills[1][:, None, :]).astype(np.float32)
    return pooled(grid, shares)


def boxes_of(masks: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Smallest rectangles around (N, H, W) masks: left, top, right, bottom, exclusive at the end; 0 if empty."""
    found = []
    for mask in masks:
        rows, columns = box_of(mask)
        found.append((columns.start, rows.start, columns.stop, rows.stop))
    return found
