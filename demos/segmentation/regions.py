"""Overlapping masks as a puzzle: the picture falls into cells, and every mask is a set of whole cells.

N masks cut a picture into A cells of pixels that lie in the very same masks (A is some hundreds, a cell need not be
of one piece). Once the cells are known, areas, overlaps, nesting and every way to merge masks are sums over cells,
exact to the pixel and independent of the picture's size; only painting the result touches pixels again. That is what
lets a threshold or a label change on a 12-megapixel photo without any mask being looked at.

Symbols: a_i pixels of cell i, B (A, N) 0/1 which cell lies in which mask.

    area_n = sum_i a_i B_in        shared_nm = sum_i a_i B_in B_im

Nesting: the parent of a mask is the smallest one that holds at least ``INSIDE`` of it (LangSplat's test of 0.85,
Qin et al. 2023, arXiv:2312.16084) and is clearly larger.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job
from demos.segmentation.options import LEVELS, Level

Mask = NDArray[np.bool_]
INSIDE = 0.85  # of a part that its whole must hold
ISLAND_SHARE = 0.3  # of a mask's largest piece, below which a piece of it goes
CLEARLY_LARGER = 1.3  # a whole against its part; below, the two are the same thing with other edges


@dataclass(frozen=True, eq=False)
class Puzzle:
    """Masks of one picture as sets of cells.

    Attributes:
        cell_map: (H, W) int32, number of the cell at each pixel; cell 0 is what lies in no mask.
        area_px: (A,) int64, pixels of each cell.
        inside: (A, N) bool, which masks a cell lies in.
    """

    cell_map: NDArray[np.int32]
    area_px: NDArray[np.int64]
    inside: Mask

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.cell_map.shape[0], self.cell_map.shape[1]

    @cached_property
    def shared_px(self) -> NDArray[np.float64]:
        """(N, N) pixels that two masks share; the diagonal holds their areas."""
        members = self.inside.astype(np.float64)
        shared: NDArray[np.float64] = (members * self.area_px[:, None]).T @ members
        return shared

    @cached_property
    def mask_px(self) -> NDArray[np.int64]:
        """(N,) pixels of each mask."""
        return np.rint(np.diag(self.shared_px)).astype(np.int64)

    @cached_property
    def parents(self) -> NDArray[np.intp]:
        """(N,) the smallest mask around each, -1 where there is none."""
        areas = np.maximum(self.mask_px, 1).astype(np.float64)
        holds = (self.shared_px >= INSIDE * areas[:, None]) & (areas[None, :] >= CLEARLY_LARGER * areas[:, None])
        sizes = np.where(holds, areas[None, :], np.inf)
        if not sizes.size:
            return np.zeros(0, np.intp)
        return np.where(holds.any(axis=1), sizes.argmin(axis=1), -1)

    @cached_property
    def boxes_xyxy(self) -> NDArray[np.int64]:
        """(N, 4) smallest rectangles around the masks, right and bottom exclusive; 0 for an empty mask."""
        cells = boxes_of_values(self.cell_map + 1, len(self.area_px))
        boxes = np.zeros((self.inside.shape[1], 4), np.int64)
        for row, box in enumerate(boxes):
            own = cells[self.inside[:, row] & (self.area_px > 0)]
            if len(own):
                box[:2], box[2:] = own[:, :2].min(axis=0), own[:, 2:].max(axis=0)
        return boxes

    @cached_property
    def border_shares(self) -> NDArray[np.float64]:
        """(N,) share of the picture's outermost pixels that lie in each mask, 0 to 1."""
        edge = np.ones(self.size_hw, bool)
        edge[1:-1, 1:-1] = False
        cells = np.bincount(self.cell_map[edge], minlength=len(self.area_px))
        shares: NDArray[np.float64] = cells @ self.inside / cells.sum()
        return shares

    def mask_in_box(self, row: int) -> Mask:
        """One mask within its rectangle, (h, w) bool."""
        left, top, right, bottom = self.boxes_xyxy[row]
        return self.inside[:, row][self.cell_map[top:bottom, left:right]]

    def painted(self, value_of_cell: NDArray[np.int32]) -> NDArray[np.int32]:
        """Give every pixel the value of its cell: (A,) -> (H, W) int32."""
        return np.take(value_of_cell.astype(np.int32), self.cell_map)


def puzzle_of(masks: Iterable[Mask], size_hw: tuple[int, int], *, job: Job | None = None) -> Puzzle:
    """Cut a picture along all masks.

    Args:
        masks: (H, W) bool each; looked at one after the other, so that one is in memory at a time.
        size_hw: Height and width of the picture.
        job: Asked for Cancel between masks.

    Returns:
        The puzzle; mask n of ``inside`` is the n-th of ``masks``.
    """
    cell_map = np.zeros(size_hw, np.int32)
    areas = np.array([size_hw[0] * size_hw[1]], np.int64)
    members: list[tuple[int, ...]] = [()]  # for each cell the masks that it lies in
    count = 0
    for number, mask in enumerate(masks):
        if job is not None:
            job.check()
        count = number + 1
        where = box_of(mask)
        under = cell_map[where]
        is_in = mask[where]
        hits = np.bincount(under[is_in], minlength=len(areas))
        touched = np.flatnonzero(hits)
        split = touched[hits[touched] < areas[touched]]  # the others lie wholly inside and only note the mask
        new_of = np.arange(len(areas), dtype=np.int32)
        new_of[split] = len(areas) + np.arange(len(split))
        for cell in set(touched.tolist()) - set(split.tolist()):
            members[cell] += (number,)
        members += [(*members[cell], number) for cell in split.tolist()]
        areas[split] -= hits[split]
        areas = np.concatenate([areas, hits[split]])
        under[is_in] = new_of[under[is_in]]
    inside = np.zeros((len(areas), count), bool)
    for cell, owners in enumerate(members):
        inside[cell, list(owners)] = True
    return Puzzle(cell_map, areas, inside)


def without_islands(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Masks without their small pieces, which mark other things of the same colour more often than parts of this one.

    segment_anything removes pieces below a number of pixels; here the largest piece is the measure. On 40 tuning scenes
    of Toybox this is worth 0.02 of mIoU.

    Args:
        logits: (N, h, w) float32, above 0 inside; low resolution will do.

    Returns:
        The same, with the sign of the cells of such pieces turned.
    """
    from scipy.ndimage import label

    out = logits.copy()
    for row in out:
        pieces, count = label(row > 0)
        if count > 1:
            area = np.bincount(pieces.ravel())
            area[0] = 0
            is_island = area < ISLAND_SHARE * area.max()
            is_island[0] = False
            row[is_island[pieces]] *= -1.0
    return out


def box_of(mask: Mask) -> tuple[slice, slice]:
    """Rows and columns that hold all of a mask; empty slices for an empty one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def levels_of(parents: NDArray[np.intp]) -> tuple[Level, ...]:
    """Names of the levels: what lies in nothing is a whole, what lies in a whole a part, and so on down.

    Args:
        parents: (N,) position of the mask around each, -1 for none.
    """
    found: list[Level] = []
    for at in range(len(parents)):
        depth, here = 0, int(parents[at])
        while here >= 0 and depth < 2:
            depth, here = depth + 1, int(parents[here])
        found.append(LEVELS[-1 - depth])
    return tuple(found)


def inner_points(region_map: NDArray[np.int32], count: int, *, most_px: int = 512) -> NDArray[np.int64]:
    """A pixel well inside each region, far from its borders, for a caption or a marker.

    The distance to the nearest other region is measured on a picture of at most ``most_px`` a side; a region that
    vanishes there gets one of its own pixels.

    Args:
        region_map: (H, W) int32, ids from 1 to ``count``, 0 = none.
        count: Number of regions.
        most_px: Longer side at which the distance is measured.

    Returns:
        (count, 2) x and y; (0, 0) for an id that has no pixel.
    """
    from scipy.ndimage import distance_transform_cdt, maximum_position

    step = max(1, -(-max(region_map.shape) // most_px))
    small = region_map[step // 2 :: step, step // 2 :: step]
    if 0 in small.shape:
        small, step = region_map, 1
    padded = np.pad(small, 1, constant_values=-1)
    is_edge = np.zeros(padded.shape, bool)
    for axis in (0, 1):
        differs = np.diff(padded, axis=axis) != 0
        first = [slice(None), slice(None)]
        second = [slice(None), slice(None)]
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        is_edge[tuple(first)] |= differs
        is_edge[tuple(second)] |= differs
    depth = distance_transform_cdt(~is_edge, "chessboard")[1:-1, 1:-1] + 1
    found = np.zeros((count, 2), np.int64)
    ids = np.arange(1, count + 1)
    present = np.bincount(small.ravel(), minlength=count + 1)[1:] > 0
    if present.any():
        places = np.array(maximum_position(depth, small, ids[present]))
        found[present] = np.stack([places[:, 1], places[:, 0]], axis=1) * step + step // 2
    for missing in ids[~present]:
        where = np.argwhere(region_map == missing)
        if len(where):
            found[missing - 1] = where[len(where) // 2][::-1]
    return found


def boxes_of_values(values: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Smallest rectangles around the values 1 to ``count`` of a map.

    Returns:
        (count, 4) left, top, right, bottom; right and bottom exclusive, all 0 for a value that is not there.
    """
    from scipy.ndimage import find_objects

    boxes = np.zeros((count, 4), np.int64)
    for number, found in enumerate(find_objects(values, count)):
        if found is not None:
            boxes[number] = (found[1].start, found[0].start, found[1].stop, found[0].stop)
    return boxes
