"""A model that is two: an image-text encoder whose words are colours, a mask model whose regions are patches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, label

from core.calibration import Calibration
from core.sam_automatic import AutomaticOptions
from core.sam_masks import MaskSet, Prompt, PromptMasks
from core.tasks import Job
from tests.stub_model import COLOURS, StubModel

LOW_PX = 64  # of the logits that a prompt hands back
MOST_PATCHES = 40  # the largest; photos have thousands


def picture(size_wh: tuple[int, int] = (160, 120)) -> NDArray[np.uint8]:
    """White, with a red square, a blue square and a small green one, (H, W, 3)."""
    width, height = size_wh
    rgb = np.full((height, width, 3), COLOURS["white"], np.uint8)
    for name, left, top, right, bottom in (
        ("red", 0.1, 0.15, 0.45, 0.7), ("blue", 0.55, 0.2, 0.9, 0.6), ("green", 0.6, 0.72, 0.75, 0.9),
    ):  # fmt: skip
        rgb[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = COLOURS[name]
    return rgb


def patches(rgb: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(H, W) number of each patch of one colour, from 1; in the order of the palette."""
    palette = np.array(list(COLOURS.values()), np.int64)
    colour = ((rgb[..., None, :].astype(np.int64) - palette) ** 2).sum(-1).argmin(-1)
    out, last = np.zeros(colour.shape, np.int32), 0
    for value in np.unique(colour):
        found, count = label(colour == value)
        out += np.where(found > 0, found + last, 0).astype(np.int32)
        last += count
    return out


@dataclass
class StubSegmenter(StubModel):
    """``prompts_seen`` are those it was asked; ``has_masks`` False finds no region anywhere."""

    calibration: Any = field(default_factory=Calibration)
    image_px: int = 32
    reads_windows: bool = False
    has_masks: bool = True
    automatic_runs: int = 0
    prompts_seen: list[Prompt] = field(default_factory=list)

    def encode_patches(
        self,
        image: NDArray[np.uint8],
        *,
        size_px: int | None = None,
        method: str = "naclip",
        job: Job | None = None,
    ) -> NDArray[np.float32]:
        return super().encode_patches(image, size_px=size_px, job=job)

    def automatic(
        self, image: NDArray[np.uint8], options: AutomaticOptions | None = None, *, job: Job | None = None
    ) -> MaskSet:
        self._work(5, "points", job)
        self.automatic_runs += 1
        ids = patches(image)
        largest = np.argsort(-np.bincount(ids.ravel())[1:], kind="stable")[:MOST_PATCHES] + 1
        masks = ids == largest[: MOST_PATCHES if self.has_masks else 0, None, None]
        count = len(masks)
        boxes = np.zeros((count, 4), np.float32)
        for n, mask in enumerate(masks):
            rows, columns = np.nonzero(mask)
            boxes[n] = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return MaskSet(
            image.shape[:2], np.where(masks, 8.0, -8.0).astype(np.float32).reshape(count, *image.shape[:2]),
            np.full(count, 0.9, np.float32), np.full(count, 0.95, np.float32), boxes,
            np.full((count, 2), np.nan, np.float32),
        )  # fmt: skip

    def prompt(self, image: NDArray[np.uint8], prompt: Prompt, *, job: Job | None = None) -> PromptMasks:
        self._work(1, "prompts", job)
        self.prompts_seen.append(prompt)
        ids = patches(image)
        if prompt.box_xyxy is not None:
            left, top, right, bottom = (int(side) for side in prompt.box_xyxy)
            middle = ids[(top + bottom) // 2, (left + right) // 2]
            mask = np.zeros(ids.shape, bool)
            mask[top:bottom, left:right] = ids[top:bottom, left:right] == middle
        else:
            inside = prompt.points_xy[prompt.point_labels == 1].astype(int)
            mask = np.isin(ids, [ids[min(y, ids.shape[0] - 1), min(x, ids.shape[1] - 1)] for x, y in inside])
        for x, y in prompt.points_xy[prompt.point_labels == 0].astype(int):
            mask &= ids != ids[y, x]
        part = mask.copy()
        part[:, int(np.nonzero(mask.any(0))[0].mean()) if mask.any() else 0 :] = False
        masks = np.stack([part, mask, binary_dilation(mask, iterations=3)])
        return PromptMasks(masks, np.array([0.6, 0.9, 0.7], np.float32), np.zeros((3, LOW_PX, LOW_PX), np.float32), 1)
