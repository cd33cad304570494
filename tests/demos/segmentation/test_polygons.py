"""Outlines: known shapes, and the mask back from its rings by another library's filling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from demos.segmentation.polygons import bridged, rings, signed_area, simplified

MASKS = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def filled(ring: NDArray[np.float64], size_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """skimage's filling; its pixel centres lie on whole numbers, ours on halves."""
    return polygon2mask(size_hw, ring[:, ::-1] - 0.5)


def again(pieces: list[list[NDArray[np.float64]]], size_hw: tuple[int, int]) -> NDArray[np.bool_]:
    out = np.zeros(size_hw, bool)
    for piece in pieces:
        for ring in piece:
            out ^= filled(ring, size_hw)
    return out


def test_a_pixel_is_a_square_clockwise() -> None:
    mask = np.zeros((4, 5), bool)
    mask[1, 2] = True
    ((ring,),) = rings(mask)
    assert signed_area(ring) == 1.0
    assert {tuple(point) for point in ring} == {(2.0, 1.0), (3.0, 1.0), (3.0, 2.0), (2.0, 2.0)}


def test_a_ring_has_a_hole_that_runs_the_other_way() -> None:
    mask = np.ones((5, 7), bool)
    mask[2, 3] = False
    ((outer, hole),) = rings(mask)
    assert signed_area(outer) == 35.0 and signed_area(hole) == -1.0


def test_pixels_that_touch_at_a_corner_are_two_pieces() -> None:
    assert [len(piece) for piece in rings(np.eye(2, dtype=bool))] == [1, 1]


def test_an_island_in_a_hole_is_a_piece_of_its_own() -> None:
    mask = np.zeros((9, 9), bool)
    mask[0:9, 0:9], mask[2:7, 2:7], mask[3:6, 3:6], mask[4, 4] = True, False, True, False
    pieces = rings(mask)
    assert [[abs(signed_area(ring)) for ring in piece] for piece in pieces] == [[81.0, 25.0], [9.0, 1.0]]


def test_nothing_has_no_outline() -> None:
    assert rings(np.zeros((3, 3), bool)) == []


@settings(max_examples=150, deadline=None)
@given(MASKS)
def test_exact_rings_give_the_mask_back(mask: NDArray[np.bool_]) -> None:
    pieces = rings(mask)
    assert (again(pieces, mask.shape) == mask).all()
    assert sum(signed_area(ring) for piece in pieces for ring in piece) == mask.sum()


@settings(max_examples=60, deadline=None)
@given(MASKS)
def test_slits_change_nothing(mask: NDArray[np.bool_]) -> None:
    pieces = rings(mask)
    joined = [[bridged(piece)] for piece in pieces]
    assert sum(signed_area(ring) for (ring,) in joined) == pytest.approx(mask.sum())
    assert (again(joined, mask.shape) == mask).all()


def test_simplified_circle_stays_close() -> None:
    y, x = np.mgrid[:80, :90]
    mask = (x - 44.5) ** 2 + (y - 39.5) ** 2 < 35**2
    ((exact,),) = rings(mask)
    ((ring,),) = rings(mask, tolerance_px=0.75)
    assert len(ring) < len(exact) / 2
    found = filled(ring, mask.shape)
    assert (found & mask).sum() / (found | mask).sum() > 0.97


@settings(max_examples=60, deadline=None)
@given(MASKS, st.floats(0.1, 5.0))
def test_simplified_rings_keep_an_area_and_their_turn(mask: NDArray[np.bool_], tolerance_px: float) -> None:
    for exact, coarse in zip(rings(mask), rings(mask, tolerance_px=tolerance_px), strict=True):
        for before, after in zip(exact, coarse, strict=True):
            assert len(after) >= 3 and signed_area(before) * signed_area(after) > 0
            assert {tuple(p) for p in after} <= {tuple(p) for p in before}


def test_points_on_a_straight_line_go() -> None:
    ring = np.array([(0, 0), (1, 0), (2, 0), (4, 0), (4, 4), (0, 4), (0, 2)], np.float64)
    assert simplified(ring, 0.1).tolist() == [[0, 0], [4, 0], [4, 4], [0, 4]]
