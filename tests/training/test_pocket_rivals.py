"""Wrong twins of captions: what they say, where they are stored, and what they do to the loss."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.test_pocket_clip import tiny_bank
from training.pocket_clip import bank, rivals
from training.pocket_clip.batches import Batch
from training.pocket_clip.rivals import Rivals, rivals_of
from training.pocket_clip.targets import CaptionTargets
from training.toybox.palette import COLOURS


def test_the_other_side_is_a_twin() -> None:
    assert rivals_of("a red mug left of a blue car") == [
        "a red mug right of a blue car",
        "a blue car left of a red mug",
    ]
    assert rivals_of("a cat behind a tent")[0] == "a cat in front of a tent"


def test_another_colour_is_a_twin_with_its_article() -> None:
    twins = rivals_of("a photo of a red mug with a white handle")
    assert len(twins) == len(COLOURS) - 1
    assert (
        "a photo of an orange mug with a white handle" in twins and "a photo of a blue mug with a white handle" in twins
    )
    assert "blue sunglasses" in rivals_of("black sunglasses")


@pytest.mark.parametrize("caption", ["a red mug and a blue car", "two objects", "a mug", "a mug, a red car and a cat"])
def test_what_may_be_true_too_has_no_twin(caption: str) -> None:
    assert rivals_of(caption) == []


def test_colours_are_whole_words() -> None:
    assert rivals_of("a tired mug") == []


def stored(data: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A set of two captions with twins whose targets tell their length; returns the captions."""
    texts = ["a red mug", "two objects"]
    (data / "toybox.captions.json").write_text(json.dumps(texts))
    np.save(data / "toybox.captions.npy", np.zeros((2, 384), np.float16))
    np.save(data / "flickr.captions.npy", np.zeros((3, 384), np.float16))

    def embed(words: list[str]) -> np.ndarray:
        return np.eye(384, dtype=np.float32)[[len(word) for word in words]]

    monkeypatch.setattr(bank, "embedder", lambda text: embed)
    rivals.attach(data, "toybox", data)
    return texts


def test_twins_are_stored_and_found_by_row_of_all_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(tmp_path, monkeypatch)
    found = rivals.load(tmp_path, ["flickr", "tiny", "toybox"], tiny_bank())
    assert found.rows.shape == (3 + 2 + 1, rivals.MOST)
    assert (found.rows[:3] == -1).all() and (found.rows[4] == -1).all()  # Flickr8k's sentences, "two objects"
    twins = rivals_of("a red mug")
    lengths = found.targets[found.rows[3]].argmax(1).tolist()
    assert len(lengths) == rivals.MOST and set(lengths) <= {len(twin) for twin in twins}


def test_a_picture_is_pushed_from_its_own_twins_only() -> None:
    known = tiny_bank()
    free = np.eye(384, dtype=np.float32)[[100, 101]]
    twins = Rivals(torch.eye(384)[[0, 200]], torch.tensor([[1, -1], [-1, -1], [-1, -1]]))
    images = torch.zeros(2, 384)
    images[0, 100] = images[1, 101] = images[0, 200] = images[1, 200] = 1.0
    images.requires_grad_()
    scale = torch.tensor(2.0, requires_grad=True)
    batch = Batch(images, torch.tensor([-1, -1]), torch.tensor([0, 1]))
    loss, _ = CaptionTargets(known, free, twins).loss(images, scale, batch, np.random.default_rng(0))
    plain, _ = CaptionTargets(known, free).loss(images, scale, batch, np.random.default_rng(0))
    assert loss > plain
    (gradient, of_scale) = torch.autograd.grad(loss, (images, scale))
    assert torch.isfinite(of_scale)
    assert gradient[0, 200] > 0.05  # down the slope: away from the twin
    (before,) = torch.autograd.grad(plain, images)
    torch.testing.assert_close(gradient[1], before[1])  # the other caption has none
