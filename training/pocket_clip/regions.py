"""What a region batch teaches: each region's mean names it, and each name points at its region.

With F_i the cells of the last map, c_ri the share of cell i that region r fills, P the tower's own norm and
projection, t_r the text of region r and s the logit scale:

    naming     the image-text loss on P(sum_i c_ri F_i / sum_i c_ri)          region-text contrast as in
    grounding  -log sum_{i: c_ri > 1/2} softmax_i(s <P(F_i), t_r>)            CLOC, arXiv:2410.02746
    cells      the image-text loss on P(F_i) of single cells with c_ri > 0.6

Pooling before norm and projection is what the whole picture gets, so that a picture, a region and a cell lie in one
space. Regions of one concept in one picture count as one target of the grounding.

Parts (parts.py) are named twice, as the tabs embed a region: cut out on the mean colour, and by the cells that it
covers in its surroundings, both against the words for every part of every toy and for every toy as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.pocket_clip.batches import Batch
from training.pocket_clip.composites import RegionBatch
from training.pocket_clip.model import ImageTower, fast_numbers
from training.pocket_clip.part_source import PartBatch

if TYPE_CHECKING:
    from training.pocket_clip.targets import CaptionTargets

PART_SMOOTHING = 0.05
MOST_CELLS = 160  # single cells of a batch that are named
INSIDE, WELL_INSIDE = 0.5, 0.6  # shares of a cell


def region_means(cells: Tensor, batch: RegionBatch) -> Tensor:
    """Mean of the map over each region: (N, C, h, w) -> (R, C)."""
    weights = batch.cover / batch.cover.sum((1, 2), keepdim=True)
    return (cells.float()[batch.owner] * weights[:, None]).sum((2, 3))


def grounding_loss(cells: Tensor, texts: Tensor, batch: RegionBatch, log_scale: Tensor) -> Tensor:
    """Where each region's text points, against where the region is: projected cells (N, h, w, D), texts (R, D)."""
    units = functional.normalize(cells.float(), dim=-1)[batch.owner].flatten(1, 2)  # (R, h w, D)
    logits = torch.einsum("rid,rd->ri", units, texts) * log_scale.exp().clamp(max=100)
    same = (batch.owner[:, None] == batch.owner[None]) & (batch.concepts[:, None] == batch.concepts[None])
    cover = torch.einsum("rq,qi->ri", same.float(), batch.cover.flatten(1))
    is_own = cover >= torch.minimum(cover.amax(1, keepdim=True), torch.tensor(INSIDE))
    return (torch.logsumexp(logits, 1) - torch.logsumexp(logits.masked_fill(~is_own, -torch.inf), 1)).mean()


def well_inside(batch: RegionBatch, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Some cells that one region fills: region rows and cell numbers, at most MOST_CELLS."""
    regions, places = (batch.cover.flatten(1) > WELL_INSIDE).nonzero(as_tuple=True)
    picks = torch.from_numpy(rng.permutation(len(regions))[:MOST_CELLS])
    return regions[picks], places[picks]


def region_loss(
    model: ImageTower, targets: CaptionTargets, batch: RegionBatch, rng: np.random.Generator
) -> tuple[Tensor, dict[str, float]]:
    """Whole pictures, regions, cells and grounding in one scalar, with what the log shows."""
    with fast_numbers():
        cells = model.cells(batch.pixels)
    projected = model.project(cells.permute(0, 2, 3, 1))
    named = model.project(region_means(cells, batch))
    texts = targets.targets[torch.from_numpy(targets.draw_rows(rng))][batch.concepts]
    naming, hit = targets.loss(named, model.log_scale, Batch(named, batch.concepts, batch.region_captions), rng)
    grounding = grounding_loss(projected, texts, batch, model.log_scale)
    regions, places = well_inside(batch, rng)
    single = projected.flatten(1, 2)[batch.owner[regions], places]
    only = Batch(single, batch.concepts[regions], torch.full_like(regions, -1))
    cell, _ = targets.loss(single, model.log_scale, only, rng)
    loss = naming + 0.5 * grounding + 0.5 * cell
    has_caption = batch.captions >= 0
    if bool(has_caption.any()):
        whole = model.project(cells.float().mean((2, 3)))[has_caption]
        told = Batch(whole, torch.full((len(whole),), -1), batch.captions[has_caption])
        loss = loss + 0.3 * targets.loss(whole, model.log_scale, told, rng)[0]
    return loss, {"region": naming.item(), "ground": grounding.item(), "region_hit": hit.item()}


def part_loss(model: ImageTower, batch: PartBatch) -> tuple[Tensor, dict[str, float]]:
    """Cut-outs and covered cells of parts and of whole things against all words, with the share that is named right."""
    with fast_numbers():
        cells = model.cells(torch.cat([batch.cut_outs, batch.windows]).contiguous(memory_format=torch.channels_last))
    alone, within = cells.float().chunk(2)
    weights = batch.cover / batch.cover.sum((1, 2), keepdim=True)
    named = model.project(torch.cat([alone.mean((2, 3)), (within * weights[:, None]).sum((2, 3))]))
    logits = functional.normalize(named, dim=-1) @ batch.targets.T * model.log_scale.exp().clamp(max=100)
    words = batch.words.repeat(2)
    hit = (logits.argmax(1) == words).float().mean()
    return functional.cross_entropy(logits, words, label_smoothing=PART_SMOOTHING), {"part_hit": hit.item()}
