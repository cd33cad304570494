"""A mask model whose answers can be seen in the picture: every patch of one colour is a mask, and all but white is one.

It answers as core.sam.PromptableSam does; its logits cover the picture pixel by pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from core.sam_automatic import AutomaticOptions
from core.sam_masks import MaskSet, Prompt, PromptMasks
from core.tasks import Job


def patches(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Connected patches of one colour, (N, H, W), largest first."""
    flat = rgb.astype(np.int64) @ (65_536, 256, 1)
    found = []
    for colour in np.unique(flat):
        pieces, count = label(flat == colour)
        found += [pieces == n for n in range(1, count + 1)]
    return np.array(sorted(found, key=lambda mask: -int(mask.sum())))


def things(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Connected patches of anything but white, (N, H, W)."""
    pieces, count = label((rgb < 245).any(axis=2))
    return np.array([pieces == n for n in range(1, count + 1)]).reshape(count, *rgb.shape[:2])


@dataclass
class StubSam:
    """The model; ``with_things`` adds whole things around patches, ``masks_seen`` counts its runs."""

    name: str = "stub-sam"
    size_bytes: int = 1_000
    with_things: bool = False
    runs: int = 0
    prompts: list[Prompt] = field(default_factory=list)

    def automatic(
        self, image: NDArray[np.uint8], options: AutomaticOptions | None = None, *, job: Job | None = None
    ) -> MaskSet:
        self.runs += 1
        if job is not None:
            job.step("running", 0, 1, unit="points")
        masks = patches(image)
        if self.with_things:
            extra = [t for t in things(image) if not any((t == m).all() for m in masks)]
            masks = np.concatenate([masks, np.array(extra).reshape(len(extra), *image.shape[:2])])
        least = 0 if options is None else options.min_area_px
        masks = masks[masks.sum((1, 2)) >= least]
        count = len(masks)
        logits = np.where(masks, 4.0, -4.0).astype(np.float32)
        boxes = np.zeros((count, 4), np.float32)
        return MaskSet(
            image.shape[:2], logits, np.full(count, 0.9, np.float32), np.full(count, 0.95, np.float32), boxes,
            np.zeros((count, 2), np.float32),
        )  # fmt: skip

    def prompt(self, image: NDArray[np.uint8], prompt: Prompt, *, job: Job | None = None) -> PromptMasks:
        self.prompts.append(prompt)
        height, width = image.shape[:2]
        if len(prompt.points_xy):
            x, y = prompt.points_xy[0].astype(int)
        else:
            assert prompt.box_xyxy is not None
            x, y = ((prompt.box_xyxy[:2] + prompt.box_xyxy[2:]) / 2).astype(int)
        x, y = min(x, width - 1), min(y, height - 1)
        patch = next(mask for mask in patches(image) if mask[y, x])
        whole = next((mask for mask in things(image) if mask[y, x]), patch)
        core = np.zeros_like(patch)
        core[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = True
        masks = np.array([core & patch, patch, whole | patch])
        logits = np.where(masks, 4.0, -4.0).astype(np.float32)
        return PromptMasks(masks, np.array([0.5, 0.9, 0.8], np.float32), logits, 1)
