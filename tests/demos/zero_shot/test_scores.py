"""Scores against published numbers, slow twins and what must never change."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demos.zero_shot.scores import auroc, calibration_error, each, histogram, mcm, together

COSINES = st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=8).map(lambda row: np.array([row], np.float32))


def test_mcm_oracle() -> None:
    assert mcm(np.array([[0.3, 0.2, 0.1]], np.float32))[0] == pytest.approx(0.367165, abs=1e-6)


def test_mcm_of_equal_labels_is_chance_and_of_one_label_is_one() -> None:
    assert np.allclose(mcm(np.full((2, 5), 0.3, np.float32)), 0.2)
    assert np.allclose(mcm(np.array([[0.1]], np.float32)), 1.0)


def test_calibration_error_oracle() -> None:
    confidences, correct = np.array([0.95, 0.85, 0.75, 0.65]), np.array([1, 0, 1, 1])
    assert calibration_error(confidences, correct, bins=10) == pytest.approx(0.375)


def test_calibration_error_of_honest_draws_is_small(rng: np.random.Generator) -> None:
    confidences = rng.uniform(0.2, 1, 20_000)
    assert calibration_error(confidences, rng.uniform(size=20_000) < confidences) < 0.02
    assert calibration_error(np.ones(10), np.zeros(10, int)) == pytest.approx(1.0)
    assert calibration_error(np.array([]), np.array([], bool)) == 0.0


def test_calibration_error_equals_the_slow_twin(rng: np.random.Generator) -> None:
    confidences, correct = rng.uniform(size=200), rng.integers(0, 2, 200)
    slow = 0.0
    for b in range(15):
        inside = [i for i in range(200) if b / 15 < confidences[i] <= (b + 1) / 15]
        if inside:
            gap = np.mean([correct[i] for i in inside]) - np.mean([confidences[i] for i in inside])
            slow += len(inside) / 200 * abs(gap)
    assert calibration_error(confidences, correct) == pytest.approx(slow)


def test_auroc_oracle() -> None:
    assert auroc(np.array([1, 1, 1, 0, 0]), np.array([0.9, 0.8, 0.4, 0.5, 0.1])) == pytest.approx(5 / 6)


def test_auroc_equals_the_slow_twin_with_ties(rng: np.random.Generator) -> None:
    labels, scores = rng.integers(0, 2, 60), rng.integers(0, 8, 60) / 8
    pairs = [(p, n) for p in scores[labels == 1] for n in scores[labels == 0]]
    slow = sum(1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs) / len(pairs)
    assert auroc(labels, scores) == pytest.approx(slow)
    assert auroc(labels, np.zeros(60)) == pytest.approx(0.5)


def test_auroc_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="0 negatives"):
        auroc(np.ones(3, int), np.arange(3.0))


def test_relevancy_oracle() -> None:
    """LangSplat: cosine .30 against four canonical phrases at scale 10."""
    background = np.array([[0.25, 0.22, 0.20, 0.24]], np.float32)
    confidence = each(np.array([[0.30]], np.float32), background, scoring="softmax", scale=10.0)
    assert confidence[0, 0] == pytest.approx(0.622459, abs=1e-6)


def test_relevancy_equals_the_slow_twin(rng: np.random.Generator) -> None:
    cosines, background = rng.uniform(-1, 1, (3, 4)).astype(np.float32), rng.uniform(-1, 1, (3, 5)).astype(np.float32)
    fast = each(cosines, background, scoring="softmax", scale=20.0, temperature=2.0)
    for i in range(3):
        for c in range(4):
            positive = math.exp(10.0 * cosines[i, c])
            slow = min(positive / (positive + math.exp(10.0 * n)) for n in background[i])
            assert fast[i, c] == pytest.approx(slow, abs=1e-6)


def test_each_label_is_its_own(rng: np.random.Generator) -> None:
    """Another label neither helps nor harms; a label as near as the background gets one half."""
    cosines, background = np.array([[0.3, 0.2, 0.25]], np.float32), np.array([[0.25]], np.float32)
    for scoring in ("softmax", "sigmoid"):
        whole = each(cosines, background, scoring=scoring, scale=50.0, bias=-5.0)
        alone = each(cosines[:, :1], background, scoring=scoring, scale=50.0, bias=-5.0)
        assert whole[0, 0] == pytest.approx(alone[0, 0])
    assert each(cosines, background, scoring="softmax", scale=50.0)[0, 2] == pytest.approx(0.5)


def test_sigmoid_known_answer() -> None:
    """SigLIP's start values: scale 10, bias -10; cosine 1 gives one half."""
    confidence = each(
        np.array([[1.0, 0.0]], np.float32), np.zeros((1, 1), np.float32), scoring="sigmoid", scale=10, bias=-10
    )
    assert confidence[0].tolist() == pytest.approx([0.5, 1 / (1 + math.exp(10))], rel=1e-4)  # fmt: skip


def test_together_known_answers() -> None:
    cosines = np.array([[0.25, 0.20]], np.float32)
    soft = together(cosines, scoring="softmax", scale=100.0)
    assert soft[0, 0] == pytest.approx(1 / (1 + math.exp(-5)), abs=1e-5)
    sharp, flat = together(cosines, scoring="softmax", scale=100.0, temperature=0.5), soft
    assert sharp[0, 0] == pytest.approx(1 / (1 + math.exp(-10)), abs=1e-5) and sharp[0, 0] > flat[0, 0]
    share = together(cosines, scoring="sigmoid", scale=100.0, bias=-30.0)
    sigmoids = [1 / (1 + math.exp(5)), 1 / (1 + math.exp(10))]
    assert share[0, 0] == pytest.approx(sigmoids[0] / sum(sigmoids), abs=1e-5)


def test_shares_of_tiny_sigmoids_stay_right() -> None:
    share = together(np.array([[0.1, 0.09]], np.float32), scoring="sigmoid", scale=1_000.0, bias=-5_000.0)
    assert share[0, 0] == pytest.approx(1 / (1 + math.exp(-10)), abs=1e-4)


@given(COSINES, st.sampled_from(["softmax", "sigmoid"]), st.floats(0.05, 20))
def test_together_is_a_distribution_and_temperature_keeps_the_order(row: np.ndarray, scoring: str, t: float) -> None:
    shares = together(row, scoring=scoring, scale=100.0, bias=-10.0, temperature=t)  # type: ignore[arg-type]
    assert shares.sum() == pytest.approx(1.0, abs=1e-5) and (shares >= 0).all()
    order = np.argsort(row[0], kind="stable")
    assert (np.diff(shares[0][order]) >= -1e-6).all()


@given(COSINES, st.randoms(use_true_random=False))
def test_permuting_labels_permutes_confidences(row: np.ndarray, random: object) -> None:
    order = list(range(row.shape[1]))
    random.shuffle(order)  # type: ignore[attr-defined]
    before, after = (together(r, scoring="softmax", scale=30.0) for r in (row, row[:, order]))
    assert np.allclose(before[:, order], after, atol=1e-6)


@given(st.lists(st.floats(-1, 1, width=32), max_size=50), st.floats(-1, 1))
def test_histogram_counts_every_value_and_shows_the_picture(values: list[float], value: float) -> None:
    found = histogram(np.array(values), value, bins=7)
    assert found.counts.sum() == len(values) and len(found.edges) == 8
    assert found.edges[0] < value < found.edges[-1]
    assert (np.diff(found.edges) > 0).all()
