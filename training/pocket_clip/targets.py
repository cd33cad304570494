"""What a picture is compared with, and the loss.

Candidates are one drawn caption per concept, the free captions of the batch, and for a free caption its wrong twins
(rivals.py). A candidate that can be true of the picture as well (its group, the same thing in another set) is no
negative. Now and then the positive is one of the concept's groups instead ("a dog" for a chihuahua).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.pocket_clip import bank as banks
from training.pocket_clip.batches import Batch
from training.pocket_clip.rivals import Rivals

SIGMOID_BIAS = -10.0  # SigLIP's beginning (Zhai et al. 2023, arXiv:2303.15343)


@dataclass(frozen=True)
class LossChoice:
    """How candidates are drawn and compared; the defaults are what the shipped model was trained with.

    Attributes:
        kind: Softmax over the candidates, or a sigmoid for each (SigLIP).
        smoothing: Label smoothing of the softmax.
        group_share: How often the positive is a group of the concept.
        spares_compatible: Candidates that may be true as well are left out; else they are negatives.
        is_rewritten: Any of a concept's captions may be drawn (LaCLIP's rewrites, Fan et al. 2023, arXiv:2305.20088);
            else the first, its plain name.
    """

    kind: Literal["softmax", "sigmoid"] = "softmax"
    smoothing: float = 0.05
    group_share: float = 0.2
    spares_compatible: bool = True
    is_rewritten: bool = True


@dataclass(frozen=True)
class Comparison:
    """Pictures against candidates.

    Attributes:
        cosines: (N, M).
        positive: (N,) int64, the right column of each picture.
        excluded: (N, M) bool, candidates that take no part.
    """

    cosines: Tensor
    positive: Tensor
    excluded: Tensor


class CaptionTargets:
    """Bank and free captions as tensors, with the loss."""

    def __init__(
        self, bank: banks.Bank, free: np.ndarray, rivals: Rivals | None = None, choice: LossChoice | None = None
    ) -> None:
        self.bank, self.rivals, self.choice = bank, rivals, choice or LossChoice()
        self.targets = torch.from_numpy(bank.targets)
        self.free = torch.from_numpy(free)
        self.compat = torch.from_numpy(bank.compat)
        if not self.choice.spares_compatible:
            self.compat = torch.eye(len(bank.keys), dtype=torch.bool)
        self.bias = torch.tensor(SIGMOID_BIAS, requires_grad=self.choice.kind == "sigmoid")
        ends = np.cumsum(bank.weights)
        starts = np.concatenate([[0.0], ends])[bank.offsets]
        self._ends, self._starts = ends, starts

    def draw_rows(self, rng: np.random.Generator) -> np.ndarray:
        """One caption row per concept, drawn by weight: (K,)."""
        if not self.choice.is_rewritten:
            return self.bank.offsets[:-1]
        wanted = self._starts[:-1] + rng.random(len(self.bank.keys)) * (np.diff(self._starts) - 1e-9)
        rows = np.searchsorted(self._ends, wanted, side="right")
        return np.clip(rows, self.bank.offsets[:-1], self.bank.offsets[1:] - 1)

    def loss(self, images: Tensor, log_scale: Tensor, batch: Batch, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """The loss of pictures (N, D), of any length, and the share whose best candidate is the positive one."""
        found = self.compare(functional.normalize(images.float(), dim=-1), batch, rng)
        logits = (found.cosines * log_scale.exp().clamp(max=100)).masked_fill(found.excluded, -torch.inf)
        hit = (logits.argmax(1) == found.positive).float().mean().detach()
        if self.choice.kind == "sigmoid":
            return pairwise_sigmoid(logits + self.bias, found.positive), hit
        return smoothed_cross_entropy(logits, found.positive, self.choice.smoothing), hit

    def compare(self, units: Tensor, batch: Batch, rng: np.random.Generator) -> Comparison:
        """Unit-norm pictures (N, D) against what is drawn for them."""
        texts = self.targets[torch.from_numpy(self.draw_rows(rng))]
        has_free = batch.captions >= 0
        free_rows = has_free.nonzero().squeeze(1)
        texts = torch.cat([texts, self.free[batch.captions[free_rows]]])
        use_free = has_free & ((batch.concepts < 0) | (torch.from_numpy(rng.random(len(has_free))) < 0.5))
        free_column = torch.full_like(batch.concepts, -1)
        free_column[free_rows] = len(self.bank.keys) + torch.arange(len(free_rows))
        positive = torch.where(use_free, free_column, self._draw_concepts(batch, rng))
        excluded = self._excluded(batch, has_free, free_rows)
        excluded[torch.arange(len(units)), positive] = False
        cosines = units @ texts.T
        if self.rivals is not None:
            near, is_none = self.rivals.cosines(units, torch.where(use_free, batch.captions, -1))
            cosines, excluded = torch.cat([cosines, near], 1), torch.cat([excluded, is_none], 1)
        return Comparison(cosines, positive, excluded)

    def _draw_concepts(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        """Each picture's concept, or one of its groups: (N,)."""
        positive = batch.concepts.clamp(min=0)
        for row, concept in enumerate(batch.concepts.tolist()):
            groups = self.bank.groups[concept] if concept >= 0 else ()
            if groups and rng.random() < self.choice.group_share:
                positive[row] = int(rng.choice(groups))
        return positive

    def _excluded(self, batch: Batch, has_free: Tensor, free_rows: Tensor) -> Tensor:
        """Candidates that may be true of a picture too: (N, K + free captions of the batch) bool."""
        concepts, count = batch.concepts.clamp(min=0), len(self.bank.keys)
        excluded = torch.zeros(len(concepts), count + len(free_rows), dtype=torch.bool)
        named = batch.concepts >= 0
        excluded[named, :count] = self.compat[concepts[named]]
        excluded[~named, :count] = True  # a caption of a whole scene: no concept is surely absent
        free_concepts = batch.concepts[free_rows]
        clash = torch.ones(len(concepts), len(free_rows), dtype=torch.bool)
        both = named[:, None] & (free_concepts >= 0)[None, :]
        clash[both] = self.compat[concepts[:, None], free_concepts.clamp(min=0)[None, :]][both]
        scene = (~named)[:, None] & (free_concepts < 0)[None, :]
        same = batch.captions[:, None] == batch.captions[free_rows][None, :]
        is_own_set = has_free[:, None] & ~same  # two scenes of the same kind do exclude each other's captions
        excluded[:, count:] = torch.where(scene | (both & is_own_set), same, clash)
        return excluded


def smoothed_cross_entropy(logits: Tensor, positive: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy with label smoothing over the candidates that are not excluded (-inf): scalar."""
    logp = functional.log_softmax(logits, dim=1)
    nll = -logp.gather(1, positive[:, None]).squeeze(1)
    allowed = torch.isfinite(logits)
    spread = -torch.where(allowed, logp, torch.zeros_like(logp)).sum(1) / allowed.sum(1)
    return ((1 - smoothing) * nll + smoothing * spread).mean()


def pairwise_sigmoid(logits: Tensor, positive: Tensor) -> Tensor:
    """SigLIP's loss: every candidate that is not excluded (-inf) answers yes or no for itself; scalar, per picture."""
    signs = -torch.ones_like(logits)
    signs[torch.arange(len(logits)), positive] = 1.0
    pairs = functional.logsigmoid(torch.where(torch.isfinite(logits), signs * logits, torch.inf))
    return -pairs.sum(1).mean()
