"""Automatic masks: the same as segment_anything's generator where the algorithm is the same, and a good guest."""

from __future__ import annotations

import threading
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from segment_anything import SamAutomaticMaskGenerator

from core import catalog, sam_automatic
from core.checkpoints import BUNDLED_DIR
from core.errors import Cancelled, InputError
from core.sam import AutomaticOptions, MaskSet, PromptableSam, load
from core.sam_automatic import POINTS_PER_SIDE, Thresholds, stability_of
from core.sam_decoder import Looked
from core.sam_masks import Frame
from core.tasks import Job, Step
from tests import tiny_sam

EVERYTHING = AutomaticOptions(points_per_side=8, pred_iou=-1e9, stability=0.0, nms_iou=1.0, adaptive=False)


@pytest.fixture(scope="module")
def segmenter() -> PromptableSam:
    return tiny_sam.segmenter(6)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return tiny_sam.picture()


def _overlaps(masks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """IoU of every pair, (N, M)."""
    one, two = (m.reshape(len(m), -1).astype(np.float32) for m in (masks, others))
    shared = one @ two.T
    return shared / (one.sum(1)[:, None] + two.sum(1) - shared)


def _greedy_matches(overlaps: np.ndarray) -> list[float]:
    """IoUs of pairs taken best first, each mask once."""
    left, found = overlaps.copy(), []
    for _ in range(min(left.shape)):
        row, column = np.unravel_index(left.argmax(), left.shape)
        found.append(float(left[row, column]))
        left[row], left[:, column] = -1, -1
    return found


def test_every_candidate_is_that_of_segment_anything(segmenter: PromptableSam, picture: np.ndarray) -> None:
    ours = segmenter.automatic(picture, EVERYTHING)
    stock = SamAutomaticMaskGenerator(
        segmenter._sam, 8, pred_iou_thresh=0, stability_score_thresh=0, box_nms_thresh=1
    ).generate(picture)
    stock = [row for row in stock if row["area"] > 0]
    assert len(stock) > 150 and abs(len(ours) - len(stock)) <= 2  # a mask may vanish when it is enlarged
    by_score = sorted(stock, key=lambda row: -row["predicted_iou"])
    np.testing.assert_allclose(
        ours.predicted_iou[:150], [row["predicted_iou"] for row in by_score[:150]], atol=1e-4, rtol=0
    )
    matches = _greedy_matches(_overlaps(ours.full(), np.array([row["segmentation"] for row in stock])))
    assert np.mean(matches) > 0.98 and np.quantile(matches, 0.1) > 0.95
    where = {tuple(np.round(row["point_coords"][0], 2)) for row in stock}
    assert {tuple(np.round(point.astype(float), 2)) for point in ours.point_xy} <= where


class Discs:
    """A scene of discs and a network that knows them: a point gets the smallest disc around it, a wider one, the rest.

    Takes the place of prompt encoder and decoder, in segment_anything and here, so that the rules about masks can be
    compared on masks that look like masks. Scores and softness differ from disc to disc and from point to point.
    """

    def __init__(self, seed: int, side_px: int = 128, low_px: int = 64) -> None:
        rng = np.random.default_rng(seed)
        self.centre_xy = torch.from_numpy(rng.uniform(10, (118, 80), (14, 2)).astype(np.float32))
        self.radius_px = torch.from_numpy(rng.uniform(4, 24, 14).astype(np.float32))
        self.softness_px = torch.from_numpy(rng.uniform(0.3, 3, 14).astype(np.float32))
        place = (torch.arange(low_px) + 0.5) * (side_px / low_px)
        grid = torch.stack(torch.meshgrid(place, place, indexing="xy"), -1)
        distance = (grid[None] - self.centre_xy[:, None, None]).norm(dim=-1)
        self.logits = (self.radius_px[:, None, None] - distance) / self.softness_px[:, None, None]

    def __call__(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 2) in the square -> logits (B, 3, m, m) and predicted IoU (B, 3)."""
        inside = (points[:, None] - self.centre_xy).norm(dim=-1) / self.radius_px
        closest = torch.where(inside < 1, self.radius_px, torch.inf).argmin(1)
        share = inside[torch.arange(len(points)), closest]
        rest = -self.logits.amax(0).expand(len(points), -1, -1)
        own = torch.where((share < 1)[:, None, None], self.logits[closest], rest)
        score = torch.where(share < 1, 0.97 - 0.2 * share**2 - 0.005 * closest, 0.5 + 0.001 * share.clamp(max=9))
        logits = torch.stack([own, own + 2.5, rest], 1)
        return logits, torch.stack([score, score - 0.11, 0.4 + 0.001 * share.clamp(max=9)], 1)


@pytest.fixture(params=[0, 1, 2])
def discs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Discs:
    """The same scene behind both generators."""
    scene = Discs(request.param)

    def look(_: Any, embedding: torch.Tensor, *, points: tuple[torch.Tensor, torch.Tensor]) -> Looked:
        guesses = scene(points[0][:, 0])[1]
        return Looked(points[0], embedding, torch.cat([guesses[:, :1], guesses], 1))

    def draw(_: Any, looked: Looked, *, rows: torch.Tensor) -> torch.Tensor:
        return scene(looked.tokens[rows, 0])[0]

    class Prompts(torch.nn.Module):
        def forward(self, points: tuple[torch.Tensor, torch.Tensor], **_: Any) -> tuple[torch.Tensor, None]:
            return points[0].float(), None

        def get_dense_pe(self) -> None:
            return None

    class Decoder(torch.nn.Module):
        def forward(self, sparse_prompt_embeddings: torch.Tensor, **_: Any) -> tuple[torch.Tensor, torch.Tensor]:
            return scene(sparse_prompt_embeddings[:, 0])

    monkeypatch.setattr(sam_automatic.sam_decoder, "look", look)
    monkeypatch.setattr(sam_automatic.sam_decoder, "draw", draw)
    scene.ours = tiny_sam.segmenter(0, {**tiny_sam.CONFIG, "patch_size": 8, "encoder": tiny_sam.CONV_ENCODER})
    scene.stock = deepcopy(scene.ours._sam)
    scene.stock.prompt_encoder, scene.stock.mask_decoder = Prompts(), Decoder()
    return scene


@pytest.mark.parametrize("pred_iou, stability, nms_iou", [(0.01, 0.01, 0.7), (0.6, 0.6, 0.7), (0.7, 0.75, 0.5)])
def test_what_survives_is_what_survives_there(
    pred_iou: float, stability: float, nms_iou: float, discs: Discs, picture: np.ndarray
) -> None:
    options = AutomaticOptions(12, pred_iou, stability, nms_iou, adaptive=False)
    found = discs.ours.automatic(picture, options)
    stock = SamAutomaticMaskGenerator(
        discs.stock, 12, pred_iou_thresh=pred_iou, stability_score_thresh=stability, box_nms_thresh=nms_iou
    ).generate(picture)
    assert len(found) > 3 and abs(len(found) - len(stock)) <= 0.05 * len(stock)
    assert (found.predicted_iou > pred_iou).all() and (found.stability >= stability).all()
    matches = _greedy_matches(_overlaps(found.full(), np.array([row["segmentation"] for row in stock])))
    assert np.mean(matches) >= 0.95 and len(matches) >= 0.95 * len(stock)


def test_skipping_bad_masks_early_changes_nothing(segmenter: PromptableSam, picture: np.ndarray) -> None:
    everything = segmenter.automatic(picture, EVERYTHING)
    limit = float(np.median(everything.predicted_iou))
    found = segmenter.automatic(picture, replace(EVERYTHING, pred_iou=limit))
    wanted = everything.take(everything.predicted_iou > limit)
    assert len(found) == len(wanted) > 50
    np.testing.assert_allclose(found.logits, wanted.logits, atol=2e-4, rtol=0)


def test_it_is_the_same_every_time_and_sorted(segmenter: PromptableSam, picture: np.ndarray) -> None:
    first, second = (segmenter.automatic(picture, EVERYTHING) for _ in range(2))
    assert (first.logits == second.logits).all() and (first.box_xyxy == second.box_xyxy).all()
    assert (np.diff(first.predicted_iou) <= 0).all()
    height, width = picture.shape[:2]
    left, top, right, bottom = first.box_xyxy.T
    assert (left >= 0).all() and (left < right).all() and (right <= width).all()
    assert (top >= 0).all() and (top < bottom).all() and (bottom <= height).all()


def test_batches_of_any_size_agree(segmenter: PromptableSam, picture: np.ndarray) -> None:
    whole = segmenter.automatic(picture, replace(EVERYTHING, points_per_batch=64))
    parts = segmenter.automatic(picture, replace(EVERYTHING, points_per_batch=7))
    assert len(whole) == len(parts)
    np.testing.assert_allclose(whole.predicted_iou, parts.predicted_iou, atol=1e-5)


def test_duplicates_dropped_early_leave_the_best(
    segmenter: PromptableSam, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(EVERYTHING, nms_iou=0.7)
    late = segmenter.automatic(picture, options)
    monkeypatch.setattr(sam_automatic, "CANDIDATE_BYTES", 1)
    early = segmenter.automatic(picture, options)
    assert 0 < len(early) <= len(late) and early.predicted_iou[0] == late.predicted_iou[0]


def test_none_takes_the_models_own_thresholds(segmenter: PromptableSam, picture: np.ndarray) -> None:
    assert segmenter.thresholds == Thresholds(-1.0, 0.3, 0.7)
    options = AutomaticOptions(points_per_side=6)
    same = replace(options, pred_iou=-1.0, stability=0.3, nms_iou=0.7)
    assert (segmenter.automatic(picture, options).logits == segmenter.automatic(picture, same).logits).all()
    assert AutomaticOptions(stability=0.1).thresholds(Thresholds()) == Thresholds(0.88, 0.1, 0.7)


def test_small_masks_are_left_out(segmenter: PromptableSam, picture: np.ndarray) -> None:
    everything = segmenter.automatic(picture, EVERYTHING)
    limit = float(np.median(everything.area_px))
    found = segmenter.automatic(picture, replace(EVERYTHING, min_area_px=limit))
    assert len(found) == (everything.area_px >= limit).sum() and found.area_px.min() >= limit


def test_own_points_take_the_place_of_the_grid(segmenter: PromptableSam, picture: np.ndarray) -> None:
    points = np.array([[10, 20], [200.5, 140]], np.float32)
    found = segmenter.automatic(picture, EVERYTHING, points_xy=points)
    assert {tuple(point) for point in found.point_xy} == {(10, 20), (200.5, 140)}
    assert len(segmenter.automatic(picture, EVERYTHING, points_xy=points[:0])) == 0
    with pytest.raises(InputError, match="lies outside"):
        segmenter.automatic(picture, points_xy=points * 2)


def test_no_mask_at_all_is_an_empty_set(segmenter: PromptableSam, picture: np.ndarray) -> None:
    none = segmenter.automatic(picture, AutomaticOptions(pred_iou=1e9))
    assert len(none) == 0 and none.box_xyxy.shape == (0, 4) and none.full().shape == (0, 150, 213)
    assert (none.painted() == -1).all()


def test_stability_equals_its_definition(rng: np.random.Generator) -> None:
    logits = rng.standard_normal((6, 9, 11)).astype(np.float32) * 2
    logits[5] = -9
    found = stability_of(torch.from_numpy(logits)).numpy()
    for mask, score in zip(logits[:5], found, strict=False):
        inner = sum(value > 1 for value in mask.flat)
        outer = sum(value > -1 for value in mask.flat)
        assert score == pytest.approx(inner / outer)
    assert np.isnan(found[5])


# Adaptive.


@pytest.mark.parametrize("side", [8, 9, 16, 32])
def test_passes_are_the_grid_in_another_order(side: int) -> None:
    (whole,) = sam_automatic._grid_passes(side, (150, 213), adaptive=False)
    passes = sam_automatic._grid_passes(side, (150, 213), adaptive=True)
    assert len(passes) == 3 and len(passes[0]) < len(passes[1]) < len(passes[2])
    both = [sorted(map(tuple, points)) for points in (whole, np.concatenate(passes))]
    assert both[0] == both[1] and len(whole) == side**2
    np.testing.assert_allclose(whole[0], [213 / side / 2, 150 / side / 2], rtol=1e-6)


def test_adaptive_finds_the_same_discs_with_fewer_points(
    discs: Discs, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[np.ndarray] = []
    real = sam_automatic._ask

    def counting(scene: Any, points: np.ndarray, *rest: Any) -> Any:
        asked.append(points)
        return real(scene, points, *rest)

    monkeypatch.setattr(sam_automatic, "_ask", counting)
    monkeypatch.setattr(sam_automatic, "SETTLED_SHARE", 0.2)  # these discs are large
    options = AutomaticOptions(32, 0.6, 0.5, 0.7, adaptive=True)
    found = discs.ours.automatic(picture, options)
    points = np.concatenate(asked)
    assert len(np.unique(points, axis=0)) == len(points) < 800
    whole = discs.ours.automatic(picture, replace(options, adaptive=False))
    assert len(asked) > 3 and sum(len(part) for part in asked) == len(points) + 1024
    best = _overlaps(whole.full(), found.full()).max(1)
    assert len(whole) >= 8 and (best > 0.8).mean() >= 0.85
    asked.clear()
    discs.ours.automatic(picture, replace(options, pred_iou=1.0))
    assert sum(len(part) for part in asked) == 1024  # nothing accepted, nothing skipped


def test_it_is_adaptive_where_a_point_is_costly() -> None:
    def scene(channels: int, grid: int, device: str) -> sam_automatic.Scene:
        embedding = torch.empty(1, channels, grid, grid, device="meta")
        return sam_automatic.Scene(None, embedding, Frame((9, 9), 128, 64), device, "x")

    assert [
        sam_automatic.is_costly(scene(*size)) for size in ((64, 24, "cpu"), (256, 64, "cpu"), (256, 64, "cuda"))
    ] == [
        False,
        True,
        False,
    ]
    assert [sam_automatic.points_per_batch(scene(*size)) for size in ((64, 24, "cpu"), (256, 64, "cpu"))] == [56, 4]


def test_a_mask_of_half_the_picture_settles_nothing(discs: Discs) -> None:
    settled = np.zeros((40, 64), bool)
    logits = np.full((2, 40, 64), -1, np.float32)
    logits[0, :, :32], logits[1, 3:9, 5:12] = 1, 1
    sam_automatic._settle(settled, logits)
    assert settled.sum() == 42
    frame = Frame((80, 128), 128, 64)
    points = np.array([[10, 6], [9.9, 6], [23.9, 17.9], [24, 17], [128, 80]], np.float32)
    assert sam_automatic._is_settled(points, settled, frame).tolist() == [True, False, True, False, False]


# A good guest.


def test_a_small_model_is_asked_twice_for_three_cells(segmenter: PromptableSam, picture: np.ndarray) -> None:
    steps: list[Step] = []
    segmenter.automatic(picture, job=Job(steps.append))
    cells = tiny_sam.CONFIG["img_size"] // tiny_sam.CONFIG["patch_size"]
    assert {step.total for step in steps if step.unit == "points"} == {round(cells * 2 / 3) ** 2}


def test_progress_counts_points(segmenter: PromptableSam, picture: np.ndarray) -> None:
    steps: list[Step] = []
    segmenter.automatic(picture, AutomaticOptions(POINTS_PER_SIDE), job=Job(steps.append))
    points = [step for step in steps if step.unit == "points"]
    assert points[-1].done == points[-1].total == POINTS_PER_SIDE**2 and points[0].done == 0
    done = [step.done or 0.0 for step in points]
    assert done == sorted(done) and len(done) > 4


def test_cancel_ends_it_at_the_next_batch(segmenter: PromptableSam, picture: np.ndarray) -> None:
    steps: list[Step] = []
    job = Job(lambda step: (steps.append(step), step.done and job.cancel())[0])
    with pytest.raises(Cancelled):
        segmenter.automatic(picture, replace(EVERYTHING, points_per_batch=4), job=job)
    assert [step.done for step in steps if step.unit == "points"] == [0, 4]


def test_cancel_while_another_has_the_device(segmenter: PromptableSam, picture: np.ndarray) -> None:
    from core.device import exclusive

    job, held, over = Job(), threading.Event(), threading.Event()

    def hold() -> None:
        with exclusive("cpu"):
            held.set()
            over.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    threading.Timer(0.2, job.cancel).start()
    try:
        with pytest.raises(Cancelled):
            segmenter.automatic(picture, EVERYTHING, job=job)
    finally:
        over.set()
        holder.join()


def test_a_large_picture_answers_in_its_own_pixels(segmenter: PromptableSam) -> None:
    small = tiny_sam.picture(300, 400)
    large = np.ascontiguousarray(np.kron(small, np.ones((5, 5, 1), np.uint8)))
    options = replace(EVERYTHING, points_per_side=4)
    one, other = segmenter.automatic(small, options), segmenter.automatic(large, options)
    assert isinstance(other, MaskSet) and other.size_hw == (1500, 2000) and other.box_xyxy.max() > 1000
    assert other.point_xy.max() == pytest.approx(5 * one.point_xy.max())
    masks = other.full(range(3))
    np.testing.assert_allclose(masks.sum((1, 2)), other.area_px[:3], rtol=0.05)


# The bundled model.


@pytest.mark.skipif(not (BUNDLED_DIR / "pocket-sam").is_dir(), reason="the pocket model is not in this checkout")
def test_pocket_sam_agrees_with_segment_anything_on_its_own_masks(repository: Path) -> None:
    image = np.asarray(Image.open(repository / "assets" / "examples" / "segmentation" / "fruit.jpg").convert("RGB"))
    image = np.asarray(Image.fromarray(image).resize((320, 240)))
    segmenter = load(BUNDLED_DIR / "pocket-sam", catalog.spec("pocket-sam"))
    found, own = segmenter.automatic(image, AutomaticOptions(16)), segmenter.thresholds
    stock = SamAutomaticMaskGenerator(
        segmenter._sam,
        16,
        pred_iou_thresh=own.pred_iou,
        stability_score_thresh=own.stability,
        box_nms_thresh=own.nms_iou,
    ).generate(image)
    overlaps = _overlaps(found.full(), np.array([row["segmentation"] for row in stock]))
    assert len(found) >= 5 and abs(len(found) - len(stock)) <= max(2, 0.2 * len(stock))
    assert np.mean(overlaps.max(0)) >= 0.92  # theirs are among ours; stability differs a little at full resolution
    assert np.mean(_greedy_matches(overlaps)) >= 0.9
