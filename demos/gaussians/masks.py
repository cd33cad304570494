"""All masks of a photo at every size: the segmenter sees the whole photo and tiles of it, what is cut off is dropped.

A segmenter finds what is large in its picture. LangSplat asks SAM on the photo and on overlapping crops (Qin et al.
2023, arXiv:2312.16084; crop_n_layers of segment_anything); here tiles of a half and a third of the shorter side are
asked, too. A mask that touches a side of its tile that is no side of the photo is half of something and goes; of two
masks that are nearly the same the better one stays. Which mask is a whole, a part or a subpart is not decided here,
photo by photo, but in space, where all photos agree (demos.gaussians.groups).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.sam_automatic import AutomaticOptions
from core.sam_masks import MaskSet
from core.tasks import Job
from demos.gaussians.progress import silent

SAME_IOU = 0.8  # LangSplat's: above, two masks are one
POINTS_PER_SIDE = 8  # of a tile: tiles overlap, so that most places are asked several times
LONGEST_PX = 240  # of the masks that are kept
LEAST_PX = 12  # at that size
_EDGE_PX = 1.5  # nearer to the side of a tile than this is cut off by it
_EDGE_SHARE = 0.02  # of the mask's pixels may lie there all the same


class Segmenter(Protocol):
    """What is needed of :class:`core.sam.PromptableSam`."""

    def automatic(
        self, image: NDArray[np.uint8], options: AutomaticOptions | None = None, *, job: Job | None = None
    ) -> MaskSet:
        """All masks of a picture."""
        ...


@dataclass(frozen=True, eq=False)
class PhotoMasks:
    """The masks of one photo, best first; they may overlap.

    Attributes:
        masks: (M, h, w) bool, the photo made smaller.
        scores: (M,) float32, predicted IoU times stability.
    """

    masks: NDArray[np.bool_]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.masks)

    def packed(self) -> dict[str, NDArray]:
        """Arrays for a file: bits, shape and scores."""
        shape = np.array(self.masks.shape, np.int32)
        return {"bits": np.packbits(self.masks.reshape(-1)), "shape": shape, "scores": self.scores}

    @classmethod
    def unpacked(cls, arrays: dict[str, NDArray]) -> PhotoMasks:
        """The inverse of :meth:`packed`."""
        shape = tuple(int(side) for side in arrays["shape"])
        bits = np.unpackbits(arrays["bits"], count=int(np.prod(shape)))
        return cls(bits.reshape(shape).astype(bool), arrays["scores"].astype(np.float32))


@dataclass(frozen=True)
class Tile:
    """A square or the whole of a photo, (left, top, right, bottom) in pixels."""

    box_xyxy: tuple[int, int, int, int]


def tiles_of(size_hw: tuple[int, int], divisors: Sequence[int]) -> list[Tile]:
    """The whole photo for 1; for every other divisor d squares of 1/d of the shorter side that overlap by a third."""
    height, width = size_hw
    found = []
    for divisor in divisors:
        if divisor <= 1:
            found.append(Tile((0, 0, width, height)))
            continue
        side = max(16, min(height, width) // divisor)
        rows, columns = (max(1, -(-3 * (length - side) // (2 * side)) + 1) for length in (height, width))
        tops = np.linspace(0, height - side, rows).round().astype(int)
        lefts = np.linspace(0, width - side, columns).round().astype(int)
        found += [Tile((int(x), int(y), int(x) + side, int(y) + side)) for y in tops for x in lefts]
    return found


def find_masks(
    rgb: NDArray[np.uint8],
    segmenter: Segmenter,
    *,
    divisors: Sequence[int] = (1, 2),
    points_per_side: int = POINTS_PER_SIDE,
    job: Job | None = None,
) -> PhotoMasks:
    """Find the masks of a photo.

    Args:
        rgb: (H, W, 3) uint8.
        segmenter: Asked once a tile.
        divisors: Which tiles; see :func:`tiles_of`.
        points_per_side: Points asked across a tile.
        job: Asked for Cancel between batches of points.
    """
    size_hw = rgb.shape[0], rgb.shape[1]
    factor = min(1.0, LONGEST_PX / max(size_hw))
    small_hw = max(1, round(size_hw[0] * factor)), max(1, round(size_hw[1] * factor))
    options = AutomaticOptions(points_per_side=points_per_side)
    masks: list[NDArray[np.bool_]] = []
    scores: list[float] = []
    for tile in tiles_of(size_hw, divisors):
        left, top, right, bottom = tile.box_xyxy
        found = segmenter.automatic(np.ascontiguousarray(rgb[top:bottom, left:right]), options, job=silent(job))
        for row, mask in enumerate(found.each_full()):
            if not _is_cut_off(mask, tile, size_hw):
                small = _placed(mask, tile, size_hw, small_hw)
                if int(small.sum()) >= LEAST_PX:
                    masks.append(small)
                    scores.append(float(found.predicted_iou[row] * found.stability[row]))
    if not masks:
        return PhotoMasks(np.zeros((0, *small_hw), bool), np.zeros(0, np.float32))
    kept = distinct(np.stack(masks), np.array(scores, np.float32))
    return PhotoMasks(np.stack(masks)[kept], np.array(scores, np.float32)[kept])


def distinct(masks: NDArray[np.bool_], scores: NDArray[np.float32], *, same_iou: float = SAME_IOU) -> NDArray[np.intp]:
    """Rows of masks, best first, none of which has an IoU above ``same_iou`` with a better one."""
    order = np.argsort(-scores, kind="stable")
    flat = masks.reshape(len(masks), -1)[order].astype(np.float32)
    shared = flat @ flat.T
    areas = np.diagonal(shared)
    iou = shared / np.maximum(areas[:, None] + areas[None, :] - shared, 1)
    kept: list[int] = []
    for i in range(len(order)):
        if not kept or iou[i, kept].max() <= same_iou:
            kept.append(i)
    return order[kept]


def _is_cut_off(mask: NDArray[np.bool_], tile: Tile, size_hw: tuple[int, int]) -> bool:
    """Whether a mask runs along a side of its tile that is no side of the photo."""
    left, top, right, bottom = tile.box_xyxy
    reach = int(np.ceil(_EDGE_PX))
    strips = (
        (left > 0, mask[:, :reach]),
        (top > 0, mask[:reach]),
        (right < size_hw[1], mask[:, -reach:]),
        (bottom < size_hw[0], mask[-reach:]),
    )
    most = max(2.0, _EDGE_SHARE * float(mask.sum()))
    return any(is_inner and float(strip.sum()) > most for is_inner, strip in strips)


def _placed(
    mask: NDArray[np.bool_], tile: Tile, size_hw: tuple[int, int], small_hw: tuple[int, int]
) -> NDArray[np.bool_]:
    """A tile's mask in the whole photo, made smaller: a pixel is in it if half of its area is."""
    whole = np.zeros(size_hw, np.uint8)
    left, top, right, bottom = tile.box_xyxy
    whole[top:bottom, left:right] = mask * np.uint8(255)
    small = Image.fromarray(whole).resize((small_hw[1], small_hw[0]), Image.Resampling.BOX)
    return np.asarray(small) >= 128
