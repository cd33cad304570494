"""Cut-outs: squares with known pixels, whatever is outside hidden as the kind says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from demos.segmentation.crops import MAX_PX, MEAN_RGB, RIM_SHARE, cut_out, kinds_of, windows_around
from demos.segmentation.options import CROPS

RED, GREEN = (200, 10, 20), (30, 140, 60)


def _scene(height: int = 100, width: int = 140) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A red rectangle of 40 x 20 pixels on green; the picture and the mask within its box."""
    rgb = np.full((height, width, 3), GREEN, np.uint8)
    rgb[40:60, 50:90] = RED
    return rgb, np.ones((20, 40), bool)


@pytest.mark.parametrize("kind", [kind for kind in CROPS if kind != "both"])
def test_a_cut_out_is_a_square_around_the_thing(kind: str) -> None:
    rgb, mask = _scene()
    seen = cut_out(rgb, mask, (50, 40), kind)  # type: ignore[arg-type]
    assert seen.shape[0] == seen.shape[1] >= 40 and seen.dtype == np.uint8
    middle = seen.shape[0] // 2
    assert seen[middle, middle].tolist() == list(RED)


def test_local_mean_paints_the_outside_in_its_own_colour_and_leaves_a_rim() -> None:
    rgb, mask = _scene()
    rgb[:, 100:] = 255  # beyond the cut-out, of no account
    seen = cut_out(rgb, mask, (50, 40), "local-mean")
    side = seen.shape[0]
    assert side == 48 and seen[2, 2].tolist() == list(GREEN)
    mask[:, 20:] = False  # the right half of the thing is not in the mask
    half = cut_out(rgb, mask, (50, 40), "local-mean")
    rim = round(RIM_SHARE * side)
    assert half[side // 2, 24 + rim - 1].tolist() == list(RED), "the rim shows what is there"
    beyond = half[side // 2, 24 + rim + 1].tolist()
    assert beyond not in (list(RED), list(GREEN)) and GREEN[0] < beyond[0] < RED[0], "the mean of both"
    assert half[2, 2].tolist() == beyond


def test_a_thing_that_fills_the_picture_has_no_outside() -> None:
    rgb = np.full((30, 30, 3), RED, np.uint8)
    seen = cut_out(rgb, np.ones((30, 30), bool), (0, 0), "local-mean")
    assert seen[seen.shape[0] // 2, 15].tolist() == list(RED) and seen[0, 0].tolist() == list(MEAN_RGB)


def test_masked_mean_hides_and_box_shows() -> None:
    rgb, mask = _scene()
    mask[:, 20:] = False
    assert cut_out(rgb, mask, (50, 40), "masked-mean")[20, 30].tolist() == list(MEAN_RGB)
    assert cut_out(rgb, mask, (50, 40), "box")[23, 30].tolist() == list(RED)
    blurred = cut_out(rgb, mask, (50, 40), "blur")[12, 30].tolist()  # at the thing's edge, outside the mask
    assert GREEN[0] < blurred[0] < RED[0]


def test_large_regions_are_made_smaller_and_thin_ones_survive() -> None:
    rgb = np.zeros((1500, 2000, 3), np.uint8)
    assert max(cut_out(rgb, np.ones((1400, 1800), bool), (10, 10), "local-mean").shape) <= 2 * MAX_PX
    for shape in ((1, 1), (1, 300), (300, 1)):
        seen = cut_out(rgb, np.ones(shape, bool), (1990 - shape[1], 5), "local-mean")
        assert seen.shape[0] == seen.shape[1] >= 1


def test_both_is_box_and_painted() -> None:
    assert kinds_of("both") == ("box", "masked-mean") and kinds_of("local-mean") == ("local-mean",)


def test_windows_keep_within_the_picture_and_hide_nothing() -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (100, 140, 3), dtype=np.uint8)
    boxes = np.array([[50, 40, 90, 60], [120, 80, 140, 100], [0, 0, 140, 100], [7, 7, 8, 8]])
    windows = windows_around(rgb, boxes)
    places = [(26, 46, 48), (76, 116, 24), (0, 20, 100), (0, 0, 16)]  # top, left, side
    for window, (top, left, side) in zip(windows, places, strict=True):
        np.testing.assert_array_equal(window, rgb[top : top + side, left : left + side])
    large = windows_around(np.zeros((1200, 1300, 3), np.uint8), np.array([[100, 100, 1200, 1100]]))
    assert large[0].shape == (600, 600, 3)
