"""A small map at every pixel of a photo: box means, the guided filter and resampling against slow twins."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.light_field import box_mean, guided, luma_of, network_field, resampled


def test_box_mean_is_the_mean_of_windows() -> None:
    cells = np.random.default_rng(0).random((7, 9), np.float32)
    means = box_mean(cells, 2)
    for y in range(7):
        for x in range(9):
            window = cells[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
            assert means[y, x] == pytest.approx(window.mean(), rel=1e-5)


def test_guided_filter_against_its_definition() -> None:
    rng = np.random.default_rng(1)
    guide, target = rng.random((8, 10)).astype(np.float32), rng.random((8, 10)).astype(np.float32)
    slope, offset = guided(guide, target, radius=1, eps=0.01)
    a, b = np.zeros((8, 10)), np.zeros((8, 10))
    for y in range(8):
        for x in range(10):
            window = np.s_[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
            g, t = guide[window].astype(float), target[window].astype(float)
            a[y, x] = ((g * t).mean() - g.mean() * t.mean()) / (g.var() + 0.01)
            b[y, x] = t.mean() - a[y, x] * g.mean()
    np.testing.assert_allclose(slope, box_mean(a.astype(np.float32), 1), atol=2e-5)
    np.testing.assert_allclose(offset, box_mean(b.astype(np.float32), 1), atol=2e-5)


def test_resampling_is_pillows_bilinear_where_it_grows() -> None:

    cells = np.random.default_rng(2).random((5, 7), np.float32)
    grown = resampled(cells, np.arange(33), 33, 41)
    expected = np.asarray(Image.fromarray(cells).resize((41, 33), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(grown, expected, atol=1e-5)


def test_a_network_s_field_is_its_map_where_the_photo_is_flat() -> None:
    light = np.full((5, 7), 0.4, np.float32)
    flat = np.full((50, 70, 3), 90, np.uint8)
    found = network_field(luma_of(flat[:5, :7]), light).at(luma_of(flat), 0, 50)
    assert found.shape == (50, 70) and np.allclose(found, 0.4, atol=1e-5)
    beyond = network_field(luma_of(flat[:5, :7]), light * 0).at(luma_of(flat), 0, 50)
    assert float(beyond.min()) > 0.029  # what is divided by is never nothing
