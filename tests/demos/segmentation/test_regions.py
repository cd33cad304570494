"""The puzzle of masks: cells against brute force, nesting of boxes, inner points and boxes of known shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from core.errors import Cancelled
from core.tasks import Job
from demos.segmentation.regions import boxes_of_values, inner_points, levels_of, puzzle_of, without_islands

STACKS = st.tuples(st.integers(0, 5), st.integers(1, 7), st.integers(1, 8)).flatmap(lambda shape: arrays(bool, shape))


def box(left: int, top: int, right: int, bottom: int, size_hw: tuple[int, int] = (40, 50)) -> NDArray[np.bool_]:
    mask = np.zeros(size_hw, bool)
    mask[top:bottom, left:right] = True
    return mask


@settings(max_examples=200, deadline=None)
@given(STACKS)
def test_cells_say_what_the_masks_say(masks: NDArray[np.bool_]) -> None:
    puzzle = puzzle_of(masks, masks.shape[1:])
    for n, mask in enumerate(masks):
        assert (puzzle.inside[:, n][puzzle.cell_map] == mask).all()
    assert (np.bincount(puzzle.cell_map.ravel(), minlength=len(puzzle.area_px)) == puzzle.area_px).all()
    flat = masks.reshape(len(masks), masks[0].size if len(masks) else 0).astype(np.int64)
    assert (puzzle.shared_px == flat @ flat.T).all() and (puzzle.mask_px == flat.sum(axis=1)).all()
    kinds = {tuple(row) for row in flat.T} or {()}
    assert (puzzle.area_px > 0).sum() == len(kinds)  # as many cells as there are kinds of pixels


@settings(max_examples=60, deadline=None)
@given(STACKS)
def test_boxes_and_cut_masks_fit(masks: NDArray[np.bool_]) -> None:
    puzzle = puzzle_of(masks, masks.shape[1:])
    for n, mask in enumerate(masks):
        left, top, right, bottom = puzzle.boxes_xyxy[n]
        again = np.zeros_like(mask)
        again[top:bottom, left:right] = puzzle.mask_in_box(n)
        assert (again == mask).all()
        if mask.any():
            assert (bottom - top, right - left) == puzzle.mask_in_box(n).shape
            assert puzzle.mask_in_box(n).any(axis=0)[[0, -1]].all() and puzzle.mask_in_box(n).any(axis=1)[[0, -1]].all()


def test_painting_gives_pixels_their_cells_value() -> None:
    puzzle = puzzle_of([box(0, 0, 20, 40), box(10, 0, 30, 40)], (40, 50))
    values = np.arange(len(puzzle.area_px), dtype=np.int32) * 10
    assert (puzzle.painted(values) == puzzle.cell_map * 10).all() and puzzle.painted(values).dtype == np.int32


def test_nesting_finds_the_smallest_whole() -> None:
    masks = [box(0, 0, 50, 40), box(5, 5, 35, 35), box(10, 10, 20, 20), box(36, 5, 49, 20), box(10, 10, 21, 20)]
    puzzle = puzzle_of(masks, (40, 50))
    assert puzzle.parents.tolist() == [-1, 0, 1, 0, 1]  # twins of the same size are no parents of each other
    assert levels_of(puzzle.parents) == ("whole", "part", "subpart", "part", "subpart")


def test_a_part_that_sticks_out_too_far_is_no_part() -> None:
    whole = box(0, 0, 30, 40)
    assert puzzle_of([whole, box(28, 0, 38, 10)], (40, 50)).parents.tolist() == [-1, -1]
    assert puzzle_of([whole, box(21, 0, 31, 10)], (40, 50)).parents.tolist() == [-1, 0]  # 90 % inside


def test_cancel_is_heard_between_masks() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        puzzle_of([box(0, 0, 5, 5)], (40, 50), job=job)


def test_inner_points_lie_deep_inside() -> None:
    ids = np.zeros((60, 80), np.int32)
    ids[10:50, 10:50] = 1
    ids[15:45, 15:45] = 2  # leaves a frame five pixels wide to region 1
    ids[5, 70] = 3
    points = inner_points(ids, 4)
    assert [ids[y, x] for x, y in points[:3]] == [1, 2, 3] and points[3].tolist() == [0, 0]
    assert abs(points[1] - 29.5).max() <= 1.5


def test_inner_points_of_a_large_picture_find_small_regions_too() -> None:
    ids = np.zeros((1500, 2000), np.int32)
    ids[100:900, 300:1500] = 1
    ids[1203, 1717] = 2
    points = inner_points(ids, 2, most_px=256)
    assert points[1].tolist() == [1717, 1203]
    assert 300 <= points[0][0] < 1500 and 450 < points[0][1] < 550


def test_boxes_of_values() -> None:
    ids = np.zeros((6, 8), np.int32)
    ids[1:3, 2:5], ids[5, 7] = 1, 3
    assert boxes_of_values(ids, 3).tolist() == [[2, 1, 5, 3], [0, 0, 0, 0], [7, 5, 8, 6]]


def test_border_shares_count_the_outermost_pixels() -> None:
    whole, left, inner = np.ones((4, 6), bool), np.zeros((4, 6), bool), np.zeros((4, 6), bool)
    left[:, :2], inner[1:3, 1:5] = True, True
    np.testing.assert_allclose(puzzle_of([whole, left, inner], (4, 6)).border_shares, [1.0, 6 / 16, 0.0])
    assert puzzle_of([], (4, 6)).border_shares.shape == (0,)
    assert puzzle_of([np.ones((2, 2), bool)], (2, 2)).border_shares.tolist() == [1.0]


def test_small_pieces_go_and_large_ones_stay() -> None:
    logits = np.full((2, 8, 12), -2.0, np.float32)
    logits[0, 1:5, 1:6] = 3.0  # 20 cells
    logits[0, 6, 8] = 1.5  # one
    logits[0, 0:4, 9:11] = 2.0  # eight
    seen = without_islands(logits)
    assert (seen[0] > 0).sum() == 28 and seen[0, 6, 8] == -1.5
    logits[0, 6, 8] = -1.5
    np.testing.assert_array_equal(seen, logits)
    assert without_islands(np.zeros((0, 4, 4), np.float32)).shape == (0, 4, 4)
