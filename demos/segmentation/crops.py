"""Regions cut out as pictures of their own, in the ways that image-text models were shown regions before.

    local-mean    what is outside painted in its own mean colour, a rim around the mask left: masks are never exact
    masked-mean   what is outside painted in the model's mean colour   OVSeg, Liang et al. 2023, arXiv:2210.04150
    box           a little context around it, nothing hidden           Semantic-Segment-Anything
    blur          what is outside blurred: there, but quiet
    both          the mean of box and masked-mean, after the model

Cut-outs are squares: models squash or crop what is not, and squashing changes what things look like. Measured with
pocket-clip on 40 tuning scenes of Toybox, 11 to 16 labels each: with true masks each kind of painting names nine
objects in ten; with the masks that pocket-sam finds the right word comes first for 73 % by local-mean, 66 % by
masked-mean and 72 % by both, and local-mean makes the fewest names out of nothing (mIoU 0.46, 0.33 and 0.38).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from demos.segmentation.options import Crops
from demos.segmentation.regions import Puzzle

MEAN_RGB = (124, 116, 104)  # of ImageNet; OpenAI's mean (123, 117, 104) is the same to the eye
MAX_PX = 512  # side of a cut-out; models take 80 to 384
_CONTEXT: dict[Crops, float] = {"local-mean": 1.2, "masked-mean": 1.0, "box": 1.15, "blur": 1.15}
RIM_SHARE = 0.04  # of the cut-out's side: width of the rim that "local-mean" leaves around the mask
BLUR_SHARE = 0.06  # of the cut-out's side
WINDOW_CONTEXT = 1.2  # side of the window around a box, over the box's longer side
LEAST_WINDOW_PX = 16


def kinds_of(crops: Crops) -> tuple[Crops, ...]:
    """The cut-outs that one choice needs."""
    return ("box", "masked-mean") if crops == "both" else (crops,)


def cut_out(
    rgb: NDArray[np.uint8], mask: NDArray[np.bool_], origin_xy: tuple[int, int], kind: Crops
) -> NDArray[np.uint8]:
    """Cut one region out.

    Args:
        rgb: The picture, (H, W, 3) uint8.
        mask: (h, w) bool, the region within its box; at least one pixel wide and high.
        origin_xy: Left and top of the box in the picture.
        kind: Any but ``"both"``.

    Returns:
        (S, S, 3) uint8 with S at most ``MAX_PX``; what lies outside the picture has the mean colour.
    """
    height, width = mask.shape
    side = max(1, round(max(height, width) * _CONTEXT[kind]))
    left = origin_xy[0] + (width - side) // 2
    top = origin_xy[1] + (height - side) // 2
    box = (max(left, 0), max(top, 0), min(left + side, rgb.shape[1]), min(top + side, rgb.shape[0]))
    step = max(1, side // MAX_PX)
    seen = _reduced(rgb[box[1] : box[3], box[0] : box[2]], step)
    whole = Image.new("RGB", (max(1, side // step), max(1, side // step)), MEAN_RGB)
    at = ((box[0] - left) // step, (box[1] - top) // step)
    whole.paste(Image.fromarray(seen), at)
    if kind == "box":
        return np.asarray(whole)
    shape = Image.new("L", whole.size, 0)
    shown = Image.fromarray(mask[step // 2 :: step, step // 2 :: step].astype(np.uint8) * 255)
    shape.paste(shown, ((origin_xy[0] - left) // step, (origin_xy[1] - top) // step))
    if kind == "blur":
        around = whole.filter(ImageFilter.GaussianBlur(BLUR_SHARE * whole.size[0]))
    elif kind == "local-mean":
        shape = _widened(shape, round(RIM_SHARE * whole.size[0]))
        around = Image.new("RGB", whole.size, _mean_outside(seen, at, shape))
    else:
        around = Image.new("RGB", whole.size, MEAN_RGB)
    around.paste(whole, mask=shape)
    return np.asarray(around)


def cut_outs(rgb: NDArray[np.uint8], puzzle: Puzzle, rows: Sequence[int], kind: Crops) -> list[NDArray[np.uint8]]:
    """Cut several masks of a puzzle out; (S, S, 3) uint8 each."""
    found = []
    for row in rows:
        left, top, *_ = puzzle.boxes_xyxy[row]
        found.append(cut_out(rgb, puzzle.mask_in_box(row), (int(left), int(top)), kind))
    return found


def windows_around(rgb: NDArray[np.uint8], boxes_xyxy: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    """The square around each box with a little context, nothing hidden; it keeps within the picture where it can.

    Args:
        rgb: The picture, (H, W, 3) uint8.
        boxes_xyxy: (N, 4) in its pixels.

    Returns:
        (S, S, 3) uint8 each, S at most ``2 MAX_PX`` and the picture's shorter side.
    """
    height, width = rgb.shape[:2]
    found = []
    for left, top, right, bottom in boxes_xyxy.tolist():
        side = max(round(max(right - left, bottom - top) * WINDOW_CONTEXT), LEAST_WINDOW_PX)
        side = min(side, height, width)
        x, y = ((low + high - side) // 2 for low, high in ((left, right), (top, bottom)))
        x, y = min(max(x, 0), width - side), min(max(y, 0), height - side)
        found.append(_reduced(rgb[y : y + side, x : x + side], max(1, side // MAX_PX)))
    return found


def _widened(shape: Image.Image, rim_px: int) -> Image.Image:
    """A mask (mode L, 0 or 255) and all within ``rim_px`` of it along rows and columns."""
    from scipy.ndimage import maximum_filter1d

    size = 2 * rim_px + 1
    return Image.fromarray(maximum_filter1d(maximum_filter1d(np.asarray(shape), size, axis=0), size, axis=1))


def _mean_outside(seen: NDArray[np.uint8], at: tuple[int, int], shape: Image.Image) -> tuple[int, int, int]:
    """Mean colour of what the picture shows outside a mask; the model's mean colour where it shows nothing there."""
    inside = np.asarray(shape)[at[1] : at[1] + seen.shape[0], at[0] : at[0] + seen.shape[1]]
    outside = seen[: inside.shape[0], : inside.shape[1]][inside == 0]
    if not len(outside):
        return MEAN_RGB
    red, green, blue = np.rint(outside.mean(axis=0)).astype(int).tolist()
    return red, green, blue


def _reduced(rgb: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Every ``step`` pixels become one, by their mean."""
    return rgb if step == 1 else np.asarray(Image.fromarray(rgb).reduce(step))
