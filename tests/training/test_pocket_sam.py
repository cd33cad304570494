"""pocket-sam: construction, training, sources and their splits, measures, the shipped folder."""

from __future__ import annotations

import json
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sam_build import build
from training.pocket_sam import compose, held_out, measures, network, pack, scores
from training.pocket_sam.muon import orthogonal
from training.pocket_sam.prompts import draw_prompts, make_batch
from training.pocket_sam.sources import BSDS_SPLIT, NOTHING, Sample, train_shards
from training.pocket_sam.train import SIZES, Recipe, Run

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "models" / "pocket-sam"
IS_SHIPPED = pytest.mark.skipif(not (FOLDER / "model.safetensors").is_file(), reason="pocket-sam is not packed yet")
VIT = {"embed_dim": 32, "depth": 2, "num_heads": 2, "mlp_ratio": 4, "window_size": 4, "global_attn_indexes": [1]}
CONV = {"kind": "conv", "widths": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}
SMALL = {**SIZES, "img_size": 64, "dim": 16, "decoder_mlp": 32, "decoder_heads": 2}


def small_sam(encoder=CONV):
    torch.manual_seed(0)
    return build({**SMALL, "encoder": encoder})


# --- construction -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", [VIT, CONV], ids=["vit", "conv"])
def test_predictor_and_generator_of_segment_anything_run_on_it(encoder):
    from segment_anything import SamAutomaticMaskGenerator, SamPredictor

    sam = small_sam(encoder)
    predictor = SamPredictor(sam)
    picture = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    predictor.set_image(picture)
    masks, quality, low = predictor.predict(np.array([[30, 20]]), np.array([1]))
    assert masks.shape == (3, 40, 60) and quality.shape == (3,) and low.shape == (3, 32, 32)
    found = SamAutomaticMaskGenerator(sam, 2, pred_iou_thresh=-9, stability_score_thresh=-1).generate(picture)
    assert all(entry["segmentation"].shape == (40, 60) for entry in found)


@pytest.mark.parametrize(
    "change, words",
    [({"dim": 20}, "dim 20"), ({"img_size": 60}, "img_size 60"), ({"mask_in_chans": 6}, "mask_in_chans 6")],
)
def test_sizes_that_do_not_fit_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        build({**SMALL, "encoder": CONV, **change})


def test_conv_encoder_has_stride_8_only():
    with pytest.raises(ValueError, match="stride 8, not 16"):
        build({**SMALL, "encoder": CONV, "patch_size": 16})


def test_saved_and_loaded_weights_answer_alike(tmp_path):
    from safetensors.torch import load_file

    sam, other = small_sam(), build({**SMALL, "encoder": CONV})
    pack.save_weights(sam.state_dict(), tmp_path / "model.safetensors")
    other.load_state_dict(
        {k: v.float() if v.is_floating_point() else v for k, v in load_file(tmp_path / "model.safetensors").items()}
    )
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(sam.image_encoder(pixels), other.image_encoder(pixels), atol=2e-2)
    assert set(sam.state_dict()) == set(other.state_dict())


# --- training's way through the modules ---------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", [VIT, CONV], ids=["vit", "conv"])
def test_batched_decoder_equals_segment_anythings(encoder):
    """Two pictures with three prompts each in one pass: the same as one picture after the other through the library."""
    sam = small_sam(encoder)
    fused = small_sam(encoder)
    network.speed_up(fused)
    pixels = torch.randn(2, 3, 64, 64)
    points, boxes = torch.rand(2, 3, 1, 2) * 60, torch.tensor([[5.0, 6.0, 40.0, 50.0]]).repeat(3, 1)
    with torch.no_grad():
        embedding = sam.image_encoder(pixels)
        padded = torch.cat([points.flatten(0, 1), torch.zeros(6, 1, 2)], 1)
        ours = network.decode(
            fused, embedding, network.embed_prompts(sam, padded, torch.tensor([[1, -1]]).repeat(6, 1)),
            network.dense_prompts(sam, None, 6),
        )  # fmt: skip
        by_box = network.embed_prompts(sam, boxes.view(3, 2, 2), torch.tensor([[2, 3]]).repeat(3, 1))
        for row in range(2):
            sparse, dense = sam.prompt_encoder((points[row], torch.ones(3, 1)), None, None)
            theirs = sam.mask_decoder.predict_masks(
                embedding[row : row + 1], sam.prompt_encoder.get_dense_pe(), sparse, dense
            )
            for mine, reference in zip(ours, theirs, strict=True):
                assert torch.allclose(mine[3 * row : 3 * row + 3], reference, atol=1e-5)
        assert torch.allclose(by_box, sam.prompt_encoder(None, boxes, None)[0], atol=1e-6)


def test_pair_costs_equal_the_slow_way():
    logits, targets = torch.randn(2, 4, 6, 6), torch.rand(2, 3, 6, 6)
    costs = network.pair_costs(logits, targets)
    for prompt in range(2):
        for mask in range(4):
            for target in range(3):
                x, t = logits[prompt, mask], targets[prompt, target]
                bce = torch.nn.functional.binary_cross_entropy_with_logits(x, t)
                p = x.sigmoid()
                dice = 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)
                assert torch.allclose(costs[prompt, mask, target], 2 * bce + dice, atol=1e-5)


def test_three_masks_are_handed_out_whatever_their_order():
    """Perfect masks in any order cost almost nothing; two targets may not share one mask."""
    targets = torch.zeros(1, 3, 8, 8)
    targets[0, 0, :2], targets[0, 1, :5], targets[0, 2, :, :3] = 1, 1, 1
    perfect = (targets - 0.5) * 40
    wanted = perfect[:, :1]
    everything = torch.ones(1, 3, dtype=torch.bool)
    for order in network.ORDERS:
        logits = torch.cat([wanted, perfect[:, order]], 1)
        loss, best = network.prompt_loss(logits, torch.ones(1, 4), targets, everything)
        assert loss < 1e-2 and best == 1
    shared = torch.cat([wanted, perfect[:, [0, 0, 0]]], 1)
    assert network.prompt_loss(shared, torch.ones(1, 4), targets, everything)[0] > 1


def test_correction_clicks_into_the_error():
    target = torch.zeros(3, 16, 16)
    target[:, 4:12, 4:12] = 1
    logits = torch.where(target > 0, 5.0, -5.0)
    logits[0, 4:8, 4:12], logits[1, 0:2, 0:2] = -5.0, 5.0  # a half missed, a corner too much, nothing wrong
    points, labels = network.correction(logits, target, torch.Generator().manual_seed(0))
    assert labels.tolist() == [1, 0, 1]
    x, y = (points / 2).long()[0].tolist()
    assert 4 <= y < 8 and 4 <= x < 12
    assert ((points[1] / 2).long() < 2).all() and target[2, int(points[2, 1]) // 2, int(points[2, 0]) // 2] == 1


def test_muon_step_is_about_orthogonal():
    for shape in ((6, 30), (30, 6)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert values.min() > 0.6 and values.max() < 1.3


class FakeMaterial:
    """Squares on a ground."""

    scenes = singles = ()

    def refresh(self):
        pass

    def draw(self, count, side_px, rng):
        return [squares(side_px, rng) for _ in range(count)]


def squares(side_px, rng):
    levels = torch.zeros(3, side_px, side_px, dtype=torch.int16)
    y, x = rng.integers(4, side_px // 2, 2)
    levels[:2, y : y + 20, x : x + 20] = 1
    levels[0, y : y + 10, x : x + 20] = 2
    levels[2] = NOTHING
    rgb = torch.stack([(levels[0] == k).float() for k in range(3)])
    return Sample(rgb, levels)


def test_training_learns_resumes_and_repeats(tmp_path):
    torch.set_num_threads(1)
    recipe = Recipe(steps=16, batch=4, prompts=2, stages=((0.0, 64),), rate=3e-3)
    make = partial(Run, recipe, {**SMALL, "encoder": CONV}, FakeMaterial())
    first = make()
    losses = [first.advance()["loss"] for _ in range(10)]
    first.save(tmp_path / "checkpoint.pt")
    losses += [first.advance()["loss"] for _ in range(6)]
    again = make()
    again.load(tmp_path / "checkpoint.pt")
    assert [again.advance()["loss"] for _ in range(6)] == pytest.approx(losses[10:], rel=1e-4)
    assert np.mean(losses[-4:]) < np.mean(losses[:4])


# --- pictures and prompts -----------------------------------------------------------------------------------------


def test_point_prompts_mean_every_level_and_lie_in_what_was_wanted():
    rng = np.random.default_rng(0)
    sample = squares(64, rng)
    seen = set()
    for points, labels, targets in draw_prompts(sample, 60, rng):
        if labels == [1, -1]:
            x, y = (int(value) for value in points[0])
            assert all(bool(mask[y, x]) for mask in targets)
            seen.add(len(targets))
        else:
            assert labels == [2, 3] and len(targets) == 1
    assert seen == {1, 2}  # the ground, or part and square


def test_batch_targets_are_area_shares():
    rng = np.random.default_rng(1)
    batch = make_batch([squares(64, rng), squares(64, rng)], 3, rng)
    assert batch.pixels.shape == (2, 3, 64, 64) and batch.targets.shape == (6, 3, 32, 32)
    assert batch.targets.min() >= 0 and batch.targets.max() <= 1 and bool(batch.is_valid[:, 0].all())
    assert float(batch.targets[~batch.is_valid].sum()) == 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), count=st.integers(2, 7))
def test_partition_covers_the_picture(seed, count):
    ids = compose.partition(np.random.default_rng(seed), 32, count)
    assert ids.shape == (32, 32) and ids.min() >= 1 and ids.max() <= count


def test_pasting_covers_what_was_there():
    canvas = compose.Canvas(torch.zeros(3, 8, 8), torch.zeros(3, 8, 8, dtype=torch.int16))
    rgba = torch.zeros(4, 8, 8)
    rgba[:, 2:6, 2:6] = 1
    parts = torch.zeros(8, 8, dtype=torch.int16)
    parts[4:] = 1
    canvas.paste(rgba, parts)
    assert canvas.rgb[:, 3, 3].tolist() == [1, 1, 1] and canvas.rgb[:, 0, 0].tolist() == [0, 0, 0]
    assert len(canvas.levels[1].unique()) == 2 and len(canvas.levels[0].unique()) == 3
    assert bool((canvas.levels[2][2:6, 2:6] == NOTHING).all())


def test_training_reads_no_held_out_file(tmp_path):
    for name in ("scene6_train_192_0000000", "scene6_held_out_192_0000000", "scene6_train_192_0001000.tmp"):
        (tmp_path / f"toybox_{name}.npz").touch()
    assert [path.name for path in train_shards(tmp_path, "scene6")] == ["toybox_scene6_train_192_0000000.npz"]
    assert [path.name for path in held_out.shards(tmp_path)] == ["toybox_scene6_held_out_192_0000000.npz"]
    assert (BSDS_SPLIT, held_out.BSDS_SPLIT) == ("train", "val")


# --- measures -----------------------------------------------------------------------------------------------------


def test_innermost_and_next_click_are_middles():
    truth = np.zeros((21, 21), bool)
    truth[5:16, 5:16] = True
    assert measures.innermost(truth) == (10, 10)
    given_mask = truth.copy()
    given_mask[5:8, 5:16] = False
    place, label = measures.next_click(truth, given_mask)
    assert label == 1 and truth[place[1], place[0]] and not given_mask[place[1], place[0]]
    assert measures.next_click(np.zeros((9, 9), bool), np.ones((9, 9), bool)) == ((4, 4), 0)


def test_covering_known_answers():
    truth = np.zeros((4, 4), int)
    truth[:, 2:] = 1
    assert measures.covering(truth, truth) == 1.0
    assert measures.covering(np.zeros((4, 4), np.int32), truth) == pytest.approx(0.5)
    finer = np.arange(16, dtype=np.int32).reshape(4, 4)
    assert measures.covering(finer, truth) == pytest.approx(1 / 8)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_overlap_table_equals_the_slow_way(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.random((3, 5, 6)) < 0.5, rng.random((2, 5, 6)) < 0.5
    table = measures.overlap_table(first, second)
    assert table == pytest.approx(np.array([[measures.iou(a, b) for b in second] for a in first]), abs=1e-6)


def test_partition_paints_in_order_and_splits_what_is_left():
    masks = np.zeros((2, 4, 6), bool)
    masks[0, :, 2:4], masks[1, 1:3, 2:4] = True, True
    labels = measures.partition(masks, np.array([0, 1]))
    assert labels[1, 2] == 1 and labels[0, 2] == 0 and labels[0, 0] != labels[0, 5]


def test_mean_of_scenes_counts_scenes_and_weighs_objects():
    rng = np.random.default_rng(0)
    alone = [rng.random(1) for _ in range(400)]
    score = scores.mean_of_scenes("x", "x", alone)
    plain = np.concatenate(alone)
    assert score.n == 400 and score.value == pytest.approx(plain.mean(), abs=1e-4)
    assert score.high - score.value == pytest.approx(1.96 * plain.std() / 20, abs=2e-4)
    repeated = scores.mean_of_scenes("x", "x", [values.repeat(5) for values in alone])  # five copies say no more
    assert (repeated.low, repeated.high) == pytest.approx((score.low, score.high), abs=2e-4)


# --- the shipped folder -------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def rendered_scenes():
    """Four held-out scenes that neither scores nor thresholds have seen."""
    from training.toybox.shards import picture

    return [picture("held_out", 50_000 + k, 192, 4) for k in range(4)]


@IS_SHIPPED
def test_shipped_model_finds_and_follows_clicks_on_new_scenes():
    torch.set_num_threads(2)
    sam = scores.open_folder(FOLDER)
    best, hits = [], []
    for view in rendered_scenes():
        truths = held_out.objects_of(view.instances)
        best += [scores.click(sam, view.rgb, truth).best_of_3 for truth in truths]
        found = sam.automatic(view.rgb, scores.AutomaticOptions(16))
        hits += (measures.overlap_table(found.full(), truths).max(0) >= 0.5).tolist()
    assert np.mean(best) >= FLOOR_POINT and np.mean(hits) >= FLOOR_RECALL
    again = sam.automatic(view.rgb, scores.AutomaticOptions(16))
    assert (again.logits == found.logits).all()


FLOOR_POINT, FLOOR_RECALL = 0.5, 0.5


@IS_SHIPPED
def test_card_says_how_it_was_made_and_what_it_scores():
    card = json.loads((FOLDER / "card.json").read_text())
    config = json.loads((FOLDER / "config.json").read_text())
    assert set(config["thresholds"]) == {"pred_iou", "stability", "nms_iou"}
    assert card["training"]["cpu_minutes"] > 0 and card["licence"] and card["held_out"]
    assert all(row["licence"] for row in card["data"])
    names = {score["name"] for score in card["scores"]}
    assert {"toys_point", "toys_recall", "bsds_covering", "megabytes"} <= names
    assert all(score["n"] >= 1 and score["low"] <= score["value"] <= score["high"] for score in card["scores"])
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 30e6
