"""RAVE's vector and both methods' losses: the known answers of the papers' cards, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core import light_losses as losses
from core.calibration import unit_rows


def rows(count: int, dim: int, seed: int) -> np.ndarray:
    return unit_rows(np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32))


def test_the_cards_known_answer() -> None:
    residual = losses.residual_of(np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32))
    np.testing.assert_allclose(residual.vector, [0.5**0.5, -(0.5**0.5)], atol=1e-6)
    assert residual.threshold == pytest.approx(0.5**0.5)
    seen = torch.tensor([[0.8, 0.6]])
    value = losses.residual_loss(seen, torch.from_numpy(residual.vector), residual.threshold)
    assert float(value) == pytest.approx(0.32, abs=1e-6)  # (0.14142 - 0.70711)^2


def test_the_vector_does_not_depend_on_order_length_or_copies() -> None:
    good, dark = rows(12, 16, 0), rows(9, 16, 1)
    base = losses.residual_of(good, dark)
    scaled = losses.residual_of(good[::-1] * np.float32(3), np.repeat(dark, 2, axis=0))
    np.testing.assert_allclose(scaled.vector, base.vector, atol=1e-6)
    assert scaled.threshold == pytest.approx(base.threshold, abs=1e-6)
    np.testing.assert_allclose(losses.residual_of(dark, good).vector, -base.vector, atol=1e-6)


def test_a_turn_of_the_space_turns_the_vector() -> None:
    good, dark = rows(12, 8, 2), rows(9, 8, 3)
    turn = np.linalg.qr(np.random.default_rng(4).standard_normal((8, 8)))[0].astype(np.float32)
    base, turned = losses.residual_of(good, dark), losses.residual_of(good @ turn, dark @ turn)
    np.testing.assert_allclose(turned.vector, base.vector @ turn, atol=1e-5)
    np.testing.assert_allclose(turned.score(dark @ turn), base.score(dark), atol=1e-5)


def test_groups_without_a_difference_are_refused() -> None:
    good = rows(5, 8, 5)
    with pytest.raises(ValueError, match="same mean"):
        losses.residual_of(good, good)


def test_words_are_taken_out() -> None:
    good, dark, words = rows(12, 8, 6), rows(9, 8, 7), rows(4, 8, 8)
    base = losses.residual_of(good, dark)
    shifted = losses.without_words(base, words[:2], words[2:], good)
    ends = [losses._weighted_mean(part, base.vector) for part in (words[:2], words[2:])]
    axis = unit_rows((ends[0] + ends[1])[None])[0]
    assert abs(float(shifted.vector @ axis)) < 1e-5
    assert float(np.linalg.norm(shifted.vector)) == pytest.approx(1, abs=1e-5)
    assert losses.without_words(base, words[:0], words[:0], good) is base
    again = losses.without_words(base, words[:1], words[:0], good)
    np.testing.assert_allclose(again.vector @ words[0], 0, atol=1e-5)
    with pytest.raises(ValueError, match="nothing is left"):
        losses.without_words(base, base.vector[None], words[:0], good)


def test_backlit_share_is_the_softmax_of_scaled_cosines() -> None:
    prompts = torch.eye(2)
    share = losses.backlit_share(torch.tensor([[0.6, 0.8], [1.0, 0.0], [0.5**0.5, 0.5**0.5]]), prompts)
    assert share[0] == pytest.approx(1 / (1 + np.exp(20)), rel=1e-4)
    assert share[1] == pytest.approx(1.0)
    assert share[2] == pytest.approx(0.5)


def test_ranking_loss() -> None:
    worse, better = torch.tensor([0.9, 0.5]), torch.tensor([0.1, 0.4])
    assert float(losses.ranking_loss(worse, better, 0.9)) == pytest.approx((0.1 + 0.8) / 2)
    assert float(losses.ranking_loss(worse, better, 0.05)) == 0


def test_identity_loss_weighs_levels_and_sums_the_batch() -> None:
    given = [torch.ones(2, 3, 4, 4), torch.full((2, 5), 2.0)]
    moved = [given[0] + 0.5, given[1] + 1.0]
    assert float(losses.identity_loss(given, given)) == 0
    value = float(losses.identity_loss(moved, given))
    assert value == pytest.approx(2 * 0.25 + 0.5 * 2 * 0.25)
    assert float(losses.identity_loss(moved, given, last=1.0)) == pytest.approx(2 * 0.25 + 2 * 0.25)
