"""Pictures whose regions are known, from four places, all as one kind: a Sample with up to three levels of regions.

- Toybox scenes: parts, toys and the ground; exact.
- Composites: single toys and emoji cut out by their alpha and put on photos, plain grounds and textures.
- Textures: an irregular partition of the picture, every cell filled from another photo or with a colour.
- BSDS500 train photos: three annotators, from fine to coarse.

Only files of training splits are opened here; ``train_shards`` and ``BSDS_SPLIT`` are what the tests hold.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from training.pocket_clip.emoji_groups import is_held_out_emoji

BSDS_SPLIT = "train"
PHOTO_SETS = ("caltech", "clothing", "houses", "flickr", "grocery", "pacs")
EMOJI_SETS = ("fluent", "noto")
NOTHING = -1  # a pixel of no known region
GROUND = 0


@dataclass(frozen=True)
class Sample:
    """A square picture and the regions that are known of it.

    Attributes:
        rgb: (3, S, S) float32 in [0, 1].
        levels: (3, S, S) int16, region ids, NOTHING where none is known. Levels are nested or compete; a pixel's
            regions are {levels[l] == levels[l, y, x]}.
    """

    rgb: Tensor
    levels: Tensor


def train_shards(folder: Path, kind: str) -> list[Path]:
    """Finished training shards of ``kind`` ("scene6", "single"), never a held-out one."""
    return [path for path in sorted(folder.glob(f"toybox_{kind}_train_*.npz")) if ".tmp" not in path.name]


def crop_grid(rng: Generator, side_px: int, smallest: float, *, aspect: float = 1.0) -> Tensor:
    """Sampling grid (1, S, S, 2) of a random crop with flips and a light turn; ``smallest`` is its least side."""
    scale = rng.uniform(smallest, 1.0)
    stretch = float(np.exp(rng.uniform(-0.2, 0.2)))
    width, height = min(scale * stretch / max(aspect, 1), 1.0), min(scale / stretch * min(aspect, 1), 1.0)
    angle, flip = rng.normal(0, 0.07), 1.0 if rng.random() < 0.5 else -1.0
    theta = np.array(
        [
            [width * flip * np.cos(angle), -height * np.sin(angle), (1 - width) * rng.uniform(-1, 1)],
            [width * flip * np.sin(angle), height * np.cos(angle), (1 - height) * rng.uniform(-1, 1)],
        ],
        np.float32,
    )
    return functional.affine_grid(torch.from_numpy(theta)[None], [1, 3, side_px, side_px], align_corners=False)


def sample_rgb(rgb: NDArray[np.uint8], grid: Tensor) -> Tensor:
    """(H, W, 3) uint8 through a grid, averaged first where it shrinks: (3, S, S) in [0, 1]."""
    planes = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].float().div_(255)
    reach = float((grid[0, 0, -1] - grid[0, 0, 0]).norm()) / 2 * max(rgb.shape[:2])
    shrink = int(reach / grid.shape[1] + 0.35)
    if shrink > 1:
        planes = functional.avg_pool2d(planes, shrink, ceil_mode=True, count_include_pad=False)
    return functional.grid_sample(planes, grid, align_corners=False, padding_mode="reflection")[0]


def sample_ids(ids: NDArray[np.int16], grid: Tensor) -> Tensor:
    """(L, H, W) ids through a grid, nearest pixel: (L, S, S) int16."""
    planes = torch.from_numpy(ids.astype(np.float32))[None]
    moved = functional.grid_sample(planes, grid, mode="nearest", align_corners=False, padding_mode="reflection")
    return moved[0].to(torch.int16)


class Toys:
    """Shards of one kind in memory; ``refresh`` takes in what has been rendered meanwhile."""

    def __init__(self, folder: Path, kind: str, most: int) -> None:
        self.folder, self.kind, self.most = folder, kind, most
        self.seen: set[Path] = set()
        self.rgb: list[NDArray[np.uint8]] = []
        self.objects: list[NDArray[np.uint8]] = []
        self.parts: list[NDArray[np.uint8]] = []
        self.refresh()

    def __len__(self) -> int:
        return sum(len(block) for block in self.rgb)

    def refresh(self) -> None:
        """Load at most two new shards, so that a step never waits long."""
        new = [path for path in train_shards(self.folder, self.kind) if path not in self.seen]
        for path in new[: 2 if self.seen else None]:
            if len(self) >= self.most:
                return
            with np.load(path) as shard:
                self.rgb.append(shard["rgb"])
                self.objects.append(shard["instances"])
                self.parts.append(shard["parts"])
            self.seen.add(path)

    def draw(self, rng: Generator) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
        """A picture (H, W, 3) and its ids (2, H, W): parts, objects."""
        block = int(rng.integers(len(self.rgb)))
        row = int(rng.integers(len(self.rgb[block])))
        ids = np.stack([self.parts[block][row], self.objects[block][row]]).astype(np.int16)
        return self.rgb[block][row], ids


class Photos:
    """Photos as material: whole pictures and crops, regions unknown."""

    def __init__(self, data: Path) -> None:
        self.pixels = []
        self.rows = []
        for name in PHOTO_SETS:
            if (data / f"{name}.json").is_file():
                listing = json.loads((data / f"{name}.json").read_text())
                self.pixels.append(np.load(data / f"{name}.npy", mmap_mode="r"))
                self.rows.append(np.array([row for row, entry in enumerate(listing) if entry[1] == "train"]))

    def draw(self, rng: Generator, side_px: int, smallest: float) -> Tensor:
        """A random crop: (3, S, S) in [0, 1]."""
        source = int(rng.integers(len(self.pixels)))
        row = self.rows[source][int(rng.integers(len(self.rows[source])))]
        return sample_rgb(np.asarray(self.pixels[source][row]), crop_grid(rng, side_px, smallest))


class Emoji:
    """Emoji of the training groups with alpha."""

    def __init__(self, data: Path) -> None:
        self.pixels = []
        self.rows = []
        for name in EMOJI_SETS:
            if (data / f"{name}.json").is_file():
                listing = json.loads((data / f"{name}.json").read_text())
                self.pixels.append(np.load(data / f"{name}.npy", mmap_mode="r"))
                rows = [
                    n for n, (key, split, *_) in enumerate(listing) if split == "train" and not is_held_out_emoji(key)
                ]
                self.rows.append(np.array(rows))

    def draw(self, rng: Generator) -> NDArray[np.uint8]:
        """One emoji, (H, W, 4) uint8."""
        source = int(rng.integers(len(self.pixels)))
        row = self.rows[source][int(rng.integers(len(self.rows[source])))]
        return np.asarray(self.pixels[source][row])


class Bsds:
    """The training photos of BSDS500 with all their segmentations."""

    def __init__(self, folder: Path) -> None:
        from scipy.io import loadmat

        self.photos: list[NDArray[np.uint8]] = []
        self.regions: list[NDArray[np.int16]] = []  # (annotators, H, W)
        for path in sorted((folder / "images" / BSDS_SPLIT).glob("*.jpg")):
            truth = loadmat(folder / "groundTruth" / BSDS_SPLIT / f"{path.stem}.mat")["groundTruth"][0]
            drawn = [entry["Segmentation"][0, 0].astype(np.int16) for entry in truth]
            drawn.sort(key=lambda ids: -int(ids.max()))
            self.photos.append(np.asarray(Image.open(path).convert("RGB")))
            self.regions.append(np.stack(drawn))

    def draw(self, rng: Generator, side_px: int) -> Sample:
        """A crop, or the whole photo in the corner as the predictor pads it, with three annotators' regions."""
        row = int(rng.integers(len(self.photos)))
        photo, regions = self.photos[row], self.regions[row]
        picks = np.sort(rng.permutation(len(regions))[:3])
        picks = np.concatenate([picks, picks[:1].repeat(3 - len(picks))])
        height, width = photo.shape[:2]
        if rng.random() < 0.5:
            grid = crop_grid(rng, side_px, 0.5, aspect=width / height)
            return Sample(sample_rgb(photo, grid), sample_ids(regions[picks], grid))
        ratio = side_px / max(height, width)
        grid = _whole_grid(max(1, round(height * ratio)), max(1, round(width * ratio)), rng.random() < 0.5)
        rgb, ids = _whole_rgb(photo, grid), sample_ids(regions[picks], grid)
        pad = (0, side_px - ids.shape[2], 0, side_px - ids.shape[1])
        return Sample(functional.pad(rgb, pad, value=-1.0), functional.pad(ids, pad, value=NOTHING))


def _whole_grid(rows: int, columns: int, is_flipped: bool) -> Tensor:
    theta = torch.tensor([[[-1.0 if is_flipped else 1.0, 0, 0], [0, 1.0, 0]]])
    return functional.affine_grid(theta, [1, 3, rows, columns], align_corners=False)


def _whole_rgb(photo: NDArray[np.uint8], grid: Tensor) -> Tensor:
    small = Image.fromarray(photo).resize((grid.shape[2], grid.shape[1]), Image.Resampling.BILINEAR)
    rgb = torch.from_numpy(np.asarray(small).copy()).permute(2, 0, 1).float().div_(255)
    return rgb.flip(2) if grid[0, 0, 0, 0] > grid[0, 0, -1, 0] else rgb
