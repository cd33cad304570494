"""Dense features: pooling and its oracles, drawing out, and the guided filter against its formula."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from core.calibration import unit_rows
from core.images import Picture
from core.tasks import Job
from demos.segmentation.clicks import region_embedding
from demos.segmentation.dense import (
    covers,
    guided_coefficients,
    named_pixels,
    pooled,
    read_at,
    share_matrix,
)
from demos.segmentation.features import WINDOW_WEIGHT, dense_grid, mask_features, region_features
from demos.segmentation.options import WAYS, SegmentOptions, Way
from demos.segmentation.regions import puzzle_of
from tests.demos.segmentation.test_pipeline import DenseStub
from tests.stub_model import halves

RNG = np.random.default_rng(5)
GRID = unit_rows(RNG.standard_normal((6, 8, 5)).astype(np.float32))


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2)),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
)
def test_covers_sum_to_one_in_every_cell(values: NDArray[np.int32], grid_hw: tuple[int, int]) -> None:
    found = covers(values, 3, grid_hw)
    assert found.shape == (3, *grid_hw)
    np.testing.assert_allclose(found.sum(axis=0), 1.0, rtol=1e-6)


def test_covers_are_the_mean_of_each_tile() -> None:
    mask = RNG.random((24, 40)) < 0.5
    found = covers(mask.astype(np.int32), 2, (6, 8))[1]
    np.testing.assert_allclose(found, mask.reshape(6, 4, 8, 5).mean(axis=(1, 3)), rtol=1e-6)


def test_the_whole_picture_gives_the_mean_of_its_cells_and_one_cell_itself() -> None:
    everything, one = np.ones((1, 6, 8), np.float32), np.zeros((1, 6, 8), np.float32)
    one[0, 2, 3] = 0.6
    np.testing.assert_allclose(pooled(GRID, everything)[0], unit_rows(GRID.mean(axis=(0, 1))[None])[0], atol=1e-6)
    np.testing.assert_allclose(pooled(GRID, one)[0], GRID[2, 3], atol=1e-6)


def test_pooling_is_the_weighted_mean() -> None:
    weights = RNG.random((3, 6, 8)).astype(np.float32)
    expected = np.einsum("nhw,hwd->nd", weights, GRID) / weights.sum((1, 2))[:, None]
    np.testing.assert_allclose(pooled(GRID, weights), unit_rows(expected.astype(np.float32)), atol=1e-5)
    assert not pooled(GRID, np.zeros((1, 6, 8), np.float32)).any()


class _Windowed(DenseStub):
    """A ConvNet's answer: the picture read through windows, here one that shows all of it; notes what it was asked."""

    reads_windows = True

    def __init__(self) -> None:
        super().__init__()
        self.sides_px: list[int] = []
        self.windows: list[NDArray[np.uint8]] = []

    def encode_windows(self, image: NDArray[np.uint8], *, size_px: int, job: Job | None = None) -> NDArray:
        self.sides_px.append(size_px)
        grid: NDArray = self.encode_patches(image, size_px=size_px, job=job)
        return grid

    def encode_images(self, images: Sequence[NDArray[np.uint8]], *, job: Job | None = None) -> NDArray[np.float32]:
        self.windows += images
        return super().encode_images(images, job=job)


@pytest.mark.parametrize("way", WAYS)
def test_a_picture_is_read_at_one_size_whatever_the_way(way: Way) -> None:
    model = _Windowed()
    dense_grid(np.zeros((40, 60, 3), np.uint8), SegmentOptions(way=way), clip=model)
    dense_grid(np.zeros((40, 60, 3), np.uint8), SegmentOptions(way=way, dense_px=48), clip=model)
    assert model.sides_px == [96, 48]


def test_a_mask_is_described_by_its_cells_and_by_the_window_around_it() -> None:
    picture = halves("red", "blue", (80, 60))
    mask = np.zeros((60, 80), bool)
    mask[20:30, 30:40] = True  # cell (2, 3)
    model = _Windowed()
    grid = unit_rows(RNG.standard_normal((6, 8, model.dim)).astype(np.float32))
    found = region_features(picture, grid, puzzle_of([mask], (60, 80)), clip=model)
    assert [window.shape for window in model.windows] == [(16, 16, 3)]  # nothing smaller is worth a look
    np.testing.assert_array_equal(model.windows[0], picture[17:33, 27:43])
    window = DenseStub().encode_images(model.windows)
    expected = unit_rows((1 - WINDOW_WEIGHT) * grid[2, 3][None] + WINDOW_WEIGHT * window)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    ground = puzzle_of([~mask], (60, 80))  # holds the whole border: the window around it shows the thing
    cells = mask_features(grid, ground)
    np.testing.assert_allclose(region_features(picture, grid, ground, clip=model), cells, atol=1e-6)
    whole = DenseStub()  # a tower with positions
    np.testing.assert_array_equal(
        region_features(picture, grid, puzzle_of([mask], (60, 80)), clip=whole),
        mask_features(grid, puzzle_of([mask], (60, 80))),
    )


def test_a_mask_too_small_for_the_grid_is_read_at_its_innermost_point() -> None:
    mask = np.zeros((60, 80), bool)
    mask[25, 35] = True  # 1 % of cell (2, 3), whose centre is (25, 35)
    features = mask_features(GRID, puzzle_of([mask], (60, 80)))
    at = read_at(GRID, 35.5 / 80, 25.5 / 60)
    np.testing.assert_allclose(features[0], unit_rows(at[None])[0], atol=1e-5)


def test_reading_between_cells_is_linear() -> None:
    np.testing.assert_allclose(read_at(GRID, 3.5 / 8, 2.5 / 6), GRID[2, 3], atol=1e-6)
    np.testing.assert_allclose(read_at(GRID, 4.0 / 8, 2.5 / 6), (GRID[2, 3] + GRID[2, 4]) / 2, atol=1e-6)
    np.testing.assert_allclose(read_at(GRID, 0.0, 0.0), GRID[0, 0], atol=1e-6)


@pytest.mark.parametrize("size, source", [(1, 1), (5, 1), (12, 4), (4, 12), (7, 3)])
def test_enlarging_agrees_with_torch(size: int, source: int) -> None:
    import torch

    values = RNG.standard_normal((1, 1, source)).astype(np.float32)
    theirs = torch.nn.functional.interpolate(torch.from_numpy(values), size=size, mode="linear")[0, 0].numpy()
    np.testing.assert_allclose(share_matrix(size, source) @ values[0, 0], theirs, atol=1e-5)
    np.testing.assert_allclose(share_matrix(size, source).sum(axis=1), 1.0, rtol=1e-6)


def test_guided_filter_is_a_fit_by_least_squares() -> None:
    guide = RNG.random((9, 9, 3)).astype(np.float32)
    maps = RNG.random((9, 9, 2)).astype(np.float32)
    found = guided_coefficients(guide, maps, radius=4, eps=1e-2)
    # The window around the middle pixel is the whole picture: before the last mean its fit is ridge regression.
    flat, target = guide.reshape(-1, 3), maps.reshape(-1, 2)
    centred = flat - flat.mean(axis=0)
    ridge = centred.T @ centred / len(flat) + 1e-2 * np.eye(3)
    slope = np.linalg.solve(ridge, centred.T @ (target - target.mean(axis=0)) / len(flat))
    alone = guided_coefficients(np.tile(guide.mean((0, 1)), (9, 9, 1)), maps, radius=4, eps=1e-2)
    assert np.abs(alone[4, 4, :3]).max() < 1e-4  # a flat guide has no slope
    one = _middle_fit(guide, maps)
    np.testing.assert_allclose(one[:3], slope, atol=1e-4)
    assert found.shape == (9, 9, 4, 2)


def _middle_fit(guide: NDArray[np.float32], maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """The coefficients of the one window that holds the whole picture: all windows alike on a picture of tiles."""
    tiled_guide, tiled_maps = np.tile(guide, (5, 5, 1)), np.tile(maps, (5, 5, 1))
    return guided_coefficients(tiled_guide, tiled_maps, radius=4, eps=1e-2)[22, 22]


def test_guided_edges_lie_where_the_picture_has_them() -> None:
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[:, 29:] = (250, 200, 40)
    maps = np.zeros((4, 4, 2), np.float32)
    maps[:, 2:, 0] = 1.0  # cells say 32
    maps[..., 1] = 1.0 - maps[..., 0]
    plain, sharp = (named_pixels(maps, rgb, np.full(1, 0.5, np.float32), 0.0, guided=g) == 1 for g in (False, True))
    truth = np.zeros((64, 64), bool)
    truth[:, 29:] = True
    assert (sharp == truth).all() and (plain != truth).any()


def test_boxes_without_a_mask_model() -> None:
    clip, picture = DenseStub(), Picture(halves("red", "blue", (64, 32)))
    boxes = [(0.0, 0.0, 30.0, 32.0), (34.0, 0.0, 64.0, 32.0), (0.0, 0.0, 64.0, 32.0)]
    found = region_embedding(picture, boxes, SegmentOptions(), clip=clip)
    texts = clip.encode_texts(["red", "blue"])
    assert (found[:2] @ texts.T).argmax(axis=1).tolist() == [0, 1]  # CLOC's oracle: two boxes, two names
    grid = clip.encode_patches(picture.rgb)
    np.testing.assert_allclose(found[2], unit_rows(grid.mean((0, 1))[None])[0], atol=1e-6)
    cell = region_embedding(picture, [(8.0, 8.0, 16.0, 16.0)], SegmentOptions(), clip=clip)
    np.testing.assert_allclose(cell[0], grid[1, 1], atol=1e-6)
