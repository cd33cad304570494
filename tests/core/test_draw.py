"""The turbo map and the overlay against known colours."""

from __future__ import annotations

import numpy as np
import pytest

from core.draw import overlay, turbo


def test_turbo_goes_from_dark_blue_over_green_to_dark_red() -> None:
    """The published table at 0, 1/4, 1/2, 3/4, 1; the polynomial is off by up to 32 of 255, most at the dark end."""
    wanted = [[48, 18, 59], [40, 187, 236], [164, 252, 60], [251, 126, 33], [122, 4, 3]]
    found = turbo(np.array([0, 0.25, 0.5, 0.75, 1])).astype(int)
    assert np.abs(found - wanted).max() <= 35
    assert found[1].argmax() == 2 and found[2].argmax() == 1 and found[4].argmax() == 0


def test_turbo_keeps_the_shape_and_survives_anything() -> None:
    assert turbo(np.zeros((3, 4))).shape == (3, 4, 3)
    odd = turbo(np.array([np.nan, -5.0, 7.0, np.inf]))
    assert np.array_equal(odd[:2], turbo(np.array([0.0, 0.0]))) and np.array_equal(odd[2:], turbo(np.array([1.0, 1.0])))


def test_no_heat_is_the_grey_picture_and_full_heat_is_the_colour() -> None:
    rgb = np.full((2, 3, 3), (255, 0, 0), np.uint8)
    cold = overlay(rgb, np.zeros((2, 3)))
    assert (cold == 76).all()  # 0.299 * 255
    hot = overlay(rgb, np.ones((2, 3)), opacity=1.0)
    assert (hot == turbo(np.array(1.0))).all()


def test_overlay_is_a_mixture() -> None:
    rgb = np.full((1, 1, 3), 100, np.uint8)
    mixed = overlay(rgb, np.ones((1, 1)), opacity=0.5).astype(int)
    assert np.abs(mixed[0, 0] - (0.5 * 100 + 0.5 * turbo(np.array(1.0)))).max() <= 1


def test_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"\(2, 2\).*\(2, 3\)"):
        overlay(np.zeros((2, 3, 3), np.uint8), np.zeros((2, 2)))
