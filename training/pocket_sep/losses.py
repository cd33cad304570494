"""What is asked of the masks: weighted cross-entropy to binary targets, with or without noise-invariant heads.

Source: CLIPSep's code (see core/sep_network.py). Two things are ours: a query that names nothing in the mixture has the
target 0, and the ratio mask divides by the mixture as Sound of Pixels does, not by the sum over a batch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

NOISE_ALLOWANCE = 0.25  # mean activation of both noise masks together that costs nothing
NOISE_PENALTY = 0.1


def weights_of(mixture: Tensor) -> Tensor:
    """What each bin counts: log(1 + |Mix|), from 1e-3 to 10."""
    return torch.log1p(mixture).clamp(1e-3, 10.0)


def targets_of(sources: Tensor, mixture: Tensor, *, is_ratio: bool = False) -> Tensor:
    """Masks to learn: (B, N, H, W) magnitudes and (B, 1, H, W) -> 1 where |S| > |Mix| / 2, or |S| / |Mix| up to 1."""
    if is_ratio:
        return (sources / mixture).clamp(0.0, 1.0)
    return (sources > 0.5 * mixture).to(sources.dtype)


def plain_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross-entropy, mean over bins, sources and batch; (B, N, H, W) each, weights (B, 1, H, W)."""
    return functional.binary_cross_entropy_with_logits(logits, targets, weights.expand_as(logits))


def noise_invariant_loss(logits: Tensor, noise_logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """CLIPSep-NIT's loss for two sources: each mask may be completed by one of two noise masks, the better way round.

    Args:
        logits: (B, 2, H, W) of the queries.
        noise_logits: (B, 2, H, W) of the noise heads.
        targets: (B, 2, H, W) binary.
        weights: (B, 1, H, W).

    Returns:
        Mean over the batch, with the penalty on noise masks that take more than a quarter.
    """
    masks, noise = logits.sigmoid(), noise_logits.sigmoid()

    def of_assignment(order: list[int]) -> Tensor:
        completed = (masks + noise[:, order]).clamp(max=1.0)
        losses = functional.binary_cross_entropy(completed, targets, weights.expand_as(targets), reduction="none")
        return losses.mean((1, 2, 3))

    best = torch.minimum(of_assignment([0, 1]), of_assignment([1, 0])).mean()
    activation = noise.sum(1).mean()
    return best + NOISE_PENALTY * functional.relu(activation - NOISE_ALLOWANCE)
