"""Training batches: pictures drawn from several prepared sets, cropped, coloured, and emoji put on backgrounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.pocket_clip.bank import Bank, is_held_out
from training.pocket_clip.model import normalise

# Share of each set in a batch (scaled to sum to 1 over the sets that are there).
MIX = {
    "tiny": 0.56,
    "cifar": 0.09,
    "caltech": 0.07,
    "pacs": 0.04,
    "grocery": 0.035,
    "clothing": 0.025,
    "houses": 0.015,
    "flickr": 0.015,
    "fluent": 0.07,
    "noto": 0.05,
    "toybox": 0.14,
}
MIN_CROP = 0.35  # smallest crop area drawn, as a share of the picture


def mix_of(words: str) -> dict[str, float]:
    """MIX with other shares for some sets, written ``set=share,...``."""
    return MIX | {name: float(part) for name, part in (pair.split("=") for pair in words.split(",") if pair)}


@dataclass(frozen=True)
class Batch:
    """One step's pictures.

    Attributes:
        pixels: (N, 3, S, S) float32, normalised.
        concepts: (N,) int64 rows of the bank; -1 when only free captions name the picture.
        captions: (N,) int64 rows of the free captions; -1 when the picture has none.
    """

    pixels: Tensor
    concepts: Tensor
    captions: Tensor


class PictureSource:
    """The training pictures of one prepared set."""

    def __init__(self, name: str, data: Path, bank: Bank, first_caption: int = 0) -> None:
        row_of = {key: row for row, key in enumerate(bank.keys)}
        listing = json.loads((data / f"{name}.json").read_text())
        self.name, self.first_caption = name, first_caption
        self.pixels = np.load(data / f"{name}.npy", mmap_mode="r")  # peers share it; keep DATA on a RAM disk
        is_free = name in ("flickr", "toybox")
        rows = [
            number
            for number, (key, split, *_) in enumerate(listing)
            if split == "train" and (is_free or key in row_of) and not is_held_out(key)
        ]
        self.rows = np.array(rows)
        self.concepts = np.array([row_of.get(listing[row][0], -1) for row in rows])
        self.captions = [[first_caption + c for c in listing[row][3]] if is_free else [] for row in rows]
        self.may_flip = name != "toybox"  # left-of and right-of captions
        sizes = np.bincount(self.concepts[self.concepts >= 0], minlength=len(bank.keys)).astype(float)
        self.chances = None
        if name in ("caltech", "grocery", "pacs", "clothing"):  # half way to equal classes
            weights = sizes[self.concepts] ** -0.5
            self.chances = weights / weights.sum()

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Tensor, np.ndarray, np.ndarray]:
        """uint8 pictures (n, side, side, C), concept rows (n,), free caption rows (n,)."""
        picks = rng.choice(len(self.rows), count, p=self.chances)
        pictures = torch.from_numpy(np.stack([self.pixels[self.rows[pick]] for pick in picks]))
        captions = [rng.choice(self.captions[pick]) if self.captions[pick] else -1 for pick in picks]
        return pictures, self.concepts[picks], np.array(captions)


def crop_grid(count: int, rng: np.random.Generator, *, side_px: int, may_flip: bool, least: float = MIN_CROP) -> Tensor:
    """Sampling grid of random crops, (n, side, side, 2): area ``least`` to 1, aspect 3:4 to 4:3, flips, light turns."""
    area = rng.uniform(least, 1.0, count)
    aspect = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3), count))
    width, height = np.minimum(np.sqrt(area * aspect), 1), np.minimum(np.sqrt(area / aspect), 1)
    theta = np.zeros((count, 2, 3), np.float32)
    angle = rng.normal(0, 0.08, count)
    flip = np.where(rng.random(count) < 0.5, -1, 1) if may_flip else np.ones(count)
    theta[:, 0, 0], theta[:, 0, 1] = width * flip * np.cos(angle), -height * np.sin(angle)
    theta[:, 1, 0], theta[:, 1, 1] = width * flip * np.sin(angle), height * np.cos(angle)
    theta[:, 0, 2] = (1 - width) * rng.uniform(-1, 1, count)
    theta[:, 1, 2] = (1 - height) * rng.uniform(-1, 1, count)
    return functional.affine_grid(torch.from_numpy(theta), [count, 3, side_px, side_px], align_corners=False)


def sticker_grid(count: int, rng: np.random.Generator, side_px: int) -> Tensor:
    """Sampling grid that puts a picture, at 45 to 105 % of the side, somewhere into the frame: (n, side, side, 2)."""
    size = rng.uniform(0.45, 1.05, count)
    flip = np.where(rng.random(count) < 0.3, -1, 1)
    angle = rng.normal(0, 0.15, count)
    theta = np.zeros((count, 2, 3), np.float32)
    theta[:, 0, 0], theta[:, 0, 1] = flip / size * np.cos(angle), -np.sin(angle) / size
    theta[:, 1, 0], theta[:, 1, 1] = flip / size * np.sin(angle), np.cos(angle) / size
    theta[:, :, 2] = rng.uniform(-1, 1, (count, 2)) * np.abs(1 - size)[:, None] / size[:, None]
    return functional.affine_grid(torch.from_numpy(theta), [count, 3, side_px, side_px], align_corners=False)


def _to_planes(pictures: Tensor) -> Tensor:
    return pictures.permute(0, 3, 1, 2).float().div_(255)


def plain_backgrounds(count: int, rng: np.random.Generator, side_px: int) -> Tensor:
    """One colour or a linear gradient of two, half of them near white: (n, 3, side, side) in [0, 1]."""
    first = rng.random((count, 3, 1, 1)).astype(np.float32)
    first[rng.random(count) < 0.5] = 1 - 0.1 * rng.random()
    second = np.where(rng.random((count, 1, 1, 1)) < 0.5, first, rng.random((count, 3, 1, 1))).astype(np.float32)
    ramp = np.linspace(0, 1, side_px, dtype=np.float32).reshape(1, 1, 1, -1)
    image = torch.from_numpy(first + (second - first) * ramp).expand(count, 3, side_px, side_px)
    return image.transpose(2, 3) if rng.random() < 0.5 else image


def stickers(pictures: Tensor, photos: Tensor, rng: np.random.Generator, side_px: int) -> Tensor:
    """Emoji with alpha (n, h, h, 4) on photos (m <= n of them) and on plain backgrounds: (n, 3, side, side)."""
    planes = _to_planes(pictures)
    planes[:, :3] *= planes[:, 3:]
    placed = functional.grid_sample(planes, sticker_grid(len(pictures), rng, side_px), align_corners=False)
    ground = plain_backgrounds(len(pictures), rng, side_px).clone()
    ground[: len(photos)] = photos
    return placed[:, :3] + ground * (1 - placed[:, 3:])


def recolour(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    """Random brightness, contrast and saturation, gentle enough to keep colour names true."""
    draw = [torch.from_numpy(rng.uniform(0.75, 1.25, (len(pixels), 1, 1, 1)).astype(np.float32)) for _ in range(3)]
    mean = pixels.mean((1, 2, 3), keepdim=True)
    pixels = (pixels - mean) * draw[0] + mean * draw[1]
    grey = pixels.mean(1, keepdim=True)
    return ((pixels - grey) * draw[2] + grey).clamp_(0, 1)


class BatchMaker:
    """Draws batches from all sets in fixed shares."""

    def __init__(
        self, sources: list[PictureSource], batch: int, mix: Mapping[str, float] = MIX, least_crop: float = MIN_CROP
    ) -> None:
        shares = np.array([mix[source.name] for source in sources])
        counts = np.maximum(np.floor(shares / shares.sum() * batch), 1).astype(int)
        counts[0] += batch - counts.sum()
        self.sources, self.counts, self.least_crop = sources, counts, least_crop

    def draw(self, side_px: int, rng: np.random.Generator) -> Batch:
        """The next batch at this side."""
        pixels: list[Tensor] = []
        concepts, captions = [], []
        for source, count in zip(self.sources, self.counts, strict=True):
            pictures, rows, free = source.draw(int(count), rng)
            if pictures.shape[-1] == 4:
                photos = pixels[0][: count // 2] if pixels else torch.zeros(0, 3, side_px, side_px)
                image = stickers(pictures, photos.flip(2), rng, side_px)
            else:
                grid = crop_grid(int(count), rng, side_px=side_px, may_flip=source.may_flip, least=self.least_crop)
                image = functional.grid_sample(
                    _to_planes(pictures), grid, align_corners=False, padding_mode="reflection"
                )
            pixels.append(image)
            concepts.append(rows)
            captions.append(free)
        together = normalise(recolour(torch.cat(pixels), rng)).contiguous(memory_format=torch.channels_last)
        return Batch(together, torch.from_numpy(np.concatenate(concepts)), torch.from_numpy(np.concatenate(captions)))
