"""A training batch: pictures, and for each some prompts with every region that a prompt may mean.

A prompt is a point or a box. A point inside a scene means the part, the toy or the ground under it, so its targets
are all levels at that pixel; a box and a corrected prompt mean one region. Prompts follow segment_anything: label -1
pads, 0 and 1 are clicks, 2 and 3 box corners; every prompt of a batch has the same number of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional

from core.sam_build import PIXEL_MEAN, PIXEL_STD
from training.pocket_sam.sources import NOTHING, Sample

BOX_SHARE = 0.3
LEVEL_SHARES = (0.25, 0.5, 0.25)  # which level the wanted region is of: parts, objects, coarser
UNTOUCHED_SHARE = 0.3  # pictures that no degradation meets
LEAST_CELLS = 3.0  # a target covers at least this much of the low-resolution mask, in its pixels
SAME = 0.92  # IoU above which two levels are one target


@dataclass(frozen=True)
class Batch:
    """B pictures with M prompts each.

    Attributes:
        pixels: (B, 3, S, S) float32 normalised, padding 0.
        ids: (B, S, S) int16, the object level, for the affinity loss.
        points: (B * M, 2, 2) float32 picture px, (x, y).
        labels: (B * M, 2) int64.
        targets: (B * M, 3, S / 2, S / 2) float32, area shares; the wanted one stands first.
        is_valid: (B * M, 3) bool, which targets there are.
    """

    pixels: Tensor
    ids: Tensor
    points: Tensor
    labels: Tensor
    targets: Tensor
    is_valid: Tensor


def normalise(rgb: Tensor) -> Tensor:
    """(N, 3, S, S) in [0, 1], -1 where padded -> the encoder's input, 0 where padded."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) / 255 for values in (PIXEL_MEAN, PIXEL_STD))
    return torch.where(rgb < 0, torch.zeros(()), (rgb - mean) / std)


def degrade(rgb: Tensor, rng: Generator) -> Tensor:
    """What cameras do: light, contrast, colour cast, blur, fewer pixels, noise. (3, S, S), padding stays -1."""
    if rng.random() < UNTOUCHED_SHARE:
        return rgb
    is_padded, side = rgb[:1] < 0, rgb.shape[-1]
    if rng.random() < 0.25:
        small = functional.interpolate(rgb[None], scale_factor=float(rng.uniform(0.4, 0.8)), mode="bilinear")
        rgb = functional.interpolate(small, size=(side, side), mode="bilinear")[0]
    mean = rgb.mean()
    tint = torch.from_numpy(rng.uniform(0.85, 1.15, (3, 1, 1)).astype(np.float32))
    rgb = ((rgb - mean) * float(rng.uniform(0.6, 1.3)) + mean * float(rng.uniform(0.7, 1.3))) * tint
    if rng.random() < 0.15:
        rgb = rgb.mean(0, keepdim=True).expand(3, -1, -1)
    rgb = rgb.clamp(0, 1)
    if rng.random() < 0.3:
        rgb = rgb ** float(np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.35:
        rgb = rgb + torch.randn(rgb.shape) * float(rng.uniform(0.005, 0.05))
    return torch.where(is_padded, torch.full_like(rgb, -1.0), rgb.clamp(0, 1))


def pad_some(sample: Sample, rng: Generator) -> Sample:
    """Cut off the right or the lower side now and then, as the predictor pads a picture that is not square."""
    if rng.random() > 0.25:
        return sample
    side = sample.rgb.shape[-1]
    kept = int(side * rng.uniform(0.55, 0.95))
    rgb, levels = sample.rgb.clone(), sample.levels.clone()
    rows, columns = (slice(kept, side), slice(None)) if rng.random() < 0.3 else (slice(None), slice(kept, side))
    rgb[:, rows, columns], levels[:, rows, columns] = -1.0, NOTHING
    return Sample(rgb, levels)


def pick_pixel(mask: Tensor, rng: Generator) -> tuple[int, int]:
    """A pixel (x, y) of a mask (S, S) bool; half of the time one deeper inside than two others."""
    rows, columns = (axis.numpy() for axis in mask.nonzero(as_tuple=True))
    picks = rng.integers(len(rows), size=3 if rng.random() < 0.5 else 1)
    if len(picks) == 1:
        return int(columns[picks[0]]), int(rows[picks[0]])
    inside, reach = mask.numpy(), 7

    def depth(place: int) -> float:
        y, x = rows[place], columns[place]
        return float(inside[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1].sum())

    best = max(picks, key=depth)
    return int(columns[best]), int(rows[best])


def noisy_box(mask: Tensor, rng: Generator) -> list[list[float]]:
    """The mask's box, each side moved by 5 % of its length at most (sd): [[x0, y0], [x1, y1]]."""
    rows, columns = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)
    size = np.tile(box[2:] - box[:2], 2)
    box = np.clip(box + np.clip(rng.normal(0, 0.05, 4), -0.1, 0.1) * size, 0, mask.shape[0])
    return [[box[0], box[1]], [box[2], box[3]]]


def regions_of(levels: Tensor) -> list[list[int]]:
    """For each level the ids of regions that are large enough to be asked for."""
    found = []
    for ids in levels.numpy():
        sizes = np.bincount(ids.ravel().astype(np.int64) - NOTHING)[1:]  # NOTHING is -1: ids move up by one
        found.append(np.nonzero(sizes >= LEAST_CELLS * 4)[0].tolist())
    return found


def draw_prompt(
    sample: Sample, regions: list[list[int]], rng: Generator
) -> tuple[list[list[float]], list[int], Tensor] | None:
    """Points, labels and targets (L, S, S) bool, the wanted one first; None when the level drawn has no region."""
    level = int(rng.choice(3, p=LEVEL_SHARES))
    if not regions[level]:
        return None
    wanted = sample.levels[level] == int(rng.choice(regions[level]))
    if rng.random() < BOX_SHARE:
        return noisy_box(wanted, rng), [2, 3], wanted[None]
    x, y = pick_pixel(wanted, rng)
    targets = [wanted]
    for other in range(3):
        number = int(sample.levels[other, y, x])
        if other == level or number == NOTHING:
            continue
        mask = sample.levels[other] == number
        overlaps = [float((mask & known).sum() / (mask | known).sum()) for known in targets]
        if max(overlaps) < SAME and float(mask.sum()) >= LEAST_CELLS * 4:
            targets.append(mask)
    return [[float(x), float(y)], [0.0, 0.0]], [1, -1], torch.stack(targets)


def draw_prompts(sample: Sample, count: int, rng: Generator) -> list[tuple[list[list[float]], list[int], Tensor]]:
    """``count`` prompts of one picture; one that has no region of use is asked for the whole square."""
    regions = regions_of(sample.levels)
    found: list[tuple[list[list[float]], list[int], Tensor]] = []
    for _ in range(count * 4):
        if len(found) == count:
            break
        prompt = draw_prompt(sample, regions, rng)
        if prompt is not None:
            found.append(prompt)
    side = sample.rgb.shape[-1]
    everything = torch.ones(1, side, side, dtype=torch.bool)
    while len(found) < count:
        found.append(found[-1] if found else ([[0.0, 0.0], [float(side), float(side)]], [2, 3], everything))
    return found


def make_batch(samples: Sequence[Sample], per_picture: int, rng: Generator) -> Batch:
    """Degrade, pad, draw prompts, stack."""
    padded = [pad_some(sample, rng) for sample in samples]
    drawn = [prompt for sample in padded for prompt in draw_prompts(sample, per_picture, rng)]
    side = samples[0].rgb.shape[-1]
    targets = torch.zeros(len(drawn), 3, side // 2, side // 2)
    is_valid = torch.zeros(len(drawn), 3, dtype=torch.bool)
    for row, (_, _, masks) in enumerate(drawn):
        quarters = masks.to(torch.uint8)
        sums = quarters[:, ::2, ::2] + quarters[:, 1::2, ::2] + quarters[:, ::2, 1::2] + quarters[:, 1::2, 1::2]
        targets[row, : len(masks)] = sums.float() / 4
        is_valid[row, : len(masks)] = True
    return Batch(
        normalise(torch.stack([degrade(sample.rgb, rng) for sample in padded])),
        torch.stack([sample.levels[1] for sample in padded]),
        torch.tensor([points for points, _, _ in drawn]),
        torch.tensor([labels for _, labels, _ in drawn]),
        targets,
        is_valid,
    )
