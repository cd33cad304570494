"""The comparison of losses: every choice learns what separable features tell, and a learnt text map is undone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.training.test_pocket_clip import SMALL, tiny_bank
from training.pocket_clip.ablate import VARIANTS, Head, Variant, answers, train_head
from training.pocket_clip.model import ImageTower
from training.pocket_clip.polish import Features
from training.pocket_clip.targets import CaptionTargets


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_choice_reads_separable_features(variant: Variant) -> None:
    torch.manual_seed(0)
    concepts = torch.arange(3).repeat(20)
    pooled = functional.one_hot(concepts, 24).float() + 0.1 * torch.randn(60, 24)
    known = tiny_bank()
    targets = CaptionTargets(known, np.zeros((0, 384), np.float32), choice=variant.loss)
    before, head = targets.targets.clone(), Head(ImageTower(SMALL))
    train_head(head, targets, Features(pooled, concepts, torch.full((60,), -1)), variant, steps=60, rate=1e-2)
    assert torch.equal(targets.targets, before)
    own = torch.from_numpy(known.targets).view(4, 2, 384)[:, 0][:3].numpy()
    found = answers(head, pooled, variant)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert (found @ own.T).argmax(1).tolist() == concepts.tolist()
