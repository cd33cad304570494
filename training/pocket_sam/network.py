"""Training's way through Sam's own modules: many pictures at once, several prompts each, all four masks, gradients.

segment_anything's MaskDecoder takes one picture at a time and its Sam.forward keeps no gradient; the submodules do.
``tests/training/test_pocket_sam.py`` holds that these give what segment_anything gives.
"""

from __future__ import annotations

from itertools import permutations

import torch
from segment_anything.modeling import Sam
from segment_anything.modeling.transformer import Attention
from torch import Tensor
from torch.nn import functional

BCE_WEIGHT = 2.0
ORDERS = torch.tensor(list(permutations(range(3))))  # (6, 3): which mask serves target 0, 1, 2


class FusedAttention(Attention):
    """segment_anything's attention through torch's fused kernel: equal weights and outputs, 1.8 times as fast here."""

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(P, n, D), (P, m, D), (P, m, D) -> (P, n, D)."""
        given = ((self.q_proj, q), (self.k_proj, k), (self.v_proj, v))
        query, key, value = (self._separate_heads(project(cells), self.num_heads) for project, cells in given)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.out_proj(self._recombine_heads(mixed))


def speed_up(sam: Sam) -> None:
    """Turn every attention of the decoder into a FusedAttention, in place, weights kept."""
    for module in sam.mask_decoder.modules():
        if type(module) is Attention:
            module.__class__ = FusedAttention


def embed_prompts(sam: Sam, points: Tensor, labels: Tensor) -> Tensor:
    """(P, T, 2) picture px and (P, T) labels -1, 0, 1, 2, 3 -> (P, T, D), as PromptEncoder does."""
    encoder = sam.prompt_encoder
    table = torch.cat([encoder.not_a_point_embed.weight, *(kind.weight for kind in encoder.point_embeddings)])
    place = encoder.pe_layer.forward_with_coords(points + 0.5, encoder.input_image_size)
    return place * (labels >= 0).unsqueeze(-1) + table[labels + 1]


def dense_prompts(sam: Sam, logits: Tensor | None, count: int) -> Tensor:
    """The mask prompt (P, 1, 4g, 4g), or none, as (P, D, g, g)."""
    encoder = sam.prompt_encoder
    if logits is None:
        return encoder.no_mask_embed.weight.reshape(1, -1, 1, 1).expand(count, -1, *encoder.image_embedding_size)
    return encoder.mask_downscaling(logits)


def decode(sam: Sam, embedding: Tensor, sparse: Tensor, dense: Tensor) -> tuple[Tensor, Tensor]:
    """All masks of all prompts.

    Args:
        sam: The model.
        embedding: (B, D, g, g).
        sparse: (B * M, T, D), the M prompts of a picture in a row.
        dense: (B * M, D, g, g).

    Returns:
        Logits (B * M, 4, 4g, 4g), the single mask first, and predicted IoU (B * M, 4).
    """
    decoder, count = sam.mask_decoder, len(sparse)
    tokens = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([tokens.expand(count, -1, -1), sparse], dim=1)
    cells = embedding.repeat_interleave(count // len(embedding), dim=0) + dense
    place = sam.prompt_encoder.get_dense_pe()
    queries, keys = decoder.transformer(cells, place, tokens)
    cells = keys.transpose(1, 2).reshape(cells.shape)
    fine = decoder.output_upscaling(cells)
    weights = torch.stack([mlp(queries[:, 1 + k]) for k, mlp in enumerate(decoder.output_hypernetworks_mlps)], dim=1)
    masks = (weights @ fine.flatten(2)).view(count, -1, *fine.shape[-2:])
    return masks, decoder.iou_prediction_head(queries[:, 0])


def set_side(sam: Sam, side_px: int) -> None:
    """Run a model with the conv encoder at another picture side: nothing in it depends on one but these numbers."""
    grid = side_px // 8
    sam.image_encoder.img_size = side_px
    sam.prompt_encoder.input_image_size = (side_px, side_px)
    sam.prompt_encoder.image_embedding_size = (grid, grid)
    sam.prompt_encoder.mask_input_size = (4 * grid, 4 * grid)


def pair_costs(logits: Tensor, targets: Tensor) -> Tensor:
    """2 BCE + dice of every mask against every target: (P, K, h, w), (P, L, h, w) -> (P, K, L)."""
    given, wanted = logits.flatten(2), targets.flatten(2)
    cells = given.shape[-1]
    bce = (functional.softplus(given).sum(-1, keepdim=True) - given @ wanted.transpose(1, 2)) / cells
    share = given.sigmoid()
    both = share @ wanted.transpose(1, 2)
    sizes = share.sum(-1, keepdim=True) + wanted.sum(-1).unsqueeze(1)
    return BCE_WEIGHT * bce + 1 - (2 * both + 1) / (sizes + 1)


@torch.no_grad()
def overlaps(logits: Tensor, targets: Tensor) -> Tensor:
    """IoU of thresholded masks and targets: (P, K, h, w), (P, L, h, w) -> (P, K, L)."""
    given, wanted = (logits > 0).flatten(2).float(), (targets > 0.5).flatten(2).float()
    both = given @ wanted.transpose(1, 2)
    either = given.sum(-1, keepdim=True) + wanted.sum(-1).unsqueeze(1) - both
    return both / either.clamp(min=1)


def prompt_loss(logits: Tensor, predicted: Tensor, targets: Tensor, is_valid: Tensor) -> tuple[Tensor, Tensor]:
    """Loss of one round, and the IoU of the wanted target's best mask (P,).

    The single mask learns the wanted target (row 0). The other three are handed out to the valid targets in the
    order that costs least; a target without a partner asks nothing. Every predicted IoU learns the best overlap
    with any valid target.
    """
    costs = pair_costs(logits, targets)
    several = costs[:, 1:] * is_valid.unsqueeze(1)
    by_order = several[:, ORDERS, torch.arange(3)].sum(-1)  # (P, 6)
    matched = by_order.min(1).values / is_valid.sum(1)
    true = overlaps(logits, targets).masked_fill(~is_valid.unsqueeze(1), 0.0)
    quality = (predicted - true.max(-1).values).square().mean()
    return matched.mean() + costs[:, 0, 0].mean() + quality, true[:, 1:, 0].max(1).values


def affinity_loss(embedding: Tensor, ids: Tensor, pairs: int = 256) -> Tensor:
    """Cells of one region should be alike: BCE on 8 (cos - 0.5) of random pairs. (B, D, g, g), (B, S, S) int16."""
    batch, dim, rows, columns = embedding.shape
    step = ids.shape[-1] // columns
    cells = ids[:, step // 2 :: step, step // 2 :: step].flatten(1).long()
    features = functional.normalize(embedding.flatten(2).transpose(1, 2), dim=-1)
    first, second = torch.randint(rows * columns, (2, batch, pairs))
    one, two = (features.gather(1, pick.unsqueeze(-1).expand(-1, -1, dim)) for pick in (first, second))
    same = (cells.gather(1, first) == cells.gather(1, second)).float()
    known = (cells.gather(1, first) >= 0) & (cells.gather(1, second) >= 0)
    loss = functional.binary_cross_entropy_with_logits(8 * ((one * two).sum(-1) - 0.5), same, reduction="none")
    return (loss * known).sum() / known.sum().clamp(min=1)


@torch.no_grad()
def correction(logits: Tensor, target: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """A click into the error of a mask: (P, h, w) logits and area shares -> points (P, 2) picture px, labels (P,)."""
    missed, wrong = (logits <= 0) & (target > 0.5), (logits > 0) & (target <= 0.5)
    error = (missed | wrong).flatten(1).float()
    error = torch.where(error.sum(1, keepdim=True) > 0, error, (target > 0.5).flatten(1).float() + 1e-6)
    place = torch.multinomial(error, 1, generator=rng).squeeze(1)
    width = logits.shape[-1]
    points = torch.stack([place % width, place // width], dim=1).float() * 2 + 0.5  # low resolution is half the side
    return points, (target.flatten(1).gather(1, place[:, None]).squeeze(1) > 0.5).long()
