"""What is asked of the masks: weighted cross-entropy to shares of each cell, with or without noise-invariant heads.

Source: CLIPSep's code (see core/sep_network.py). Ours: a query that names nothing in the mixture has the target 0; the
ratio mask divides by the mixture as Sound of Pixels does, not by the sum over a batch; weights follow the loudness more
closely than log(1 + |Mix|), because decibels do; targets are means over the cells of coarse maps; and every label is
asked for at every cell (:func:`label_loss`), which tells a small network more about a mixture than its two names do;
and, once the masks are roughly right, the decibels themselves (:func:`fidelity_loss`).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

NOISE_ALLOWANCE = 0.25  # mean activation of both noise masks together that costs nothing
NOISE_PENALTY = 0.1
LEAST_SQUARE = 1e-3  # of a correlation that counts: what is above 30 dB, or below -30, is not worth more steps


def weights_of(mixture: Tensor) -> Tensor:
    """What each bin counts, (B, 1, H, W): the root of its magnitude, with a mean of 1 in every mixture."""
    root = mixture.sqrt()
    return root / root.mean((-2, -1), keepdim=True).clamp(min=1e-9)


def targets_of(sources: Tensor, mixture: Tensor, *, is_ratio: bool = False) -> Tensor:
    """Masks to learn: (B, N, H, W) magnitudes and (B, 1, H, W) -> 1 where |S| > |Mix| / 2, or |S| / |Mix| up to 1."""
    if is_ratio:
        return (sources / mixture).clamp(0.0, 1.0)
    return (sources > 0.5 * mixture).to(sources.dtype)


def in_cells(values: Tensor, weights: Tensor, cell: int) -> tuple[Tensor, Tensor]:
    """Weighted means over cells of cell x cell bins, and the cells' mean weights: for maps of 1 / cell of the sides."""
    if cell == 1:
        return values, weights
    small = functional.avg_pool2d(weights, cell)
    return functional.avg_pool2d(values * weights, cell) / small.clamp(min=1e-9), small


def label_loss(logits: Tensor, shares: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of every cell over all labels.

    Args:
        logits: (B, L, H, W), one query a label.
        shares: (B, N, H, W) share of each source in the cell, sum 1.
        chosen: (B, N) which label each source is.
        weights: (B, 1, H, W).
    """
    found = functional.log_softmax(logits, 1).gather(1, chosen[:, :, None, None].expand(-1, -1, *logits.shape[2:]))
    return -((found * shares).sum(1, keepdim=True) * weights).mean()


def fidelity_loss(logits: Tensor, energies: Tensor, loudness: Tensor) -> Tensor:
    """Tenths of the SI-SDR that the masks' sounds would have, negated; mean over sources and batch.

    SI-SDR is r^2 / (1 - r^2) for the correlation r of estimate and source (Le Roux et al. 2019). A real mask times the
    mixture has inner products with the source that are sums over bins.

    Args:
        logits: (B, N, H, W) on every row and frame.
        energies: (B, N + 1, H, W), see training.pocket_sep.mixtures.energies_of.
        loudness: (B, N) energy of each source.
    """
    masks = logits.sigmoid()
    shared = (masks * energies[:, :-1]).sum((-2, -1))
    own = (masks**2 * energies[:, -1:]).sum((-2, -1))
    square = (shared.clamp(min=0) ** 2 / (own * loudness).clamp(min=1e-12)).clamp(LEAST_SQUARE, 1 - LEAST_SQUARE)
    return -(square / (1 - square)).log10().mean()


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
