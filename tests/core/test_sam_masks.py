"""Geometry of masks: growing equals torch twice, boxes and suppression equal slow twins, memory is bounded."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from core.sam_masks import Frame, MaskSet, box_survivors, boxes_of, grown

SIZES = [(150, 213), (213, 150), (64, 64), (480, 640), (37, 400), (1, 90), (50, 3)]


def _smooth(rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
    """Blobs: low-frequency noise, (count, height, width) float32."""
    coarse = torch.from_numpy(rng.standard_normal((1, count, 4, 5)).astype(np.float32))
    return interpolate(coarse, (height, width), mode="bicubic")[0].numpy() * 4


def _set(logits: np.ndarray, size_hw: tuple[int, int], frame: Frame | None = None) -> MaskSet:
    count = len(logits)
    rows = np.zeros((count, 4), np.float32)
    return MaskSet(size_hw, logits, np.zeros(count, np.float32), np.zeros(count, np.float32), rows, rows[:, :2], frame)


@pytest.mark.parametrize("size_hw", SIZES)
def test_growing_equals_the_two_resizings_of_segment_anything(
    size_hw: tuple[int, int], rng: np.random.Generator
) -> None:
    frame = Frame(size_hw, side_px=128, low_px=32)
    logits = _smooth(rng, 3, 32, 32)
    square = interpolate(torch.from_numpy(logits)[None], (128, 128), mode="bilinear", align_corners=False)
    height, width = frame.input_hw
    wanted = interpolate(square[..., :height, :width], size_hw, mode="bilinear", align_corners=False)[0].numpy()
    rows, columns = frame.growth
    np.testing.assert_allclose(rows @ (logits @ columns.T), wanted, atol=2e-5, rtol=0)
    assert (grown(logits, frame) == (wanted > 0))[np.abs(wanted) > 1e-4].all()


def test_a_picture_fills_the_longer_side() -> None:
    frame = Frame((480, 640), side_px=256, low_px=128)
    assert frame.input_hw == (192, 256) and frame.low_hw == (96, 128)
    assert frame.scale_xy == (0.4, 0.4) and frame.cell_wh_px == (5, 5)
    assert Frame((1, 5000), 256, 128).input_hw == (1, 256)  # and not a picture without rows
    assert Frame((334, 500), 256, 128).low_hw == (86, 128)  # 171 px, half a cell more


@pytest.mark.parametrize("size_hw", SIZES)
def test_masks_cut_to_the_picture_grow_alike_but_at_the_padding(
    size_hw: tuple[int, int], rng: np.random.Generator
) -> None:
    frame = Frame(size_hw, side_px=128, low_px=32)
    logits = _smooth(rng, 4, 32, 32)
    height, width = frame.low_hw
    masks = _set(logits[:, :height, :width].copy(), size_hw, frame)
    whole = grown(logits, frame)
    inner = (slice(None), *(slice(0, max(1, side - 2 * round(max(frame.cell_wh_px)))) for side in size_hw))
    assert (masks.full()[inner] == whole[inner]).mean() > 0.9999 or min(size_hw) < 4
    assert masks.full().shape == (4, *size_hw) and masks.full([2, 0]).shape == (2, *size_hw)
    assert (np.array(list(masks.each_full([3, 1]))) == masks.full([3, 1])).all()


def test_masks_without_a_frame_cover_the_picture(rng: np.random.Generator) -> None:
    logits = _smooth(rng, 2, 24, 32)
    wanted = interpolate(torch.from_numpy(logits)[None], (90, 120), mode="bilinear", align_corners=False)[0].numpy()
    masks = _set(logits, (90, 120))
    assert (masks.full() == (wanted > 0))[np.abs(wanted) > 1e-4].all()
    np.testing.assert_allclose(masks.area_px, masks.full().sum((1, 2)), rtol=0.03)


def test_empty_and_full_masks_and_empty_sets() -> None:
    logits = np.stack([np.full((8, 8), -3, np.float32), np.full((8, 8), 3, np.float32)])
    masks = _set(logits, (50, 50), Frame((50, 50), 16, 8))
    assert [mask.mean() for mask in masks.full()] == [0, 1] and masks.area_px.tolist() == [0, 2500]
    none = masks.take([])
    assert len(none) == 0 and none.full().shape == (0, 50, 50) and (none.painted() == -1).all()
    assert len(masks.take(np.array([True, False]))) == 1 and len(masks.take([1, 1, 0])) == 3


def test_painting_puts_the_last_on_top(rng: np.random.Generator) -> None:
    masks = _set(_smooth(rng, 5, 30, 40), (61, 83), Frame((61, 83), 80, 40))
    full = masks.full()
    for order in (None, [3, 0, 4]):
        wanted = np.full((61, 83), -1)
        for row in [4, 3, 2, 1, 0] if order is None else order:
            wanted[full[row]] = row
        assert (masks.painted(order) == wanted).all()


def test_twelve_megapixels_need_one_mask_at_a_time(rng: np.random.Generator) -> None:
    frame = Frame((3000, 4000), 256, 128)
    masks = _set(_smooth(rng, 60, *frame.low_hw), (3000, 4000), frame)
    tracemalloc.start()
    painted = masks.painted()
    peak_mib = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    assert painted.max() > 0 and peak_mib < 250  # 46 of them are the map of ids itself
    with pytest.raises(ValueError, match="60 masks of 4000 x 3000 px do not fit into 512 MiB"):
        masks.full()


# Boxes.


@pytest.mark.parametrize("size_hw", [(480, 640), (640, 480), (150, 213)])
def test_boxes_are_those_of_the_grown_masks(size_hw: tuple[int, int], rng: np.random.Generator) -> None:
    frame = Frame(size_hw, side_px=256, low_px=128)
    logits = _smooth(rng, 12, *frame.low_hw)
    boxes, full = boxes_of(logits, frame), _set(logits, size_hw, frame).full()
    for box, mask in zip(boxes, full, strict=True):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        wanted = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        np.testing.assert_allclose(box, wanted, atol=0.5 + 0.2 * max(frame.cell_wh_px))


def test_a_box_is_read_between_cells() -> None:
    frame = Frame((80, 80), side_px=80, low_px=8)  # cells of 10 px, centres at 5, 15, ...
    logits = np.full((4, 8, 8), -1.0, np.float32)
    logits[0, 2:5, 3:6] = 1.0  # crosses zero half-way between centres: 20 to 50 down, 30 to 60 across
    logits[1, 2:5, 3:6] = 3.0  # a quarter of a step further out
    logits[2] = 1.0
    boxes = boxes_of(logits, frame)
    np.testing.assert_allclose(boxes[0], [30, 20, 60, 50], atol=1e-4)
    np.testing.assert_allclose(boxes[1], [27.5, 17.5, 62.5, 52.5], atol=1e-4)
    np.testing.assert_allclose(boxes[2], [0, 0, 80, 80])
    assert (boxes[3] == 0).all() and boxes_of(logits[:0], frame).shape == (0, 4)


def test_a_speck_that_vanishes_does_not_stretch_a_box() -> None:
    frame = Frame((80, 80), side_px=80, low_px=8)
    logits = np.full((2, 8, 8), -1.0, np.float32)
    logits[0, 2:5, 3:6] = 1.0
    logits[:, 6, 1] = 0.2
    np.testing.assert_allclose(boxes_of(logits, frame)[0], [30, 20, 60, 50], atol=1e-4)
    assert (boxes_of(logits, frame)[1] == 0).all()


# Suppression.


def _slow_survivors(boxes: np.ndarray, scores: np.ndarray, limit: float) -> list[int]:
    """The definition, with a list."""
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all(_iou(boxes[index], boxes[other]) <= limit for other in kept):
            kept.append(index)
    return kept


def _iou(one: np.ndarray, two: np.ndarray) -> float:
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((one[2] - one[0]) * (one[3] - one[1]) + (two[2] - two[0]) * (two[3] - two[1]) - shared)


BOX = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 8), st.integers(1, 8))


@settings(deadline=None)
@given(st.lists(st.tuples(BOX, st.integers(0, 4)), max_size=25), st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_suppression_equals_its_definition(rows: list[tuple[tuple[int, int, int, int], int]], limit: float) -> None:
    boxes = np.array([[x, y, x + w, y + h] for (x, y, w, h), _ in rows], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in rows], np.float32)
    assert box_survivors(boxes, scores, limit).tolist() == _slow_survivors(boxes, scores, limit)


def test_suppression_equals_torchvision(rng: np.random.Generator) -> None:
    from torchvision.ops import nms

    corner = rng.random((400, 2)) * 50
    boxes = np.concatenate([corner, corner + 5 + rng.random((400, 2)) * 40], 1).astype(np.float32)
    scores = rng.random(400).astype(np.float32)
    assert box_survivors(boxes, scores, 0.7).tolist() == nms(*map(torch.from_numpy, (boxes, scores)), 0.7).tolist()
