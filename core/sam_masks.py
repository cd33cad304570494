"""What a promptable segmenter is asked and what it answers: prompts, masks at low resolution, and how they grow.

A picture lies in the top left of the model's square, its longer side filling it; the rest is padding. Masks come as
logits of a coarse grid over that square, and everything that decides about a mask (score, box, overlap) is read off
there: enlarging all candidates first is most of the time of segment_anything's own generator. The enlargement is
linear in each axis, so it is two small matrices, applied to the few rows and columns that a mask touches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
FULL_BYTES = 512 << 20  # most that MaskSet.full hands out at once
BOXES_AT_ONCE = 16  # masks whose logits are doubled together: they have to stay in the cache


def _no_points() -> Floats:
    return np.zeros((0, 2), np.float32)


def _no_labels() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Prompt:
    """Where to look, in pixels of the picture; at least one point, a box or a mask.

    Attributes:
        points_xy: (P, 2) float32, x to the right, y down; (0, 0) is the top left pixel.
        point_labels: (P,) 1 for "inside", 0 for "outside".
        box_xyxy: (4,) left, top, right, bottom, or None.
        mask_logits: (m, m) float32, one of the ``logits`` of an earlier answer for the same picture, or None.
    """

    points_xy: Floats = field(default_factory=_no_points)
    point_labels: NDArray[np.int64] = field(default_factory=_no_labels)
    box_xyxy: Floats | None = None
    mask_logits: Floats | None = None

    @property
    def is_ambiguous(self) -> bool:
        """Whether one point is all there is: it may mean a part, a whole or something between."""
        return len(self.points_xy) == 1 and self.box_xyxy is None and self.mask_logits is None


@dataclass(frozen=True, eq=False)
class PromptMasks:
    """Three candidates for one prompt, by area: subpart, part, whole.

    Attributes:
        masks: (3, H, W) bool, in pixels of the picture.
        predicted_iou: (3,) the model's own guess of how good each is; a raw number, mostly from 0 to 1.
        logits: (3, m, m) float32 over the model's square; one of them is the next prompt's ``mask_logits``.
        best: Index of the one to show first.
    """

    masks: Bools
    predicted_iou: Floats
    logits: Floats
    best: int


@dataclass(frozen=True)
class Frame:
    """How a picture lies in the model's square.

    Attributes:
        size_hw: Of the picture, px.
        side_px: Side of the square.
        low_px: Side of the grid of mask logits over the square.
    """

    size_hw: tuple[int, int]
    side_px: int
    low_px: int

    @cached_property
    def input_hw(self) -> tuple[int, int]:
        """The picture's size within the square; rounded as segment_anything's ResizeLongestSide does."""
        scale = self.side_px / max(self.size_hw)
        height, width = (max(1, int(side * scale + 0.5)) for side in self.size_hw)
        return height, width

    @cached_property
    def low_hw(self) -> tuple[int, int]:
        """Rows and columns of the logits that lie over the picture, the last maybe in part."""
        height, width = (math.ceil(side * self.low_px / self.side_px) for side in self.input_hw)
        return height, width

    @property
    def scale_xy(self) -> tuple[float, float]:
        """Factors from the picture's pixels to the square's."""
        return self.input_hw[1] / self.size_hw[1], self.input_hw[0] / self.size_hw[0]

    @property
    def cell_wh_px(self) -> tuple[float, float]:
        """Size of one logit's cell in pixels of the picture."""
        step = self.side_px / self.low_px
        return step / self.scale_xy[0], step / self.scale_xy[1]

    @cached_property
    def growth(self) -> tuple[Floats, Floats]:
        """Matrices (H, low_px) and (W, low_px) that enlarge logits of the whole square: rows @ logits @ columns.T.

        The same two bilinear steps as ``Sam.postprocess_masks``: to the square, cut, to the picture.
        """
        rows, columns = (
            _bilinear(size, inner) @ _bilinear(self.side_px, self.low_px)[:inner]
            for size, inner in zip(self.size_hw, self.input_hw, strict=True)
        )
        return rows, columns

    @cached_property
    def cut_growth(self) -> tuple[Floats, Floats]:
        """The same for logits cut to ``low_hw``; what lay in the padding counts as the nearest row that is left."""
        rows, columns = (_folded(matrix, kept) for matrix, kept in zip(self.growth, self.low_hw, strict=True))
        return rows, columns


@dataclass(frozen=True, eq=False)
class MaskSet:
    """Masks of one picture at low resolution, best first; enlarged only where somebody asks.

    Attributes:
        size_hw: Height and width of the picture, px.
        logits: (N, h, w) float32 over the picture without the padding; a mask is where they are above 0.
        predicted_iou: (N,) float32, the model's own guess of how good each mask is.
        stability: (N,) float32, IoU of the mask cut at logit +1 with that cut at -1, 0 to 1.
        box_xyxy: (N, 4) float32, edges in pixels of the picture (right and bottom are exclusive).
        point_xy: (N, 2) float32, the prompt that made each, in pixels of the picture; NaN where it was no point.
        frame: How the picture lies in the model's square; None where the logits cover it from edge to edge.
    """

    size_hw: tuple[int, int]
    logits: Floats
    predicted_iou: Floats
    stability: Floats
    box_xyxy: Floats
    point_xy: Floats
    frame: Frame | None = None

    def __len__(self) -> int:
        return len(self.logits)

    @cached_property
    def area_px(self) -> Floats:
        """(N,) float32: area of each mask in pixels of the picture, by its cells."""
        if self.frame is not None:
            width, height = self.frame.cell_wh_px
        else:
            height, width = (size / cells for size, cells in zip(self.size_hw, self.logits.shape[1:], strict=True))
        return (self.low().sum((1, 2)) * (width * height)).astype(np.float32)

    def low(self) -> Bools:
        """(N, h, w) bool: the masks at low resolution."""
        return self.logits > 0

    def take(self, rows: Sequence[int] | NDArray[np.int64] | Bools) -> MaskSet:
        """Some of the masks, in the order of ``rows``."""
        kept = np.asarray(rows) if len(rows) else np.zeros(0, np.int64)
        names = [f.name for f in fields(self) if f.name not in ("size_hw", "frame")]
        return replace(self, **{name: getattr(self, name)[kept] for name in names})

    def full(self, rows: Sequence[int] | None = None) -> Bools:
        """(n, H, W) bool: masks at the picture's size.

        Raises:
            ValueError: more than ``FULL_BYTES``; :meth:`each_full` and :meth:`painted` need one mask at a time.
        """
        chosen = range(len(self)) if rows is None else rows
        height, width = self.size_hw
        if len(chosen) * height * width > FULL_BYTES:
            raise ValueError(f"{len(chosen)} masks of {width} x {height} px do not fit into {FULL_BYTES >> 20} MiB")
        out = np.zeros((len(chosen), height, width), bool)
        for mask, row in zip(out, chosen, strict=True):
            self._grow(row, mask)
        return out

    def each_full(self, rows: Sequence[int] | None = None) -> Iterator[Bools]:
        """One (H, W) bool mask after the other, each an array of its own."""
        for row in range(len(self)) if rows is None else rows:
            yield self.full([row])[0]

    def painted(self, rows: Sequence[int] | None = None) -> NDArray[np.int32]:
        """(H, W) int32: at each pixel the row that was painted last there, -1 where none was.

        Args:
            rows: Bottom first; None paints all, the best on top.
        """
        order = range(len(self) - 1, -1, -1) if rows is None else rows
        out = np.full(self.size_hw, -1, np.int32)
        mask = np.zeros(self.size_hw, bool)
        for row in order:
            touched = self._grow(row, mask)
            out[touched][mask[touched]] = row
            mask[touched] = False
        return out

    @cached_property
    def _growth(self) -> tuple[Floats, Floats]:
        """Matrices (H, h) and (W, w) that enlarge the logits."""
        if self.frame is not None:
            return self.frame.cut_growth
        height, width = self.logits.shape[1:]
        return _bilinear(self.size_hw[0], height), _bilinear(self.size_hw[1], width)

    def _grow(self, row: int, out: Bools) -> tuple[slice, slice]:
        """Enlarge one mask into ``out`` (H, W), which is all False; returns the rows and columns that may be True."""
        logits = self.logits[row]
        inside = logits > 0
        picture: list[slice] = []
        parts: list[Floats] = []
        for axis, matrix in enumerate(self._growth):
            touched = np.flatnonzero(matrix[:, inside.any(1 - axis)].any(1))  # elsewhere all neighbours are <= 0
            picture.append(slice(touched[0], touched[-1] + 1) if len(touched) else slice(0, 0))
            parts.append(matrix[picture[-1]])
        where = (picture[0], picture[1])
        if 0 in out[where].shape:
            return where
        near = [np.flatnonzero(part.any(0)) for part in parts]
        (top, bottom), (left, right) = ((cells[0], cells[-1] + 1) for cells in near)
        across = logits[top:bottom, left:right] @ parts[1][:, left:right].T
        out[where] = parts[0][:, top:bottom] @ across > 0
        return where


def grown(logits: Floats, frame: Frame) -> Bools:
    """Masks of the whole square at the picture's size, as ``Sam.postprocess_masks`` makes them.

    Args:
        logits: (N, low_px, low_px) float32.
        frame: How the picture lies in the square.

    Returns:
        (N, H, W) bool.
    """
    rows, columns = frame.growth
    out = np.empty((len(logits), *frame.size_hw), bool)
    for mask, one in zip(out, logits, strict=True):
        np.greater(rows @ (one @ columns.T), 0, out=mask)
    return out


def boxes_of(logits: Floats, frame: Frame) -> Floats:
    """Boxes around masks, read off their logits; an edge lies where the highest logit of a row crosses zero.

    The logits are doubled once before. A single cell a little above zero is gone when a mask is enlarged, and would
    otherwise stretch its box by half the picture and save it from suppression.

    Args:
        logits: (N, h, w) float32 over the picture without the padding.
        frame: How the picture lies in the square.

    Returns:
        (N, 4) float32: left, top, right, bottom in pixels of the picture; zeros for a mask that is gone.
    """
    boxes = np.zeros((len(logits), 4), np.float32)
    for start in range(0, len(logits), BOXES_AT_ONCE):
        part = slice(start, start + BOXES_AT_ONCE)
        profiles = _highest(logits[part])
        for place, profile in enumerate(profiles):  # across, then down
            half_px, side_px = frame.cell_wh_px[place] / 2, frame.size_hw[1 - place]
            boxes[part, place] = np.clip(_first_edge(profile) * half_px, 0, side_px)
            boxes[part, place + 2] = np.clip((profile.shape[1] - _first_edge(profile[:, ::-1])) * half_px, 0, side_px)
        boxes[part][profiles[0].max(1) <= 0] = 0
    return boxes


def _highest(logits: Floats) -> tuple[Floats, Floats]:
    """The highest values of each column and of each row of logits of twice the size.

    They are doubled bilinearly as :func:`_bilinear` does it; the four that a cell becomes are looked at apart, because
    weaving them into one array takes longer than all the rest.

    Args:
        logits: (N, h, w) float32.

    Returns:
        (N, 2 w) and (N, 2 h).
    """
    count, height, width = logits.shape
    columns, rows = np.empty((count, width, 2), np.float32), np.empty((count, height, 2), np.float32)
    halves = [_shifted(logits, 1, step) for step in (-1, 1)]
    corners = [[_shifted(half, 2, step) for step in (-1, 1)] for half in halves]
    for place in (0, 1):
        columns[..., place] = np.maximum(corners[0][place].max(1), corners[1][place].max(1))
        rows[..., place] = np.maximum(corners[place][0].max(2), corners[place][1].max(2))
    return columns.reshape(count, -1), rows.reshape(count, -1)


def _shifted(values: Floats, axis: int, step: int) -> Floats:
    """Values a quarter of the way to the one before (``step`` -1) or after (1) along an axis of (N, h, w)."""
    out = np.multiply(values, np.float32(0.75))
    near, far = [slice(None)] * 3, [slice(None)] * 3
    near[axis], far[axis] = (slice(1, None), slice(None, -1)) if step < 0 else (slice(None, -1), slice(1, None))
    edge = [slice(None)] * 3
    edge[axis] = slice(0, 1) if step < 0 else slice(-1, None)
    quarter = np.multiply(values, np.float32(0.25))
    out[tuple(near)] += quarter[tuple(far)]
    out[tuple(edge)] += quarter[tuple(edge)]
    return out


def _first_edge(profile: Floats) -> Floats:
    """Where each row of (N, n) first rises above zero, in cells, by a straight line between the cells' centres."""
    first = (profile > 0).argmax(1)
    here = profile[np.arange(len(profile)), first]
    before = profile[np.arange(len(profile)), np.maximum(first - 1, 0)]
    fraction = np.where(first > 0, here / np.maximum(here - before, 1e-12), 0.5)  # the grid's border is the picture's
    return (first + 0.5 - np.clip(fraction, 0, 1)).astype(np.float32)


def box_survivors(box_xyxy: Floats, score: Floats, iou: float) -> NDArray[np.int64]:
    """Greedy non-maximum suppression: the rows that stay, best score first, earlier rows first among equals.

    Args:
        box_xyxy: (N, 4).
        score: (N,).
        iou: A box leaves if it overlaps a better one that stays by more than this.
    """
    left, top, right, bottom = box_xyxy.astype(np.float64).T
    areas = (right - left) * (bottom - top)
    order = np.argsort(-score, kind="stable")
    kept: list[int] = []
    while len(order):
        best, order = int(order[0]), order[1:]
        kept.append(best)
        width = np.minimum(right[best], right[order]) - np.maximum(left[best], left[order])
        height = np.minimum(bottom[best], bottom[order]) - np.maximum(top[best], top[order])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        order = order[shared <= iou * (areas[best] + areas[order] - shared)]
    return np.array(kept, np.int64)


def _bilinear(size: int, source: int) -> Floats:
    """(size, source): resampling along one axis as torch does it with ``align_corners=False``."""
    centre = np.maximum((np.arange(size) + 0.5) * (source / size) - 0.5, 0)
    low = np.minimum(centre.astype(np.int64), source - 1)
    share = (centre - low).astype(np.float32)
    matrix = np.zeros((size, source), np.float32)
    matrix[np.arange(size), low] += 1 - share
    matrix[np.arange(size), np.minimum(low + 1, source - 1)] += share
    return matrix


def _folded(matrix: Floats, kept: int) -> Floats:
    """The first ``kept`` columns, the last of them with the weights of all that follow."""
    folded = matrix[:, :kept].copy()
    folded[:, -1] += matrix[:, kept:].sum(1)
    return folded
