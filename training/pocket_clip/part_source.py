"""Batches of cut-outs of parts and of whole toys (parts.py)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.pocket_clip.batches import recolour
from training.pocket_clip.composites import STRIDE_PX
from training.pocket_clip.model import normalise
from training.pocket_clip.parts import WINDOW

GROUND_RGB = (124, 116, 104)  # what the tabs paint around a cut-out: ImageNet's mean
CLOSE, FAR = (0.95, 1.15), (0.85, 1.0)  # sides of the cut-out in sides of the box, of the window in what is stored
LEVELS = (0.3, 0.7)  # a mask is never exact: its blurred copy is cut at a level between these
BLUR_PX = 5


@dataclass(frozen=True)
class PartBatch:
    """Regions that are named.

    Attributes:
        cut_outs: (N, 3, S, S) float32 normalised, the region alone on one colour.
        windows: (N, 3, S, S), the region with what is around it.
        cover: (N, h, w) float32, the share of each cell of a window that the region fills, never all zero.
        words: (N,) int64 rows of ``targets``.
        targets: (W, D) float32 unit norm.
    """

    cut_outs: Tensor
    windows: Tensor
    cover: Tensor
    words: Tensor
    targets: Tensor


class PartSource:
    """The prepared cut-outs of a folder."""

    def __init__(self, data: Path) -> None:
        self.pictures = np.load(data / "parts.npy", mmap_mode="r")
        with np.load(data / "parts.npz") as held:
            self.words = held["words"].astype(np.int64)
            self.targets = functional.normalize(torch.from_numpy(held["targets"].astype(np.float32)), dim=-1)
        self.chances = np.bincount(self.words, minlength=self.targets.shape[1])[self.words] ** -0.5
        self.chances /= self.chances.sum()  # half way to equal words

    def draw(self, count: int, side_px: int, rng: np.random.Generator) -> PartBatch:
        """The next batch at this side, its words in one of the templates."""
        picks = rng.choice(len(self.words), count, p=self.chances)
        planes = torch.from_numpy(np.stack([self.pictures[pick] for pick in picks])).permute(0, 3, 1, 2).float() / 255
        seen, own = recolour(planes[:, :3], rng), _roughened(planes[:, 3:], rng)
        far = functional.affine_grid(_views(count, FAR, rng), [count, 3, side_px, side_px], align_corners=False)
        close = _views(count, tuple(side / WINDOW for side in CLOSE), rng)
        near = functional.affine_grid(close, [count, 4, side_px, side_px], align_corners=False)
        windows = functional.grid_sample(seen, far, align_corners=False, padding_mode="reflection")
        alone = functional.grid_sample(torch.cat([seen * own, own], 1), near, align_corners=False)
        ground = torch.tensor(GROUND_RGB).reshape(1, 3, 1, 1) / 255
        cover = functional.avg_pool2d(functional.grid_sample(own, far, align_corners=False), STRIDE_PX)[:, 0]
        return PartBatch(
            normalise(alone[:, :3] + ground * (1 - alone[:, 3:])),
            normalise(windows),
            cover + 1e-6,
            torch.from_numpy(self.words[picks]),
            self.targets[int(rng.integers(len(self.targets)))],
        )


def _views(count: int, sides: tuple[float, ...], rng: np.random.Generator) -> Tensor:
    """Squares around the middle, (N, 2, 3), their sides drawn between two shares of what is stored, half mirrored."""
    size = rng.uniform(*sides, count)
    theta = np.zeros((count, 2, 3), np.float32)
    theta[:, 0, 0], theta[:, 1, 1] = size * np.where(rng.random(count) < 0.5, -1, 1), size
    return torch.from_numpy(theta)


def _roughened(masks: Tensor, rng: np.random.Generator) -> Tensor:
    """Masks (N, 1, H, W) a little larger or smaller than they are; one that would vanish stays."""
    soft = functional.avg_pool2d(masks, BLUR_PX, 1, BLUR_PX // 2)
    level = torch.from_numpy(rng.uniform(*LEVELS, (len(masks), 1, 1, 1)).astype(np.float32))
    rough = (soft > level).float()
    return torch.where(rough.sum((2, 3), keepdim=True) > 0, rough, (masks > 0.5).float())
