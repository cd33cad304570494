"""Pictures with masks: what is pasted lies under its mask, and the losses are what their formulas say."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.test_pocket_clip import SMALL, tiny_bank, write_set
from training.pocket_clip.batches import PictureSource
from training.pocket_clip.composites import RegionBatch, RegionMaker, SceneSource, emoji_cutouts, toy_cutouts
from training.pocket_clip.model import ImageTower
from training.pocket_clip.regions import grounding_loss, region_loss, region_means
from training.pocket_clip.targets import CaptionTargets


@pytest.fixture
def maker(tmp_path: Path) -> RegionMaker:
    known = tiny_bank()
    write_set(tmp_path, "tiny", [["a/car", "train", ""]] * 4)
    write_set(tmp_path, "fluent", [["a/dog", "train", ""]] * 3, channels=4)
    write_set(tmp_path, "toybox", [["a/cat", "train", "", [0]]] * 3 + [["toybox/scene", "train", "", [1, 2]]] * 2)
    masks = np.zeros((5, 16, 16), np.uint8)
    masks[:3, 4:12, 4:12] = 1
    masks[3:, :, :8], masks[3:, :, 8:] = 1, 2
    np.save(tmp_path / "toybox.masks.npy", masks)
    scene = [[1, "a/cat", 3], [2, "a/dog", 4]]
    (tmp_path / "toybox.objects.json").write_text(json.dumps([[[1, "a/cat", 3]]] * 3 + [scene] * 2))
    photos = [PictureSource("tiny", tmp_path, known)]
    emoji = emoji_cutouts([PictureSource("fluent", tmp_path, known)])
    return RegionMaker(SceneSource(tmp_path, known, 10), [toy_cutouts(tmp_path, known, 10), *emoji], photos, 8)


def batch_of(cover: torch.Tensor, owner: list[int], concepts: list[int]) -> RegionBatch:
    nothing = torch.full((len(owner),), -1)
    return RegionBatch(torch.zeros(1), nothing, torch.tensor(owner), cover, torch.tensor(concepts), nothing)


def test_a_batch_names_every_region_and_its_cells(maker: RegionMaker) -> None:
    batch = maker.draw(64, np.random.default_rng(0))
    assert batch.pixels.shape == (8, 3, 64, 64) and batch.cover.shape[1:] == (4, 4)
    assert batch.owner.max() < 8 and bool((batch.cover.amax((1, 2)) > 0.3).all())
    assert bool((batch.cover >= 0).all()) and bool((batch.cover <= 1).all())
    together = torch.zeros(8, 4, 4).index_add_(0, batch.owner, batch.cover)
    assert float(together.max()) <= 1 + 1e-6  # nothing is in two regions at once
    scenes = batch.owner < 4
    assert set(batch.region_captions[scenes].tolist()) <= {13, 14} and set(batch.captions[:4].tolist()) <= {11, 12}
    assert set(batch.concepts.tolist()) <= {0, 1} and batch.captions[4:].tolist() == [-1] * 4


def test_the_mean_of_a_region_weighs_cells_by_cover() -> None:
    cells = torch.arange(8.0).view(1, 2, 2, 2)
    cover = torch.tensor([[[1.0, 0.0], [0.5, 0.0]]])
    mean = region_means(cells, batch_of(cover, [0], [0]))
    torch.testing.assert_close(mean, torch.tensor([[(0 + 0.5 * 2) / 1.5, (4 + 0.5 * 6) / 1.5]]))


def test_grounding_is_zero_where_the_text_points_and_two_alike_are_one_target() -> None:
    texts = torch.eye(2)
    cells = torch.stack([torch.eye(2)[[0, 0, 1, 1]]]).view(1, 2, 2, 2)  # top row says text 0, bottom row text 1
    top, bottom = torch.tensor([[1.0, 1.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    scale = torch.tensor(math.log(20.0))
    right = grounding_loss(cells, texts, batch_of(torch.stack([top, bottom]), [0, 0], [0, 1]), scale)
    wrong = grounding_loss(cells, texts, batch_of(torch.stack([bottom, top]), [0, 0], [0, 1]), scale)
    assert float(right) == pytest.approx(math.log1p(math.exp(-20.0)), abs=1e-5)
    assert float(wrong) == pytest.approx(20.0 + math.log1p(math.exp(-20.0)), abs=1e-4)
    left, other = torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    alike = grounding_loss(cells, texts[[0, 0]], batch_of(torch.stack([left, other]), [0, 0], [0, 0]), scale)
    assert float(alike) == pytest.approx(float(right), abs=1e-5)


def test_region_loss_falls_by_training(maker: RegionMaker) -> None:
    torch.manual_seed(0)
    model = ImageTower(SMALL).train()
    targets = CaptionTargets(tiny_bank(), tiny_bank().targets[[0, 1, 2, 3, 4, 5, 6, 7] * 2])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    seen = []
    for step in range(25):
        loss, _ = region_loss(model, targets, maker.draw(64, np.random.default_rng(step % 3)), np.random.default_rng(0))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seen.append(loss.item())
    assert np.mean(seen[-5:]) < 0.8 * np.mean(seen[:5])
