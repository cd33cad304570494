"""Pictures of several things with a mask for each: Toybox scenes, and toys and emoji pasted onto photos.

Whole-picture labels teach a tower what is there; these teach its cells where (see regions.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.pocket_clip.bank import Bank
from training.pocket_clip.batches import PictureSource, crop_grid, plain_backgrounds, recolour
from training.pocket_clip.model import normalise

STRIDE_PX = 16  # of the tower's last map
MAX_THINGS = 4
PLAIN_SHARE = 0.25  # of pasted pictures: background of one colour or a gradient
EMOJI_SHARE = 0.4  # of pasted things
MAX_COVER = 0.35  # of a thing pasted earlier that a later one may hide
MOST_TOYS = 12_000  # kept in memory with their masks


@dataclass(frozen=True)
class RegionBatch:
    """Pictures and their regions, all regions of the batch in one list.

    Attributes:
        pixels: (N, 3, S, S) float32, normalised.
        captions: (N,) int64 rows of the free captions of whole pictures, -1 without.
        owner: (R,) int64, the picture of each region.
        cover: (R, h, w) float32, the share of each cell that the region fills.
        concepts: (R,) int64 rows of the bank.
        region_captions: (R,) int64 rows of the free captions ("a red mug"), -1 without.
    """

    pixels: Tensor
    captions: Tensor
    owner: Tensor
    cover: Tensor
    concepts: Tensor
    region_captions: Tensor


@dataclass(frozen=True)
class Cutouts:
    """Things to paste: pictures (N, h, h, 4) uint8 with alpha, bank rows (N,), rows of free captions (N,) or -1."""

    pictures: np.ndarray
    concepts: np.ndarray
    captions: np.ndarray


def toy_cutouts(data: Path, bank: Bank, first_caption: int) -> Cutouts:
    """Up to MOST_TOYS of the single training toys, evenly spread, with their masks as alpha."""
    row_of = {key: row for row, key in enumerate(bank.keys)}
    listing = json.loads((data / "toybox.json").read_text())
    objects = json.loads((data / "toybox.objects.json").read_text())
    rows = [r for r, entry in enumerate(listing) if entry[1] == "train" and entry[0] in row_of and objects[r]]
    rows = rows[:: max(1, -(-len(rows) // MOST_TOYS))]
    pictures, masks = np.load(data / "toybox.npy", mmap_mode="r"), np.load(data / "toybox.masks.npy", mmap_mode="r")
    alpha = (masks[rows] > 0).astype(np.uint8)[..., None] * 255
    captions = [objects[r][0][2] + first_caption for r in rows]
    concepts = [row_of[listing[r][0]] for r in rows]
    return Cutouts(np.concatenate([pictures[rows], alpha], axis=-1), np.array(concepts), np.array(captions))


def emoji_cutouts(sources: list[PictureSource]) -> list[Cutouts]:
    """The training emoji of every set that has alpha."""
    return [
        Cutouts(source.pixels[source.rows], source.concepts, np.full(len(source.rows), -1))
        for source in sources
        if source.pixels.shape[-1] == 4
    ]


class SceneSource:
    """Rendered Toybox scenes of the training split: pictures, masks, captions, objects."""

    def __init__(self, data: Path, bank: Bank, first_caption: int) -> None:
        row_of = {key: row for row, key in enumerate(bank.keys)}
        listing = json.loads((data / "toybox.json").read_text())
        objects = json.loads((data / "toybox.objects.json").read_text())
        rows = [r for r, entry in enumerate(listing) if entry[1] == "train" and entry[0] == "toybox/scene"]
        self.pictures = np.load(data / "toybox.npy", mmap_mode="r")[rows]
        self.masks = np.load(data / "toybox.masks.npy", mmap_mode="r")[rows]
        self.captions = [[first_caption + c for c in listing[r][3]] for r in rows]
        self.things = [[(i, row_of[key], first_caption + c) for i, key, c in objects[r]] for r in rows]

    def draw(self, count: int, side_px: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, list]:
        """Cropped pictures (n, 3, S, S) in [0, 1], masks (n, S, S) int64, [(captions, things)] of each."""
        picks = rng.integers(len(self.pictures), size=count)
        grid = crop_grid(count, rng, side_px=side_px, may_flip=False)
        planes = torch.from_numpy(self.pictures[picks]).permute(0, 3, 1, 2).float().div_(255)
        masks = torch.from_numpy(self.masks[picks]).float()[:, None]
        seen = functional.grid_sample(planes, grid, align_corners=False, padding_mode="reflection")
        ids = functional.grid_sample(masks, grid, mode="nearest", align_corners=False, padding_mode="reflection")
        return seen, ids[:, 0].long(), [(self.captions[p], self.things[p]) for p in picks]


def paste_grid(count: int, rng: np.random.Generator, side_px: int) -> Tensor:
    """Sampling grid that puts a thing at 22 to 70 % of the side at a random place: (n, side, side, 2)."""
    size = np.exp(rng.uniform(np.log(0.22), np.log(0.7), count))
    flip = np.where(rng.random(count) < 0.5, -1, 1)
    angle = rng.normal(0, 0.12, count)
    theta = np.zeros((count, 2, 3), np.float32)
    theta[:, 0, 0], theta[:, 0, 1] = flip / size * np.cos(angle), -np.sin(angle) / size
    theta[:, 1, 0], theta[:, 1, 1] = flip / size * np.sin(angle), np.cos(angle) / size
    theta[:, :, 2] = rng.uniform(-1, 1, (count, 2)) * (1 - size)[:, None] / size[:, None]
    return functional.affine_grid(torch.from_numpy(theta), [count, 4, side_px, side_px], align_corners=False)


class RegionMaker:
    """Draws region batches: half rendered scenes, half pasted pictures."""

    def __init__(self, scenes: SceneSource, cutouts: list[Cutouts], photos: list[PictureSource], batch: int) -> None:
        self.scenes, self.cutouts, self.photos, self.batch = scenes, cutouts, photos, batch
        self.toys, self.emoji = cutouts[0], cutouts[1:]

    def draw(self, side_px: int, rng: np.random.Generator) -> RegionBatch:
        """The next batch at this side."""
        n_scenes = self.batch // 2
        seen, ids, told = self.scenes.draw(n_scenes, side_px, rng)
        pasted, pasted_ids, things = self._paste(self.batch - n_scenes, side_px, rng)
        captions = [int(rng.choice(texts)) if texts else -1 for texts, _ in told] + [-1] * len(things)
        every = [*(own for _, own in told), *things]
        owner = [number for number, own in enumerate(every) for _ in own]
        masks = torch.cat([ids, pasted_ids])
        marks = torch.stack([masks[n] == i for n, own in enumerate(every) for i, *_ in own]).float()
        cover = functional.avg_pool2d(marks[:, None], STRIDE_PX)[:, 0]
        kept = cover.amax((1, 2)) > 0.3
        pixels = normalise(recolour(torch.cat([seen, pasted]), rng)).contiguous(memory_format=torch.channels_last)
        concepts = torch.tensor([row for own in every for _, row, _ in own])
        texts = torch.tensor([row for own in every for *_, row in own])
        return RegionBatch(
            pixels, torch.tensor(captions), torch.tensor(owner)[kept], cover[kept], concepts[kept], texts[kept]
        )

    def _backgrounds(self, count: int, side_px: int, rng: np.random.Generator) -> Tensor:
        """Photos of random sets and plain colours, (n, 3, S, S) in [0, 1]."""
        ground = plain_backgrounds(count, rng, side_px).clone()
        for row in range(count):
            if rng.random() < PLAIN_SHARE:
                continue
            source = self.photos[int(rng.integers(len(self.photos)))]
            picture = torch.from_numpy(np.array(source.pixels[source.rows[int(rng.integers(len(source.rows)))]]))
            plane = picture.permute(2, 0, 1)[None].float().div_(255)
            ground[row] = functional.grid_sample(
                plane, crop_grid(1, rng, side_px=side_px, may_flip=True), align_corners=False, padding_mode="reflection"
            )[0]
        return ground

    def _paste(self, count: int, side_px: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, list]:
        """Pictures (n, 3, S, S) in [0, 1], masks (n, S, S) int64, [(id, concept, caption), ...] of each."""
        ground = self._backgrounds(count, side_px, rng)
        masks = torch.zeros(count, side_px, side_px, dtype=torch.long)
        things: list[list[tuple[int, int, int]]] = [[] for _ in range(count)]
        for number in range(1, MAX_THINGS + 1):
            rows = [row for row in range(count) if number <= 1 + row % MAX_THINGS]
            kind = (
                self.emoji[int(rng.integers(len(self.emoji)))]
                if self.emoji and rng.random() < EMOJI_SHARE
                else self.toys
            )
            picks = rng.integers(len(kind.pictures), size=len(rows))
            planes = torch.from_numpy(kind.pictures[picks]).permute(0, 3, 1, 2).float().div_(255)
            planes[:, :3] *= planes[:, 3:]
            placed = functional.grid_sample(planes, paste_grid(len(rows), rng, side_px), align_corners=False)
            for row, pick, sheet in zip(rows, picks, placed, strict=True):
                mark = sheet[3] > 0.5
                hidden = masks[row][mark]
                counts = torch.bincount(masks[row].flatten(), minlength=number)[1:]
                lost = torch.bincount(hidden, minlength=number)[1:]
                if bool((lost > MAX_COVER * counts.clamp(min=1)).any()):
                    continue
                ground[row] = sheet[:3] + ground[row] * (1 - sheet[3])
                masks[row][mark] = number
                things[row].append((number, int(kind.concepts[pick]), int(kind.captions[pick])))
        return ground, masks, things
