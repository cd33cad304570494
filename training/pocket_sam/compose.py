"""Made-up pictures with exact regions: cut-outs on grounds, and partitions filled with textures."""

from __future__ import annotations

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.pocket_sam.sources import GROUND, NOTHING, Emoji, Photos, Sample, Toys, crop_grid, sample_ids, sample_rgb

PARTS_OF_ONE = 64  # ids set aside for the parts of one pasted thing
ALPHA = 0.5


def gradient(rng: Generator, side_px: int) -> Tensor:
    """One colour or a ramp between two, in any direction: (3, S, S)."""
    first = torch.from_numpy(rng.random(3).astype(np.float32))
    near = torch.from_numpy(rng.normal(0, 0.12, 3).astype(np.float32))
    angle = rng.uniform(0, 2 * np.pi)
    steps = torch.linspace(-1, 1, side_px)
    ramp = (steps[:, None] * float(np.sin(angle)) + steps[None, :] * float(np.cos(angle))) * 0.7
    return (first[:, None, None] + near[:, None, None] * ramp).clamp(0, 1)


def noise_field(rng: Generator, side_px: int, cells: int, count: int) -> Tensor:
    """Smooth random fields: (count, S, S), standard normal at ``cells`` x ``cells`` knots."""
    knots = torch.from_numpy(rng.normal(0, 1, (1, count, cells, cells)).astype(np.float32))
    return functional.interpolate(knots, size=(side_px, side_px), mode="bicubic", align_corners=True)[0]


def texture(rng: Generator, side_px: int, photos: Photos) -> Tensor:
    """Something to fill a region with: a photo's detail, a ramp, stripes, or speckle: (3, S, S)."""
    kind = rng.random()
    if kind < 0.55:
        detail = photos.draw(rng, side_px, 0.15)
        keep = rng.uniform(0.3, 1.0)  # pull it towards one colour: a region, not a picture of several things
        mean = detail.mean((1, 2), keepdim=True)
        return (mean + (detail - mean) * keep).clamp(0, 1)
    base = gradient(rng, side_px)
    if kind < 0.75:
        return base
    if kind < 0.9:
        angle, period = rng.uniform(0, np.pi), rng.uniform(3, side_px / 6)
        steps = torch.arange(side_px, dtype=torch.float32)
        wave = torch.sin(
            (steps[:, None] * float(np.sin(angle)) + steps[None, :] * float(np.cos(angle))) * (6.28 / period)
        )
        hard = (wave * rng.uniform(1, 6)).clamp(-1, 1)
        return (base + hard * torch.from_numpy(rng.normal(0, 0.12, (3, 1, 1)).astype(np.float32))).clamp(0, 1)
    speckle = noise_field(rng, side_px, int(rng.integers(side_px // 8, side_px // 2)), 1)
    return (base + speckle * torch.from_numpy(rng.normal(0, 0.12, (3, 1, 1)).astype(np.float32))).clamp(0, 1)


def partition(rng: Generator, side_px: int, count: int) -> Tensor:
    """A ragged Voronoi partition: (S, S) int16 ids from 1."""
    steps = torch.linspace(-1, 1, side_px)
    bend = noise_field(rng, side_px, int(rng.integers(3, 9)), 2) * float(rng.uniform(0.0, 0.25))
    x, y = steps[None, :] + bend[0], steps[:, None] + bend[1]
    sites = torch.from_numpy(rng.uniform(-1, 1, (count, 2)).astype(np.float32))
    weight = torch.from_numpy(rng.uniform(0.0, 0.35, count).astype(np.float32))
    far = ((x[None] - sites[:, :1, None]) ** 2 + (y[None] - sites[:, 1:, None]) ** 2).sqrt() - weight[:, None, None]
    return (far.argmin(0) + 1).to(torch.int16)


def textures(rng: Generator, side_px: int, photos: Photos) -> Sample:
    """2 to 7 regions of different textures, edges softened a little."""
    ids = partition(rng, side_px, int(rng.integers(2, 8)))
    rgb = torch.zeros(3, side_px, side_px)
    for number in ids.unique().tolist():
        share = (ids == number).float()[None]
        rgb += texture(rng, side_px, photos) * share
    return Sample(rgb, ids.expand(3, -1, -1).clone())


class Canvas:
    """A picture in the making: what is pasted later covers what is there."""

    def __init__(self, rgb: Tensor, levels: Tensor) -> None:
        self.rgb, self.levels = rgb, levels
        self.next_id = int(levels.max()) + 1

    def paste(self, rgba: Tensor, parts: Tensor | None) -> None:
        """Cover by alpha. rgba: (4, S, S) premultiplied; parts: (S, S) int16 from 1, or None."""
        self.rgb = rgba[:3] + self.rgb * (1 - rgba[3:])
        inside = rgba[3] > ALPHA
        whole, first_part = self.next_id, self.next_id + 1
        self.next_id += PARTS_OF_ONE
        part_ids = torch.full_like(self.levels[0], whole)
        if parts is not None:
            part_ids = first_part + parts.clamp(0, PARTS_OF_ONE - 2)
        self.levels[0] = torch.where(inside, part_ids.to(torch.int16), self.levels[0])
        self.levels[1] = torch.where(inside, torch.full_like(self.levels[1], whole), self.levels[1])
        self.levels[2] = torch.where(inside, torch.full_like(self.levels[2], NOTHING), self.levels[2])


def place_grid(rng: Generator, side_px: int, box_xyxy: NDArray[np.float64], size: float) -> Tensor:
    """Grid (1, S, S, 2) that puts the box of a cut-out (in -1..1) at ``size`` of the frame, somewhere, turned."""
    centre, half = (box_xyxy[:2] + box_xyxy[2:]) / 2, (box_xyxy[2:] - box_xyxy[:2]).max() / 2
    scale = half / size
    angle, flip = rng.normal(0, 0.25), 1.0 if rng.random() < 0.5 else -1.0
    reach = max(1.05 - size * 0.8, 0.15)
    spot = rng.uniform(-reach, reach, 2)
    turn = scale * np.array([[flip * np.cos(angle), -flip * np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    theta = np.concatenate([turn, (centre - turn @ spot)[:, None]], 1).astype(np.float32)
    return functional.affine_grid(torch.from_numpy(theta)[None], [1, 4, side_px, side_px], align_corners=False)


def cut_out(rgba: NDArray[np.uint8], grid: Tensor) -> Tensor:
    """(H, W, 4) uint8 through a grid, premultiplied, averaged first where it shrinks: (4, S, S)."""
    planes = torch.from_numpy(np.ascontiguousarray(rgba)).permute(2, 0, 1)[None].float().div_(255)
    planes[:, :3] *= planes[:, 3:]
    step = float((grid[0, 0, -1] - grid[0, 0, 0]).norm()) / 2 * rgba.shape[0] / grid.shape[1]
    if step > 1.5:
        planes = functional.avg_pool2d(planes, int(step + 0.5), ceil_mode=True, count_include_pad=False)
    return functional.grid_sample(planes, grid, align_corners=False, padding_mode="zeros")[0]


def box_of(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Box of a mask in -1..1 of its picture: x0, y0, x1, y1."""
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    height, width = mask.shape
    x0, x1 = columns[0] / width, (columns[-1] + 1) / width
    y0, y1 = rows[0] / height, (rows[-1] + 1) / height
    return np.array([x0, y0, x1, y1]) * 2 - 1


def paste_one(canvas: Canvas, rng: Generator, side_px: int, singles: Toys | None, emoji: Emoji) -> None:
    """One toy or emoji at 12 to 80 % of the frame."""
    size = float(np.exp(rng.uniform(np.log(0.12), np.log(0.8))))
    if singles is not None and len(singles) and rng.random() < 0.6:
        rgb, ids = singles.draw(rng)
        if not ids[1].any():
            return
        grid = place_grid(rng, side_px, box_of(ids[1] > 0), size)
        alpha = ((ids[1] > 0) * 255).astype(np.uint8)
        parts = functional.grid_sample(
            torch.from_numpy(ids[:1].astype(np.float32))[None], grid, mode="nearest", align_corners=False
        )[0, 0]
        canvas.paste(cut_out(np.dstack([rgb, alpha]), grid), parts.to(torch.int16))
        return
    picture = emoji.draw(rng)
    if (picture[..., 3] > 127).any():
        canvas.paste(cut_out(picture, place_grid(rng, side_px, box_of(picture[..., 3] > 127), size)), None)


def composite(rng: Generator, side_px: int, photos: Photos, singles: Toys | None, emoji: Emoji) -> Sample:
    """1 to 6 cut-outs on a photo (no region), on a ramp (one region) or on textures (their regions)."""
    kind = rng.random()
    if kind < 0.45:
        ground = Sample(photos.draw(rng, side_px, 0.4), torch.full((3, side_px, side_px), NOTHING, dtype=torch.int16))
    elif kind < 0.7:
        ground = Sample(gradient(rng, side_px), torch.zeros(3, side_px, side_px, dtype=torch.int16))
    else:
        ground = textures(rng, side_px, photos)
    canvas = Canvas(ground.rgb, ground.levels)
    for _ in range(int(rng.integers(1, 7))):
        paste_one(canvas, rng, side_px, singles, emoji)
    return Sample(canvas.rgb, canvas.levels)


def scene(rng: Generator, side_px: int, toys: Toys, photos: Photos) -> Sample:
    """A crop of a rendered scene: parts, then toys; the ground is a region, or swapped for a photo."""
    rgb, ids = toys.draw(rng)
    grid = crop_grid(rng, side_px, 0.45)
    picture, two = sample_rgb(rgb, grid), sample_ids(ids, grid)
    parts = torch.where(two[1] > 0, two[0] + PARTS_OF_ONE, torch.full_like(two[0], GROUND))
    nothing = torch.full_like(parts, NOTHING)
    levels = torch.stack([parts, two[1], nothing])
    if rng.random() < 0.12:  # on a photo the toys stay, the ground becomes unknown
        is_ground = two[1] == 0
        picture = torch.where(is_ground, photos.draw(rng, side_px, 0.4), picture)
        levels = torch.where(is_ground, nothing, levels)
    return Sample(picture, levels)
