"""The synthetic backlight takes just the light that it says, in linear light."""

from __future__ import annotations

import numpy as np
import pytest

from core.backlight import darkened, drawn_mask, to_display, to_linear


def test_the_srgb_curve_at_known_points_and_back() -> None:
    np.testing.assert_allclose(to_linear(np.array([0, 0.5, 1], np.float32)), [0, 0.21404, 1], atol=1e-5)
    values = np.linspace(0, 1, 500, dtype=np.float32)
    np.testing.assert_allclose(to_display(to_linear(values)), values, atol=1e-5)


def test_darkening_takes_stops_of_linear_light() -> None:
    rgb = np.full((200, 200, 3), 0.7, np.float32)
    mask = np.zeros((200, 200), np.float32)
    mask[:, 100:] = 1
    made = to_linear(darkened(rgb, mask, 2.0, np.random.default_rng(0)))
    whole = float(to_linear(np.float32([0.7]))[0])
    assert made[:, :100].mean() == pytest.approx(whole, rel=0.01)
    assert made[:, 100:].mean() == pytest.approx(whole / 4, rel=0.01)
    assert made[:, 100:].std() > 0.001


def test_masks_are_soft_and_of_some_size() -> None:
    rng = np.random.default_rng(1)
    masks = [drawn_mask(40, 60, rng) for _ in range(40)]
    shares = np.array([mask.mean() for mask in masks])
    assert all(mask.min() >= 0 and mask.max() <= 1 for mask in masks)
    assert 0.15 < shares.mean() < 0.7 and shares.min() > 0.001
