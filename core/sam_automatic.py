"""Masks of everything in a picture: a grid of points is asked, what is good, stable and new stays.

What segment_anything's ``SamAutomaticMaskGenerator`` does for one picture (no crops), with its rules and its order,
but every decision is taken on the low-resolution logits, in small batches, and the points of one picture share its
embedding. Adaptive asks a coarse grid first and then only points that no accepted mask of moderate size explains;
with the pocket model on Toybox scenes (32 x 32 points) that saves a sixth of the time and 0.02 of the recall.
Source: Kirillov et al. 2023, arXiv:2304.02643, appendix B; segment_anything (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core import sam_decoder
from core.device import exclusive
from core.sam_masks import Bools, Floats, Frame, MaskSet, box_survivors, boxes_of
from core.tasks import Job

if TYPE_CHECKING:
    from torch import Tensor

STABILITY_OFFSET = 1.0  # in logits, of segment_anything
POINTS_PER_SIDE = 32  # of segment_anything; fewer where the model's embedding has fewer cells
SETTLED_SHARE = 0.05  # of the picture: a larger mask may still hide things that the coarse grid stepped over
POINTS_PER_CELL = 2 / 3  # along a side of the embedding, at most
COSTLY_WORK = 1 << 19  # cells x channels of a point from which adaptive pays on a CPU; the released models have 2**20
CANDIDATE_BYTES = 256 << 20  # of logits held before duplicates among them are dropped early
BATCH_WORK = 1 << 21  # points x cells x channels of one batch on a CPU; larger ones fall out of its cache


@dataclass(frozen=True)
class Thresholds:
    """When a mask is good enough; a model's own come with its files.

    Attributes:
        pred_iou: Least predicted IoU (exclusive).
        stability: Least stability, 0 to 1.
        nms_iou: Of two boxes that overlap by more than this, only the better mask stays.
    """

    pred_iou: float = 0.88
    stability: float = 0.95
    nms_iou: float = 0.7


@dataclass(frozen=True)
class AutomaticOptions:
    """How to look for masks; None takes what the model was measured with.

    Attributes:
        points_per_side: The grid has as many points squared; None takes ``POINTS_PER_SIDE``, or two points for
            three cells of the embedding where those are fewer. On 36 Toybox scenes the pocket model finds as many
            things so (recall at IoU 0.5 of 0.91 with 16, 0.90 with 24; mean best IoU 0.755 and 0.760) in 0.44 of the
            time, and with fewer masks beside them more are named right.
        pred_iou: See :class:`Thresholds`.
        stability: See :class:`Thresholds`.
        nms_iou: See :class:`Thresholds`.
        min_area_px: Masks of fewer pixels of the picture are left out.
        adaptive: Skip points of the finer grid that lie in an accepted mask; None does so where a point is costly.
        points_per_batch: None takes what suits the model and the device.
    """

    points_per_side: int | None = None
    pred_iou: float | None = None
    stability: float | None = None
    nms_iou: float | None = None
    min_area_px: float = 0
    adaptive: bool | None = None
    points_per_batch: int | None = None

    def thresholds(self, own: Thresholds) -> Thresholds:
        """These, or the model's own where they are None."""
        return Thresholds(
            own.pred_iou if self.pred_iou is None else self.pred_iou,
            own.stability if self.stability is None else self.stability,
            own.nms_iou if self.nms_iou is None else self.nms_iou,
        )


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture before a model: what every batch of points needs.

    Attributes:
        sam: segment_anything's ``Sam``.
        embedding: (1, D, g, g) on its device.
        frame: How the picture lies in its square.
        device: Where it runs.
        name: For the progress line.
    """

    sam: Any
    embedding: Tensor
    frame: Frame
    device: str
    name: str


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Masks that passed the thresholds: one row each, as in MaskSet."""

    logits: Floats
    predicted_iou: Floats
    stability: Floats
    box_xyxy: Floats
    point_xy: Floats

    def take(self, rows: NDArray[np.int64] | Bools) -> _Candidates:
        return _Candidates(
            self.logits[rows], self.predicted_iou[rows], self.stability[rows], self.box_xyxy[rows], self.point_xy[rows]
        )

    @staticmethod
    def joined(parts: list[_Candidates]) -> _Candidates:
        return _Candidates(
            np.concatenate([part.logits for part in parts]),
            np.concatenate([part.predicted_iou for part in parts]),
            np.concatenate([part.stability for part in parts]),
            np.concatenate([part.box_xyxy for part in parts]),
            np.concatenate([part.point_xy for part in parts]),
        )

    def distinct(self, iou: float) -> _Candidates:
        return self.take(box_survivors(self.box_xyxy, self.predicted_iou, iou))


def generate(
    scene: Scene,
    options: AutomaticOptions,
    own: Thresholds,
    *,
    points_xy: Floats | None = None,
    job: Job | None = None,
) -> MaskSet:
    """Find the masks of a picture.

    Args:
        scene: The picture, encoded.
        options: What counts.
        own: The model's thresholds.
        points_xy: (P, 2) places to ask in pixels of the picture, in place of the grid.
        job: Told the points done; asked for Cancel before every batch.

    Returns:
        Masks by falling predicted IoU.

    Raises:
        Cancelled: the job was cancelled.
    """
    thresholds = options.thresholds(own)
    batch = options.points_per_batch or points_per_batch(scene)
    if points_xy is not None:
        passes = [np.asarray(points_xy, np.float32)]
    else:
        adaptive = is_costly(scene) if options.adaptive is None else options.adaptive
        side = options.points_per_side or min(POINTS_PER_SIDE, round(scene.embedding.shape[-1] * POINTS_PER_CELL) or 1)
        passes = _grid_passes(side, scene.frame.size_hw, adaptive=adaptive)
    total = sum(len(points) for points in passes)
    found = [_nothing(scene)]
    settled = np.zeros(scene.frame.low_hw, bool)
    done = 0
    for points in passes:
        open_points = points[~_is_settled(points, settled, scene.frame)] if done else points
        done += len(points) - len(open_points)
        for part in _batches(open_points, batch):
            if job is not None:
                job.step("running", done, total, unit="points", note=scene.name)
            new = _ask(scene, part, thresholds, options.min_area_px, job)
            found.append(new)
            _settle(settled, new.logits)
            done += len(part)
            if sum(one.logits.nbytes for one in found) > CANDIDATE_BYTES:
                found = [_Candidates.joined(found).distinct(thresholds.nms_iou)]
    kept = _Candidates.joined(found).distinct(thresholds.nms_iou)
    if job is not None:
        job.step("running", total, total, unit="points", note=scene.name)
    return MaskSet(
        scene.frame.size_hw,
        kept.logits,
        kept.predicted_iou,
        kept.stability,
        kept.box_xyxy,
        kept.point_xy,
        scene.frame,
    )


def points_per_batch(scene: Scene) -> int:
    """How many points to ask at once: few on a CPU, whose cache is small; the same for a model on every machine."""
    fitting = BATCH_WORK // scene.embedding.numel()
    return max(4, min(fitting, 64)) if scene.device == "cpu" else max(64, min(8 * fitting, 256))


def is_costly(scene: Scene) -> bool:
    """Whether a point takes so long that skipping some is worth a few masks."""
    return scene.device == "cpu" and scene.embedding.numel() >= COSTLY_WORK


def stability_of(logits: Tensor) -> Tensor:
    """IoU of each mask cut a little higher with it cut a little lower; (N, h, w) -> (N,), NaN for nothing at all."""
    high = (logits > STABILITY_OFFSET).flatten(1).sum(1)
    low = (logits > -STABILITY_OFFSET).flatten(1).sum(1)
    return high / low


def _grid_passes(side: int, size_hw: tuple[int, int], *, adaptive: bool) -> list[Floats]:
    """Centres of side x side cells of the picture, in one pass, or each pass between the points of those before."""
    height, width = size_hw
    row, column = np.divmod(np.arange(side * side), side)
    points = np.stack([(column + 0.5) * (width / side), (row + 0.5) * (height / side)], 1).astype(np.float32)
    if not adaptive or side < 8:
        return [points]
    is_coarse = (row % 4 == 2) & (column % 4 == 2)
    is_middle = (row % 2 == 0) & (column % 2 == 0) & ~is_coarse
    return [points[is_coarse], points[is_middle], points[~is_coarse & ~is_middle]]


def _batches(points: Floats, size: int) -> Iterator[Floats]:
    for start in range(0, len(points), size):
        yield points[start : start + size]


def _ask(scene: Scene, points_xy: Floats, thresholds: Thresholds, min_area_px: float, job: Job | None) -> _Candidates:
    """One batch: three masks a point, those that pass."""
    import torch

    frame, (rows, columns) = scene.frame, scene.frame.low_hw
    with exclusive(scene.device, job), torch.inference_mode():
        points = torch.from_numpy(points_xy * np.array(frame.scale_xy, np.float32))[:, None].to(scene.device)
        labels = torch.ones(points.shape[:2], dtype=torch.int32, device=scene.device)
        looked = sam_decoder.look(scene.sam, scene.embedding, points=(points, labels))
        iou = looked.predicted_iou[:, sam_decoder.LEVELS]
        is_good = iou > thresholds.pred_iou
        promising = is_good.any(1).nonzero()[:, 0]
        drawn = sam_decoder.draw(scene.sam, looked, rows=promising)[..., :rows, :columns]
        logits, iou = drawn[is_good[promising]], iou[is_good]
        source = is_good.nonzero()[:, 0]
        stability = stability_of(logits)
        cell_px = frame.cell_wh_px[0] * frame.cell_wh_px[1]
        area_px = (logits > 0).flatten(1).sum(1) * cell_px
        passes = (stability >= thresholds.stability) & (area_px >= max(min_area_px, cell_px))
        low, ious, stabilities, sources = (t[passes].cpu().numpy() for t in (logits, iou, stability, source))
    found = _Candidates(low, ious, stabilities, boxes_of(low, frame), points_xy[sources])
    return found.take(found.box_xyxy[:, 2] > found.box_xyxy[:, 0])  # the others are gone when they are enlarged


def _nothing(scene: Scene) -> _Candidates:
    rows, columns = scene.frame.low_hw
    none, places = np.zeros(0, np.float32), np.zeros((0, 2), np.float32)
    return _Candidates(np.zeros((0, rows, columns), np.float32), none, none, np.zeros((0, 4), np.float32), places)


def _settle(settled: Bools, logits: Floats) -> None:
    """Add the cells that accepted masks of moderate size explain."""
    masks = logits > 0
    is_moderate = masks.sum((1, 2)) <= SETTLED_SHARE * settled.size
    settled |= masks[is_moderate].any(0)


def _is_settled(points_xy: Floats, settled: Bools, frame: Frame) -> Bools:
    cells = np.floor(points_xy / np.array(frame.cell_wh_px)).astype(np.int64)
    rows, columns = (np.minimum(cells[:, 1 - axis], frame.low_hw[axis] - 1) for axis in (0, 1))
    return settled[rows, columns]
