"""Spherical harmonics: against Legendre's definition, known colours, round trips, and turning with the body."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.gaussians.colour import (
    C0,
    colours_from,
    colours_towards,
    dc_from_rgb,
    rgb_from_dc,
    rotated_sh,
    sh_basis,
)
from demos.gaussians.rotations import matrices_from_quats
from tests.demos.gaussians.scenes import random_scene


def directions(count: int, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(count, 3))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def legendre(degree: int, order: int, x: float) -> float:
    """Associated Legendre function P_l^m(x) with the Condon-Shortley sign, by the recurrence over l."""
    value = 1.0
    for k in range(1, order + 1):
        value *= -(2 * k - 1) * math.sqrt(1 - x * x)
    before = 0.0
    for k in range(order + 1, degree + 1):
        value, before = ((2 * k - 1) * x * value - (k + order - 1) * before) / (k - order), value
    return value


def slow_basis(direction: np.ndarray, degree: int) -> list[float]:
    """Real spherical harmonics from their definition, in the order l^2 + l + m."""
    x, y, z = direction
    phi, found = math.atan2(y, x), []
    for band in range(degree + 1):
        for m in range(-band, band + 1):
            order = abs(m)
            norm = math.sqrt(
                (2 * band + 1) / (4 * math.pi) * math.factorial(band - order) / math.factorial(band + order)
            )
            turn = 1.0 if m == 0 else math.sqrt(2) * (math.cos(m * phi) if m > 0 else math.sin(order * phi))
            found.append(norm * legendre(band, order, z) * turn)
    return found


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_basis_is_the_definition(degree: int) -> None:
    points = directions(50)
    np.testing.assert_allclose(sh_basis(points, degree), [slow_basis(d, degree) for d in points], atol=1e-12)


def test_basis_refuses_degree_4() -> None:
    with pytest.raises(ValueError, match="0 to 3"):
        sh_basis(directions(1), 4)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_colours_are_the_slow_sum(degree: int) -> None:
    scene, eye = random_scene(30, degree=degree), np.array([0.5, -1.0, 4.0])
    fast = colours_from(scene.sh, scene.means_xyz, eye)
    for i in range(30):
        away = scene.means_xyz[i] - eye
        basis = slow_basis(away / np.linalg.norm(away), degree)
        slow = [0.5 + sum(basis[k] * float(scene.sh[i, k, c]) for k in range(len(basis))) for c in range(3)]
        np.testing.assert_allclose(fast[i], np.maximum(slow, 0), atol=2e-6)


def test_unclamped_colours_may_be_negative() -> None:
    sh = np.full((1, 1, 3), -3 / C0, np.float32)
    assert colours_towards(sh, directions(1), clamped=False)[0] == pytest.approx([-2.5] * 3)
    assert colours_towards(sh, directions(1))[0] == pytest.approx([0] * 3)


def test_a_gaussian_at_the_eye_has_a_colour() -> None:
    scene = random_scene(2)
    assert np.isfinite(colours_from(scene.sh, scene.means_xyz, scene.means_xyz[0])).all()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(-2, 3, width=32), min_size=3, max_size=3))
def test_dc_round_trip(rgb: list[float]) -> None:
    np.testing.assert_allclose(rgb_from_dc(dc_from_rgb(rgb)), rgb, atol=1e-6)


def test_known_dc() -> None:
    assert dc_from_rgb([0.5, 1.0, 0.0]) == pytest.approx([0, 1.7724539, -1.7724539])


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_turning_the_harmonics_turns_the_view(degree: int) -> None:
    scene = random_scene(40, degree=degree)
    matrices = matrices_from_quats(np.random.default_rng(3).normal(size=(40, 4)))
    turned = rotated_sh(scene.sh, matrices)
    for seed in range(5):
        seen = directions(40, seed)
        before = colours_towards(scene.sh, np.einsum("nji,nj->ni", matrices, seen), clamped=False)
        np.testing.assert_allclose(colours_towards(turned, seen, clamped=False), before, atol=5e-6)
    np.testing.assert_array_equal(turned[:, 0], scene.sh[:, 0])


def test_turning_twice_is_turning_by_the_product() -> None:
    scene = random_scene(10)
    one, two = matrices_from_quats(np.random.default_rng(4).normal(size=(2, 4)))
    np.testing.assert_allclose(rotated_sh(rotated_sh(scene.sh, one), two), rotated_sh(scene.sh, two @ one), atol=5e-6)
