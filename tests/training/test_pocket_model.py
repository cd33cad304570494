"""Facts about the packed pocket model: it loads without code of ours, its card is complete, it sees a red mug."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core import clip
from core.catalog import spec
from core.model_spec import Bundled
from training.toybox.views import render_single

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "models" / "pocket-clip"
# What a first version had to reach; the card holds every figure against the bars of the one after.
FLOORS = {"tiny_top1": 20.0, "cifar_top1": 55.0, "toybox_60way": 90.0, "text_cosine": 0.90}
CEILINGS = {"milliseconds": 150.0, "megabytes": 30.0}


@pytest.fixture(scope="module")
def card() -> dict:
    return json.loads((FOLDER / "card.json").read_text())


@pytest.fixture(scope="module")
def encoder() -> clip.ClipEncoder:
    return clip.load(FOLDER, spec("pocket-clip"), device="cpu", dtype="float32", job=None)


def test_folder_stays_under_30_mb() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 30_000_000


def test_catalogue_lists_exactly_the_files_that_are_there() -> None:
    (bundled,) = spec("pocket-clip").sources
    assert isinstance(bundled, Bundled)
    assert set(bundled.sha256) == {path.name for path in FOLDER.iterdir()}


def test_card_says_what_it_was_made_from(card: dict) -> None:
    assert {"name", "what", "licence", "parameters_m", "input", "training", "data", "held_out"} <= set(card)
    assert all(row["licence"] for row in card["data"])
    assert {"temperature", "ece", "unknown_auroc", "unknown_threshold"} <= set(card["calibration"])


def test_card_reports_every_bar_with_sample_size_and_interval(card: dict) -> None:
    scores = {score["name"]: score for score in card["scores"]}
    assert set(scores) >= set(FLOORS) | set(CEILINGS)
    for score in scores.values():
        assert score["n"] > 0 and score["low"] <= score["value"] <= score["high"], score["name"]


@pytest.mark.parametrize("name", sorted(FLOORS | CEILINGS))
def test_card_figure_meets_its_bar(card: dict, name: str) -> None:
    (score,) = (row for row in card["scores"] if row["name"] == name)
    if name in CEILINGS:
        assert score["value"] <= CEILINGS[name]
    else:
        assert score["value"] >= FLOORS[name]


def test_loads_through_auto_classes_and_agrees_with_core(encoder: clip.ClipEncoder) -> None:
    import torch
    from transformers import AutoModel, AutoProcessor

    model = AutoModel.from_pretrained(FOLDER, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(FOLDER)
    picture = np.random.default_rng(0).integers(0, 255, (48, 80, 3), dtype=np.uint8)
    inputs = processor(text=["a red mug"], images=[picture], return_tensors="pt", padding=True)
    with torch.inference_mode():
        answer = model(**inputs)
    np.testing.assert_allclose(encoder.encode_images([picture])[0], answer.image_embeds[0].numpy(), atol=2e-4)
    np.testing.assert_allclose(encoder.encode_texts(["a red mug"])[0], answer.text_embeds[0].numpy(), atol=2e-4)


def test_calibration_is_read(encoder: clip.ClipEncoder) -> None:
    calibration = encoder.calibration
    assert calibration.image_bank is not None and calibration.image_bank.shape[1] == encoder.dim
    assert calibration.unknown_threshold is not None and 0 < calibration.temperature < 10


@pytest.mark.parametrize(("toy", "colour"), [("mug", "red"), ("car", "blue"), ("apple", "green")])
def test_ranks_a_new_toy_first(encoder: clip.ClipEncoder, toy: str, colour: str) -> None:
    labels = [toy, *(name for name in ("chair", "duck", "guitar", "tree", "lamp"))]
    texts = encoder.encode_texts([f"a photo of a {label}" for label in labels])
    views = [render_single(toy, np.random.default_rng(s), 96, split="held_out", colour=colour).rgb for s in range(16)]
    best = (encoder.encode_images(views) @ texts.T).argmax(1)
    assert (best == 0).mean() >= 5 / 6  # chance is a sixth


def test_tells_a_red_mug_from_a_blue_one(encoder: clip.ClipEncoder) -> None:
    texts = encoder.encode_texts(["a red mug", "a blue mug"])
    views = [
        render_single("mug", np.random.default_rng(s), 96, split="held_out", colour=colour).rgb
        for colour in ("red", "blue")
        for s in range(4)
    ]
    best = (encoder.encode_images(views) @ texts.T).argmax(1)
    assert (best == np.repeat([0, 1], 4)).sum() >= 7


def test_a_synonym_lies_closer_than_another_thing(encoder: clip.ClipEncoder) -> None:
    dog, puppy, teapot = encoder.encode_texts(["dog", "puppy", "teapot"])
    assert dog @ puppy > dog @ teapot + 0.2
