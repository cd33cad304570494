"""Quaternions and matrices: the textbook's products, round trips, and the compressed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.gaussians.rotations import (
    from_smallest_three,
    matrices_from_quats,
    product,
    quats_from_matrices,
    smallest_three,
)

S = np.sqrt(0.5)


def quats_of(seed: int) -> np.ndarray:
    """Seven quaternions of any length; components are often 0 or equal, where formulas like to divide by 0."""
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(7, 4)) * rng.choice([0, 1, 1e-3], (7, 4))
    quats[:2] = rng.choice([-1.0, 0.0, 1.0], (2, 4))
    return np.where(np.abs(quats).max(1, keepdims=True) > 1e-6, quats, (0, 0, 0, -1.0))


seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    "quat, taken_to",
    [
        ((1, 0, 0, 0), [(1, 0, 0), (0, 1, 0), (0, 0, 1)]),
        ((S, S, 0, 0), [(1, 0, 0), (0, 0, 1), (0, -1, 0)]),  # a quarter about x: y -> z -> -y
        ((S, 0, S, 0), [(0, 0, -1), (0, 1, 0), (1, 0, 0)]),  # about y: z -> x -> -z
        ((S, 0, 0, S), [(0, 1, 0), (-1, 0, 0), (0, 0, 1)]),  # about z: x -> y -> -x
        ((0, 1, 0, 0), [(1, 0, 0), (0, -1, 0), (0, 0, -1)]),
        ((2, 0, 0, 2), [(0, 1, 0), (-1, 0, 0), (0, 0, 1)]),  # any length
    ],
)
def test_known_turns(quat: tuple[float, ...], taken_to: list[tuple[float, ...]]) -> None:
    np.testing.assert_allclose(matrices_from_quats(quat).T, taken_to, atol=1e-15)


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_round_trip_through_matrices(seed: int) -> None:
    quats = quats_of(seed)
    unit = quats / np.linalg.norm(quats, axis=1, keepdims=True)
    matrices = matrices_from_quats(quats)
    np.testing.assert_allclose(matrices @ matrices.swapaxes(1, 2), np.broadcast_to(np.eye(3), (7, 3, 3)), atol=1e-12)
    back = quats_from_matrices(matrices)
    assert (back[:, 0] >= 0).all()
    np.testing.assert_allclose(np.abs(np.einsum("nk,nk->n", back, unit)), 1, atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(seeds, seeds)
def test_product_is_the_product_of_the_matrices(left_seed: int, right_seed: int) -> None:
    left, right = quats_of(left_seed), quats_of(right_seed)
    both = matrices_from_quats(product(left, right))
    np.testing.assert_allclose(both, matrices_from_quats(left) @ matrices_from_quats(right), atol=1e-10)


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_the_greatest_component_comes_back(seed: int) -> None:
    quats = quats_of(seed)
    unit = (quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32)
    place, three = smallest_three(unit)
    assert np.abs(three).max() <= np.sqrt(0.5) + 1e-6
    back = from_smallest_three(place, three)
    np.testing.assert_allclose(np.abs(np.einsum("nk,nk->n", back, unit)), 1, atol=1e-5)
