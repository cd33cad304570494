"""Polishing: only the last map moves, and it learns what the features can tell."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from tests.training.test_pocket_clip import SMALL, make_run, tiny_bank
from tests.training.test_pocket_clip import data as data  # noqa: PLC0414 (fixture)
from training.pocket_clip.model import ImageTower
from training.pocket_clip.polish import Features, features_of, polish
from training.pocket_clip.targets import CaptionTargets


def test_features_are_the_tower_before_its_last_map(data) -> None:
    run = make_run(data, 1)
    drawn = features_of(run.model, run.maker, 12, 32, np.random.default_rng(0))
    again = run.maker.draw(32, np.random.default_rng(0))
    with torch.inference_mode():
        expected = run.model(again.pixels)
        named = run.model.visual_projection(drawn.pooled[: len(expected)])
    torch.testing.assert_close(named, expected, atol=2e-2, rtol=2e-2)
    assert len(drawn.pooled) == len(drawn.concepts) == len(drawn.captions) >= 12


def test_it_reads_separable_features_and_leaves_the_rest_alone() -> None:
    torch.manual_seed(0)
    tower = ImageTower(SMALL)
    known = tiny_bank()
    concepts = torch.arange(3).repeat(20)
    pooled = functional.one_hot(concepts, 24).float() + 0.1 * torch.randn(60, 24)
    rest = {name: value.clone() for name, value in tower.vision_model.state_dict().items()}
    features = Features(pooled, concepts, torch.full((60,), -1))
    seen = polish(
        tower, CaptionTargets(known, np.zeros((0, 384), np.float32)), features, steps=200, rate=1e-2, batch=32
    )
    assert seen[-1][1] < seen[0][1] - 0.5
    images = functional.normalize(tower.visual_projection(pooled), dim=-1)
    own = torch.from_numpy(known.targets).view(4, 2, 384).mean(1)[:3]
    assert (images @ functional.normalize(own, dim=-1).T).argmax(1).tolist() == concepts.tolist()
    assert all(torch.equal(value, rest[name]) for name, value in tower.vision_model.state_dict().items())
