"""The loops over the pixels against NumPy and SciPy, step by step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.ndimage import label

from demos.segmentation.dense import guided_coefficients, named_pixels, share_matrix
from demos.segmentation.labelling import pieces
from demos.segmentation.pixel_loops import number_pieces
from demos.segmentation.scores import Scores, named

RNG = np.random.default_rng(5)


def slow(
    maps: NDArray[np.float32], rgb: NDArray[np.uint8], thresholds: NDArray[np.float32], margin: float, guided: bool
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The same by whole arrays, and where no decision is nearer than rounding can tell."""
    height, width = rgb.shape[:2]
    fields = maps[..., None, :]
    if guided:
        down, across = share_matrix(height, maps.shape[0]), share_matrix(width, maps.shape[1])
        guide = rgb.astype(np.float32) / np.float32(255)  # a picture this small is its own small picture
        fine = np.einsum("Hh,hwk,Ww->HWk", down, maps, across).astype(np.float32)
        fields = guided_coefficients(guide, fine, radius=max(5, round(max(height, width) / max(maps.shape[:2]) / 2)))
    down, across = share_matrix(height, fields.shape[0]), share_matrix(width, fields.shape[1])
    drawn = np.einsum("Hh,hwjk,Ww->HWjk", down, fields, across)
    if guided:
        drawn = (drawn * np.concatenate([guide, np.ones((height, width, 1))], axis=2)[..., None]).sum(axis=2)
    drawn = np.clip(drawn.reshape(height, width, -1), 0, 1).astype(np.float32)
    found = named(Scores(drawn[..., :-1], drawn[..., :-1], drawn[..., -1]), thresholds, margin)
    words = np.sort(drawn[..., :-1], axis=-1)
    best = drawn[..., :-1].argmax(axis=-1)
    gaps = [words[..., -1] - thresholds[best], words[..., -1] - drawn[..., -1]]
    if words.shape[-1] > 1:
        gaps += [words[..., -1] - words[..., -2], words[..., -1] - words[..., -2] - margin]
    return found, np.abs(gaps).min(axis=0) > 1e-4


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("margin", [0.0, 0.1])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_pixels_are_named_as_whole_maps_would_be(guided: bool, margin: float, count: int) -> None:
    maps = RNG.random((4, 5, count + 1)).astype(np.float32)
    rgb = RNG.integers(0, 256, (37, 51, 3), dtype=np.uint8)
    thresholds = RNG.uniform(0.2, 0.6, count).astype(np.float32)
    fast = named_pixels(maps, rgb, thresholds, margin, guided=guided)
    truth, is_clear = slow(maps, rgb, thresholds, margin, guided)
    assert is_clear.mean() > 0.9 and len(np.unique(truth)) > 1
    np.testing.assert_array_equal(fast[is_clear], truth[is_clear])


def test_a_map_as_fine_as_the_picture_is_read_as_it_is() -> None:
    maps = RNG.random((6, 7, 4)).astype(np.float32)
    rgb = np.zeros((6, 7, 3), np.uint8)
    zeros = np.zeros(3, np.float32)
    found = named(Scores(maps[..., :-1], maps[..., :-1], maps[..., -1]), zeros, 0.0)
    np.testing.assert_array_equal(named_pixels(maps, rgb, zeros, 0.0, guided=False), found)


MAPS = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2))


@settings(max_examples=80, deadline=None)
@given(MAPS)
def test_pieces_are_those_of_scipy(values: NDArray[np.uint8]) -> None:
    out = np.empty(values.shape, np.int32)
    count = number_pieces(values, out)
    truth, total = np.zeros(values.shape, np.int64), 0
    for value in range(3):
        found, more = label(values == value)
        truth += np.where(found > 0, found + total, 0)
        total += more
    assert count == total == len(np.unique(out * (total + 1) + truth))  # one to one
    first = [int(np.flatnonzero(out.ravel() == n)[0]) for n in range(count)]
    assert first == sorted(first)


@settings(max_examples=80, deadline=None)
@given(MAPS, st.integers(1, 5))
def test_regions_fall_with_their_area(values: NDArray[np.uint8], least_px: int) -> None:
    region_map, labels = pieces(values, least_px)
    area = np.bincount(region_map.ravel(), minlength=len(labels) + 1)[1:]
    assert (np.diff(area) <= 0).all() and (area >= least_px).all()
    for n, owner in enumerate(labels, 1):
        assert (values[region_map == n] == owner).all()
    sizes = [np.bincount(label(values == value)[0].ravel())[1:] for value in range(3)]
    assert sorted(np.concatenate(sizes)[np.concatenate(sizes) >= least_px].tolist(), reverse=True) == area.tolist()
