"""Prompts: the rearranged decoder and SamPredictor agree, candidates are sorted, bad prompts are sentences."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor

from core import sam_decoder
from core.errors import Cancelled, InputError
from core.sam import KEPT_PICTURES, Prompt, PromptableSam
from core.tasks import Job, Step
from tests import tiny_sam

CONV = {**tiny_sam.CONFIG, "patch_size": 8, "encoder": tiny_sam.CONV_ENCODER}
POINTS = np.array([[100, 50], [20, 120.5], [200, 10]], np.float32)
SIGNS = np.array([1, 0, 1])
BOX = np.array([30, 20, 150, 140.5], np.float32)


@pytest.fixture(scope="module")
def segmenter() -> PromptableSam:
    return tiny_sam.segmenter()


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return tiny_sam.picture()


def _at(x: float, y: float, sign: int = 1) -> Prompt:
    return Prompt(np.array([[x, y]], np.float32), np.array([sign]))


# The decoder.


@pytest.mark.parametrize("config", [tiny_sam.CONFIG, CONV], ids=["vit", "conv"])
@pytest.mark.parametrize("kind", ["point", "points", "box", "points and box", "mask", "point and mask"])
def test_decoder_equals_segment_anything(config: dict[str, Any], kind: str) -> None:
    sam, random = tiny_sam.random_sam(1, config), torch.Generator().manual_seed(0)
    grid, count = 128 // config["patch_size"], 5
    embedding = torch.randn(1, 32, grid, grid, generator=random)
    prompts: dict[str, Any] = {"points": None, "boxes": None, "masks": None}
    if "point" in kind:
        number = 3 if "points" in kind else 1
        signs = torch.randint(0, 2, (count, number), generator=random)
        prompts["points"] = (torch.rand(count, number, 2, generator=random) * 128, signs)
    if "box" in kind:
        corner = torch.rand(count, 2, generator=random) * 64
        prompts["boxes"] = torch.cat([corner, corner + 40], 1)
    if "mask" in kind:
        prompts["masks"] = torch.randn(count, 1, 4 * grid, 4 * grid, generator=random)
    with torch.inference_mode():
        looked = sam_decoder.look(sam, embedding, **prompts)
        ours = sam_decoder.draw(sam, looked, slice(0, 4))
        sparse, dense = sam.prompt_encoder(**prompts)
        places = sam.prompt_encoder.get_dense_pe()
        wanted, iou = sam.mask_decoder.predict_masks(embedding, places, sparse, dense)
    assert wanted.std() > 1  # loud enough for the next lines to mean something
    torch.testing.assert_close(ours, wanted, atol=1e-5 * float(wanted.abs().max()), rtol=0)
    torch.testing.assert_close(looked.predicted_iou, iou, atol=1e-5, rtol=0)
    some = sam_decoder.draw(sam, looked, sam_decoder.LEVELS, rows=torch.tensor([3, 0]))
    torch.testing.assert_close(some, wanted[[3, 0], 1:], atol=1e-5 * float(wanted.abs().max()), rtol=0)


# Against SamPredictor.


@pytest.mark.parametrize("config", [tiny_sam.CONFIG, CONV], ids=["vit", "conv"])
@pytest.mark.parametrize("shape", [(150, 213), (213, 150), (64, 64), (20, 300)])
def test_one_point_equals_sam_predictor(config: dict[str, Any], shape: tuple[int, int]) -> None:
    ours, image = tiny_sam.segmenter(2, config), tiny_sam.picture(*shape)
    x, y = 0.6 * shape[1], 0.3 * shape[0]
    masks, iou, logits = _predictor(ours, image).predict(np.array([[x, y]]), np.array([1]))
    answer = ours.prompt(image, _at(x, y))
    order = np.argsort(masks.sum((1, 2)), kind="stable")
    np.testing.assert_allclose(answer.logits, logits[order], atol=1e-5 * np.abs(logits).max(), rtol=0)
    np.testing.assert_allclose(answer.predicted_iou, iou[order], atol=1e-5)
    assert (answer.masks == masks[order]).mean() > 0.9999 and answer.masks.shape == (3, *shape)
    assert answer.best == answer.predicted_iou.argmax()
    areas = answer.masks.sum((1, 2))
    assert (np.diff(areas) >= 0).all()


def _predictor(ours: PromptableSam, image: np.ndarray) -> SamPredictor:
    predictor = SamPredictor(ours._sam)
    predictor.set_image(image)
    return predictor


CLEAR = {
    "points": ({"points_xy": POINTS, "point_labels": SIGNS}, {"point_coords": POINTS, "point_labels": SIGNS}),
    "box": ({"box_xyxy": BOX}, {"box": BOX}),
    "points and box": (
        {"points_xy": POINTS, "point_labels": SIGNS, "box_xyxy": BOX},
        {"point_coords": POINTS, "point_labels": SIGNS, "box": BOX},
    ),
}


@pytest.mark.parametrize("kind", CLEAR)
def test_a_clear_prompt_shows_the_single_mask_first(kind: str, segmenter: PromptableSam, picture: np.ndarray) -> None:
    given, theirs = CLEAR[kind]
    masks, iou, logits = _predictor(segmenter, picture).predict(**theirs, multimask_output=False)
    answer = segmenter.prompt(picture, Prompt(**given))
    np.testing.assert_allclose(answer.logits[answer.best], logits[0], atol=1e-5 * np.abs(logits).max(), rtol=0)
    np.testing.assert_allclose(answer.predicted_iou[answer.best], iou[0], atol=1e-5)
    assert (answer.masks[answer.best] == masks[0]).mean() > 0.9999
    _, level_iou, _ = _predictor(segmenter, picture).predict(**theirs, multimask_output=True)
    others = np.delete(answer.predicted_iou, answer.best)
    assert all(np.abs(level_iou - other).min() < 1e-5 for other in others)


def test_an_answer_fed_back_equals_sam_predictor(segmenter: PromptableSam, picture: np.ndarray) -> None:
    first = segmenter.prompt(picture, _at(60, 70))
    again = Prompt(POINTS, SIGNS, mask_logits=first.logits[first.best])
    _, iou, logits = _predictor(segmenter, picture).predict(
        POINTS, SIGNS, mask_input=first.logits[first.best][None], multimask_output=False
    )
    second = segmenter.prompt(picture, again)
    np.testing.assert_allclose(second.logits[second.best], logits[0], atol=1e-4 * np.abs(logits).max(), rtol=0)
    np.testing.assert_allclose(second.predicted_iou[second.best], iou[0], atol=1e-4)


# Many prompts.


def test_many_prompts_equal_one_by_one(segmenter: PromptableSam, picture: np.ndarray) -> None:
    prompts = [
        _at(100, 50),
        Prompt(box_xyxy=BOX),
        _at(20, 120),
        Prompt(POINTS, SIGNS),
        Prompt(POINTS[:1], SIGNS[:1], BOX),
        Prompt(box_xyxy=BOX / 2),
    ]
    steps: list[Step] = []
    found = segmenter.prompt_many(picture, prompts, job=Job(steps.append))
    rows, columns = found.logits.shape[1:]
    for index, prompt in enumerate(prompts):
        alone = segmenter.prompt(picture, prompt)
        wanted = alone.logits[alone.best, :rows, :columns]
        np.testing.assert_allclose(found.logits[index], wanted, atol=1e-5 * np.abs(wanted).max(), rtol=0)
        assert found.predicted_iou[index] == pytest.approx(alone.predicted_iou[alone.best], abs=1e-5)
        assert (found.full([index])[0] == alone.masks[alone.best]).mean() > 0.98  # the padding's neighbours
    assert found.size_hw == picture.shape[:2] and found.point_xy[0].tolist() == [100, 50]
    assert np.isnan(found.point_xy[[1, 3, 5]]).all() and found.stability.min() >= 0
    assert steps[-1].total == 6 and steps[-1].unit == "prompts"
    assert len(segmenter.prompt_many(picture, [])) == 0


# Embeddings.


def test_a_picture_is_encoded_once_and_four_are_kept(segmenter: PromptableSam) -> None:
    encoded: list[int] = []
    handle = segmenter._sam.image_encoder.register_forward_hook(lambda *_: encoded.append(1))
    segmenter.cache.clear()
    try:
        pictures = [tiny_sam.picture(seed=seed) for seed in range(KEPT_PICTURES + 1)]
        for image in pictures[:KEPT_PICTURES]:
            segmenter.embed(image)
        segmenter.prompt(pictures[0].copy(), _at(3, 3))
        segmenter.prompt_many(pictures[1], [_at(3, 3), _at(9, 9)])
        assert len(encoded) == KEPT_PICTURES
        segmenter.embed(pictures[-1])
        segmenter.embed(pictures[2])  # the least recently used, gone
        assert len(encoded) == KEPT_PICTURES + 2
    finally:
        handle.remove()
        segmenter.cache.clear()


def test_features_are_the_embedding_without_its_padding(segmenter: PromptableSam, picture: np.ndarray) -> None:
    features = segmenter.features(picture)
    predictor = _predictor(segmenter, picture)
    assert features.shape == (6, 8, 32)  # 150 x 213 lies in 90 x 128 of 128 x 128 px
    np.testing.assert_allclose(features, predictor.features[0, :, :6].permute(1, 2, 0).numpy(), atol=1e-6)


def test_threads_get_their_own_answers(segmenter: PromptableSam) -> None:
    pictures = [tiny_sam.picture(seed=seed) for seed in range(3)]
    wanted = [segmenter.prompt(image, _at(40, 40)).logits for image in pictures]
    segmenter.cache.clear()
    found: dict[int, np.ndarray] = {}

    def ask(index: int) -> None:
        found[index] = segmenter.prompt(pictures[index % 3], _at(40, 40)).logits

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((found[index] == wanted[index % 3]).all() for index in range(6))


def test_cancel_is_heard_inside_the_encoder(segmenter: PromptableSam) -> None:
    job, layers = Job(), []
    blocks = segmenter._sam.image_encoder.blocks
    handle = blocks[0].register_forward_hook(lambda *_: (layers.append(1), job.cancel()))
    segmenter.cache.clear()
    try:
        with pytest.raises(Cancelled):
            segmenter.prompt(tiny_sam.picture(seed=9), _at(5, 5), job=job)
    finally:
        handle.remove()
    assert len(layers) == 1 and len(segmenter.cache) == 0
    assert segmenter.prompt(tiny_sam.picture(seed=9), _at(5, 5)).masks.any()  # the device is free again


# What is refused.


@pytest.mark.parametrize(
    "prompt, words",
    [
        (Prompt(), "no point and no box"),
        (_at(213.5, 20), r"The point \(214, 20\) lies outside the picture of 213 x 150 pixels"),
        (_at(-1, 20), "lies outside"),
        (_at(float("nan"), 20), "lies outside"),
        (Prompt(box_xyxy=np.array([10, 10, 10, 90], np.float32)), "The box is empty"),
        (Prompt(box_xyxy=np.array([10, 10, 300, 90], np.float32)), r"\(300, 90\) lies outside"),
        (Prompt(np.ones((500, 2), np.float32), np.ones(500, int)), "These are 500 points; at most 256"),
    ],
)
def test_bad_prompts_are_sentences(prompt: Prompt, words: str, segmenter: PromptableSam, picture: np.ndarray) -> None:
    with pytest.raises(InputError, match=words):
        segmenter.prompt(picture, prompt)
    with pytest.raises(InputError, match=words):
        segmenter.prompt_many(picture, [_at(3, 3), prompt])


@pytest.mark.parametrize(
    "prompt, words",
    [
        (Prompt(POINTS, SIGNS[:2]), "3 points need 3 labels"),
        (Prompt(POINTS, SIGNS + 1), "3 points need 3 labels of 1 or 0"),
        (Prompt(POINTS.T, SIGNS[:2]), r"points are \(P, 2\)"),
        (Prompt(box_xyxy=BOX[:3]), r"a box is \(4,\)"),
        (Prompt(POINTS, SIGNS, mask_logits=np.zeros((8, 8), np.float32)), r"mask_logits are \(32, 32\)"),
    ],
)
def test_wrong_shapes_are_the_callers_fault(
    prompt: Prompt, words: str, segmenter: PromptableSam, picture: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=words):
        segmenter.prompt(picture, prompt)


@pytest.mark.parametrize(
    "image",
    [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8)],
)
def test_what_is_not_rgb_is_refused(image: np.ndarray, segmenter: PromptableSam) -> None:
    with pytest.raises(ValueError, match=r"a picture is \(H, W, 3\) uint8"):
        segmenter.embed(image)


def test_many_points_and_a_one_pixel_picture(segmenter: PromptableSam, picture: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    points = (rng.random((256, 2)) * (213, 150)).astype(np.float32)
    assert segmenter.prompt(picture, Prompt(points, rng.integers(0, 2, 256))).masks.shape == (3, 150, 213)
    assert segmenter.prompt(np.zeros((1, 1, 3), np.uint8), _at(0, 0)).masks.shape == (3, 1, 1)
