"""Relevancy, smoothing, cuts and votes against the card's formulas, one pixel after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from demos.gaussians.relevancy import (
    box_mean,
    cut_at,
    heat_shares,
    majority,
    mask_of,
    otsu,
    relevancy,
    smoothed,
    stable,
)


def slow_relevancy(positive: float, negatives: list[float], temperature: float) -> float:
    """The least over negatives of the first of two in a softmax."""
    pairs = [np.exp([temperature * positive, temperature * negative]) for negative in negatives]
    return float(min(pair[0] / pair.sum() for pair in pairs))


def slow_box(values: NDArray, size: int) -> NDArray:
    """Each pixel's window of the mirrored picture."""
    before, after = size // 2, size - 1 - size // 2
    wide = np.pad(values.astype(np.float64), ((before, after), (before, after)), mode="reflect")
    height, width = values.shape
    return np.array([[wide[i : i + size, j : j + size].mean() for j in range(width)] for i in range(height)])


def slow_majority(mask: NDArray) -> NDArray:
    """LangSplat's loop: the window's end is cut at the last row and column, which are left out."""
    height, width = mask.shape
    voted = mask.copy()
    for i in range(height):
        for j in range(width):
            square = mask[max(0, i - 3) : min(i + 4, height - 1), max(0, j - 3) : min(j + 4, width - 1)]
            voted[i, j] = np.argmax(np.bincount(square.reshape(-1).astype(int))) if square.size else mask[i, j]
    return voted


def slow_mask(values: NDArray, cut: float) -> NDArray:
    """LangSplat's lines, in float64."""
    output = values.astype(np.float64) - values.min()
    output = output / (output.max() + 1e-9)
    output = np.clip(output * 2.0 - 1.0, 0, 1)
    return slow_majority(output > cut)


@pytest.mark.parametrize(
    "positive, negatives, expected",
    [
        (0.3, [0.3], 0.5),
        (0.3, [0.2, 0.1], 1 / (1 + np.exp(-1.0))),
        (0.25, [0.1, 0.3, 0.2, 0.0], 1 / (1 + np.exp(0.5))),
        (1.0, [-1.0], 1 / (1 + np.exp(-20.0))),
    ],
)
def test_relevancy_of_the_card(positive: float, negatives: list[float], expected: float) -> None:
    found = relevancy(np.float32(positive), np.array(negatives, np.float32))  # type: ignore[arg-type]
    assert found == pytest.approx(expected, abs=1e-6)
    assert found == pytest.approx(slow_relevancy(positive, negatives, 10), abs=1e-6)


@given(st.integers(1, 24), st.integers(1, 24), st.integers(2, 31), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_box_filter_is_the_slow_one(height: int, width: int, size: int, seed: int) -> None:
    values = np.random.default_rng(seed).random((height, width), np.float32)
    np.testing.assert_allclose(box_mean(values, size), slow_box(values, size), atol=2e-6)


def test_window_of_even_side_reaches_one_further_back() -> None:
    values = np.zeros((40, 40), np.float32)
    values[20, 20] = 900.0
    rows, columns = np.nonzero(box_mean(values, 30) > 0.5)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 35, 6, 35)  # i - 15 .. i + 14 holds 20


def test_smoothing_is_half_and_half() -> None:
    values = np.random.default_rng(0).random((20, 30), np.float32)
    np.testing.assert_allclose(smoothed(values, 5), (values + slow_box(values, 5)) / 2, atol=1e-6)
    assert np.array_equal(smoothed(values, 1), values)


@given(st.integers(1, 15), st.integers(1, 15), st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_majority_is_the_slow_one(height: int, width: int, seed: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) > 0.45
    np.testing.assert_array_equal(majority(mask), slow_majority(mask))


def test_majority_leaves_out_the_last_row_and_column() -> None:
    mask = np.zeros((20, 20), bool)
    mask[-1] = True
    assert not majority(mask).any()


@given(st.integers(0, 30), st.sampled_from([0.0, 0.2, 0.4, 0.8]))
@settings(max_examples=20, deadline=None)
def test_fixed_mask_is_langsplats(seed: int, cut: float) -> None:
    values = smoothed(np.random.default_rng(seed).random((18, 22), np.float32), 5)
    mask, limit = mask_of(values, "fixed", cut)
    np.testing.assert_array_equal(mask, slow_mask(values, cut))
    assert values.min() <= limit <= values.max() + 1e-6


def test_otsu_parts_two_hills() -> None:
    rng = np.random.default_rng(3)
    values = np.clip(np.concatenate([rng.normal(0.2, 0.03, 900), rng.normal(0.8, 0.03, 100)]), 0, 1).astype(np.float32)
    assert 0.3 < otsu(values) < 0.7
    assert ((values > otsu(values)) == (np.arange(1000) >= 900)).all()


def test_otsu_is_the_least_variance() -> None:
    values = (np.random.default_rng(5).beta(0.7, 1.4, 500) * 255).round() / 255
    cuts = (np.arange(255) + 0.5) / 255
    inner = [
        sum(part.var() * len(part) for part in (values[values <= cut], values[values > cut]) if len(part))
        for cut in cuts
    ]
    assert otsu(values.astype(np.float32)) == pytest.approx(cuts[int(np.argmin(inner))], abs=1.5 / 255)


def test_stable_cut_lies_where_nothing_changes() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.uniform(0, 0.2, 800), rng.uniform(0.7, 1.0, 200)]).astype(np.float32)
    found = stable(values)
    assert found is not None and 0.2 < found < 0.7
    assert ((values > found) == (np.arange(1000) >= 800)).all()


def test_stable_cut_falls_back() -> None:
    values = np.concatenate([np.zeros(10_000), np.ones(1)]).astype(np.float32)  # any mask is smaller than 0.1 %
    assert stable(values) is None
    assert cut_at(values, "stability", 0.4) == pytest.approx(0.7)


@pytest.mark.parametrize("how", ["fixed", "otsu", "stability"])
def test_flat_maps_give_no_mask(how: str) -> None:
    mask, _ = mask_of(np.full((12, 12), 0.4, np.float32), how, 0.4)  # type: ignore[arg-type]
    assert not mask.any()


def test_heat_is_what_lies_above_a_half() -> None:
    np.testing.assert_allclose(heat_shares(np.array([0.2, 0.5, 0.6, 0.9], np.float32)), [0, 0, 0.25, 1], atol=1e-6)
    assert not heat_shares(np.full(4, 0.3, np.float32)).any()
