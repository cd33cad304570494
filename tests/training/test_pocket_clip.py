"""The making of the pocket model: captions, splits, batches, resumable training."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from training.pocket_clip import bank, captions, hierarchy, phrases, pictures
from training.pocket_clip.bank import Bank
from training.pocket_clip.batches import BatchMaker, PictureSource, stickers
from training.pocket_clip.captions import Concept
from training.pocket_clip.depthwise import speed_up
from training.pocket_clip.model import TowerShape
from training.pocket_clip.targets import CaptionTargets, LossChoice, pairwise_sigmoid, smoothed_cross_entropy
from training.pocket_clip.train import Peers, Recipe, Run, train

SMALL = TowerShape(widths=(8, 16, 24), depths=(1, 1, 1))


def tiny_bank() -> Bank:
    """Four concepts with two captions each; "a/cat" and "a/dog" have the group "group/pet"."""
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(8, 384)).astype(np.float32)
    targets /= np.linalg.norm(targets, axis=1, keepdims=True)
    compat = np.eye(4, dtype=bool)
    compat[:2, 3] = compat[3, :2] = True
    return Bank(
        keys=("a/cat", "a/dog", "a/car", "group/pet"),
        texts=tuple(f"text {i}" for i in range(8)),
        offsets=np.arange(0, 10, 2),
        weights=np.full(8, 0.5),
        targets=targets,
        compat=compat,
        groups=((3,), (3,), (), ()),
        mean=np.zeros(384, np.float32),
    )


def write_set(data: Path, name: str, entries: list[list[object]], channels: int = 3) -> None:
    rng = np.random.default_rng(len(entries))
    np.save(data / f"{name}.npy", rng.integers(0, 255, (len(entries), 16, 16, channels), dtype=np.uint8))
    (data / f"{name}.json").write_text(json.dumps(entries))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    keys = ("a/cat", "a/dog", "a/car")
    write_set(tmp_path, "tiny", [[key, "train", ""] for key in keys * 4] + [["a/cat", "test", ""]] * 5)
    write_set(tmp_path, "fluent", [[key, "train", ""] for key in keys], channels=4)
    return tmp_path


def make_run(data: Path, steps: int) -> Run:
    known = tiny_bank()
    sources = [PictureSource(name, data, known) for name in ("tiny", "fluent")]
    targets = CaptionTargets(known, np.zeros((0, 384), np.float32))
    recipe = Recipe(steps=steps, batch=6, stages=((0.0, 16), (0.5, 32)), rate=1e-3)
    return Run(recipe, SMALL, targets, BatchMaker(sources, 6))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("dog", "a dog"), ("apple", "an apple"), ("shoes", "shoes"), ("glass", "a glass"), ("a pair of shoes",) * 2],
)
def test_article(name: str, expected: str) -> None:
    assert captions.with_article(name) == expected
    assert captions.fill("a photo of a {}", name) == f"a photo of {expected}"


def test_captions_of_a_chihuahua_name_it_and_its_groups() -> None:
    concept = Concept("tiny/n0", ("Chihuahua", "Mexican lap dog"), (), ("dog", "animal"), ("large ears",))
    listed = dict(captions.captions_of(concept))
    assert sum(listed.values()) == pytest.approx(1)
    expected = {
        "Chihuahua",
        "a photo of a Chihuahua",
        "Mexican lap dog",
        "a Chihuahua, a dog, an animal",
        "Chihuahua, large ears",
    }
    assert expected <= set(listed)


def test_a_breed_may_be_a_dog_but_not_a_cat() -> None:
    concepts = [
        Concept("tiny/n0", ("Chihuahua",), (), ("dog", "animal")),
        Concept("cifar/dog", ("dog",), (), ("animal",)),
        Concept("cifar/cat", ("cat",), (), ("animal",)),
        Concept("group/animal", ("animal",)),
    ]
    may_both = captions.compatible(concepts)
    assert may_both[0, 1] and may_both[0, 3] and may_both[2, 3]
    assert not may_both[0, 2] and not may_both[1, 2]
    assert (may_both == may_both.T).all() and may_both.diagonal().all()


def test_every_cifar_class_has_a_place_in_the_groups() -> None:
    above = captions.groups_by_name()
    for name, names in hierarchy.CIFAR_NAMES.items():
        assert any(above.get(spoken) for spoken in names), name


def test_held_out_classes_and_paraphrases_stay_out() -> None:
    assert len(hierarchy.HELD_OUT_WNIDS) == 30
    assert bank.is_held_out("tiny/n02123394") and not bank.is_held_out("tiny/n02085620")
    for paraphrase in hierarchy.CIFAR_PARAPHRASES.values():
        assert phrases.is_held_out(paraphrase)
        assert not any(paraphrase in names for names in hierarchy.CIFAR_NAMES.values())


def test_a_source_gives_training_pictures_of_trained_classes_only(tmp_path: Path) -> None:
    write_set(tmp_path, "tiny", [["a/cat", "train", ""], ["a/dog", "test", ""], ["tiny/n02123394", "train", ""]])
    assert PictureSource("tiny", tmp_path, tiny_bank()).rows.tolist() == [0]


def test_pictures_are_squashed_and_prepared_once(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for split in ("train", "test"):
        folder = raw / "cifar" / split / "cat"
        folder.mkdir(parents=True)
        Image.new("RGB", (32, 32), (200, 10, 10)).save(folder / "0.jpg")
    cifar = next(row for row in pictures.SETS if row.name == "cifar")
    assert pictures.prepare(cifar, raw, tmp_path) == 2
    listing = json.loads((tmp_path / "cifar.json").read_text())
    assert [entry[1] for entry in listing] == ["train", "test"]
    stamp = (tmp_path / "cifar.npy").stat().st_mtime_ns
    assert pictures.prepare(cifar, raw, tmp_path) == 2
    assert (tmp_path / "cifar.npy").stat().st_mtime_ns == stamp


@pytest.mark.parametrize(("name", "key"), [("emoji_u1f415_200d_1f9ba", "1f415_200d_1f9ba"), ("❤️", "2764")])
def test_emoji_files_of_both_sets_share_keys(name: str, key: str) -> None:
    assert pictures.emoji_key(name) == key


def test_a_transparent_emoji_leaves_its_background() -> None:
    ground = torch.rand(2, 3, 16, 16)
    empty = torch.zeros(2, 16, 16, 4, dtype=torch.uint8)
    put = stickers(empty, ground, np.random.default_rng(0), 16)
    torch.testing.assert_close(put, ground)


def test_depthwise_by_matrices_equals_the_convolution() -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 6, 7, padding=3, groups=6)
    fast = nn.Conv2d(6, 6, 7, padding=3, groups=6)
    fast.load_state_dict(plain.state_dict())
    speed_up(nn.ModuleList([fast]))
    pixels = torch.rand(2, 6, 5, 4)
    for module in (plain, fast):
        module(pixels).square().sum().backward()
    torch.testing.assert_close(fast(pixels), plain(pixels))
    torch.testing.assert_close(fast.weight.grad, plain.weight.grad)


def test_excluded_candidates_take_no_part_in_the_loss() -> None:
    logits = torch.tensor([[2.0, 1.0, -torch.inf], [0.0, 1.0, 3.0]])
    alone = smoothed_cross_entropy(logits[:1, :2], torch.tensor([0]), 0.05)
    torch.testing.assert_close(smoothed_cross_entropy(logits[:1], torch.tensor([0]), 0.05), alone)
    alone = pairwise_sigmoid(logits[:1, :2], torch.tensor([0]))
    torch.testing.assert_close(pairwise_sigmoid(logits[:1], torch.tensor([0])), alone)


def test_sigmoid_loss_against_a_loop() -> None:
    logits, positive = torch.randn(3, 5), torch.tensor([2, 0, 4])
    told = [
        math.log1p(math.exp(-float(logits[n, m]) * (1 if m == positive[n] else -1))) for n in range(3) for m in range(5)
    ]
    assert float(pairwise_sigmoid(logits, positive)) == pytest.approx(sum(told) / 3, rel=1e-5)


def test_without_rewrites_the_first_caption_stands_for_a_concept() -> None:
    targets = CaptionTargets(tiny_bank(), np.zeros((0, 384), np.float32), choice=LossChoice(is_rewritten=False))
    assert targets.draw_rows(np.random.default_rng(0)).tolist() == [0, 2, 4, 6]


def test_one_caption_is_drawn_per_concept() -> None:
    targets = CaptionTargets(tiny_bank(), np.zeros((0, 384), np.float32))
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert (targets.draw_rows(rng) // 2).tolist() == [0, 1, 2, 3]


def test_schedule_warms_up_and_ends_at_zero() -> None:
    recipe = Recipe(rate=1.0, stages=((0.0, 48), (0.35, 64)))
    assert recipe.rate_at(0.0) < 0.1 and recipe.rate_at(1.0) == pytest.approx(0)
    assert [recipe.side_px(p) for p in (0, 0.34, 0.35, 1)] == [48, 48, 64, 64]


def test_a_resumed_run_ends_in_the_same_bits(data: Path, tmp_path: Path) -> None:
    whole, first = make_run(data, 6), make_run(data, 6)
    for _ in range(6):
        whole.advance()
    for _ in range(3):
        first.advance()
    first.save(tmp_path / "checkpoint.pt")
    second = make_run(data, 6)
    second.load(tmp_path / "checkpoint.pt")
    for _ in range(3):
        second.advance()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name]), name
    for name, value in whole.average.weights.items():
        assert torch.equal(value, second.average.weights[name]), name


def test_training_spends_its_budget_and_leaves_log_and_checkpoint(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    run = make_run(data, 20)
    train(run, out, Peers())
    assert run.step == 20 and (out / "checkpoint.pt").is_file()
    assert (out / "log.csv").read_text().startswith("20,120,")
