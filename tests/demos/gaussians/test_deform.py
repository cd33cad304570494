"""Deformations: points move by the map, covariances by its Jacobian (measured by finite differences), within bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import InputError
from demos.gaussians.colour import colours_towards
from demos.gaussians.deform import MAX_STRETCH, VERBS, Body, Verb, body_of, deform
from demos.gaussians.scene import GaussianScene
from tests.demos.gaussians.scenes import assert_same, random_scene, slow_covariances

UP = np.array([0.0, 0.6, 0.8])
BODY = Body(np.array([0.5, -0.3, -2.0]), UP, 4.0)
ALL = np.ones(20, np.float32)


def at(points: np.ndarray, verb: Verb, strength: float, body: Body = BODY) -> np.ndarray:
    """Where the map takes points, by deforming Gaussians that stand there."""
    scene = random_scene(len(points), degree=0)
    moved = deform(
        replace(scene, means_xyz=points.astype(np.float32)),
        np.ones(len(points), np.float32),
        verb,
        body,
        strength=strength,
    )
    return moved.means_xyz.astype(np.float64)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("strength", [-1.0, -0.4, 0.7, 1.0])
def test_covariances_follow_the_jacobian(verb: Verb, strength: float) -> None:
    scene = random_scene(20)
    changed = deform(scene, ALL, verb, BODY, strength=strength).validated()
    step = 2e-2  # means are float32
    for i in range(20):
        height = (scene.means_xyz[i] - BODY.base_xyz) @ UP
        if min(abs(height), abs(height - BODY.height)) < 2 * step:
            continue  # a twist has a crease at foot and top
        probes = scene.means_xyz[i] + step * np.concatenate([np.eye(3), -np.eye(3)])
        ends = at(probes, verb, strength)
        jacobian = ((ends[:3] - ends[3:]) / (2 * step)).T
        expected = jacobian @ slow_covariances(scene.take(np.array([i])))[0] @ jacobian.T
        found = slow_covariances(changed.take(np.array([i])))[0]
        assert np.abs(found - expected).max() <= 2e-3 * np.abs(expected).max()


def test_taller_wider_bigger_by_hand() -> None:
    body = Body(np.zeros(3), np.array([0.0, 0.0, 1.0]), 1.0)
    point = np.array([[1.0, 2.0, 0.5]])
    np.testing.assert_allclose(at(point, "taller", 1, body), [[1, 2, 1.0]], atol=1e-6)
    np.testing.assert_allclose(at(point, "taller", -1, body), [[1, 2, 0.25]], atol=1e-6)
    np.testing.assert_allclose(at(point, "wider", 1, body), [[2, 4, 0.5]], atol=1e-6)
    np.testing.assert_allclose(at(point, "bigger", -1, body), [[0.5, 1, 0.25]], atol=1e-6)
    np.testing.assert_allclose(at(point, "taller", 0.5, body), [[1, 2, 0.5 * np.sqrt(2)]], atol=1e-6)


def test_a_twist_by_hand() -> None:
    body = Body(np.zeros(3), np.array([0.0, 0.0, 1.0]), 2.0)
    points = np.array([[1, 0, 0], [1, 0, 1], [1, 0, 2], [1, 0, 5], [1, 0, -3.0]])
    quarter, eighth = (0, 1), (np.sqrt(0.5), np.sqrt(0.5))
    expected = [(1, 0, 0), (*eighth, 1), (*quarter, 2), (*quarter, 5), (1, 0, -3)]
    np.testing.assert_allclose(at(points, "twist", 1, body), expected, atol=1e-6)


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_moves_further_than_the_bounds(verb: Verb) -> None:
    scene = random_scene(200)
    weights = np.ones(200, np.float32)
    distance = np.linalg.norm(scene.means_xyz - BODY.base_xyz, axis=1)
    for strength in (-1.0, 1.0):
        changed = deform(scene, weights, verb, BODY, strength=strength)
        after = np.linalg.norm(changed.means_xyz - BODY.base_xyz, axis=1)
        assert (after <= distance * MAX_STRETCH * 1.0001).all() and (after >= distance / MAX_STRETCH * 0.9999).all()


@pytest.mark.parametrize("verb", ["taller", "wider", "bigger"])
def test_a_stretch_and_its_opposite_cancel(verb: Verb) -> None:
    scene = random_scene(20)
    back = deform(deform(scene, ALL, verb, BODY, strength=0.8), ALL, verb, BODY, strength=-0.8)
    np.testing.assert_allclose(back.means_xyz, scene.means_xyz, atol=1e-5)
    np.testing.assert_allclose(slow_covariances(back), slow_covariances(scene), rtol=1e-3, atol=1e-6)


def test_a_stretch_keeps_the_harmonics_and_a_twist_turns_them() -> None:
    scene = random_scene(20)
    assert deform(scene, ALL, "taller", BODY, strength=1).sh.tobytes() == scene.sh.tobytes()
    body = Body(np.zeros(3), np.array([0.0, 0.0, 1.0]), 1.0)
    above = replace(
        scene, means_xyz=scene.means_xyz * np.float32([1, 1, 0]) + np.float32([0, 0, 9])
    )  # beyond the crease
    turned = deform(above, ALL, "twist", body, strength=1)
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    directions = np.random.default_rng(0).normal(size=(20, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    before = colours_towards(above.sh, directions, clamped=False)
    np.testing.assert_allclose(colours_towards(turned.sh, directions @ quarter.T, clamped=False), before, atol=1e-5)


@pytest.mark.parametrize("verb", VERBS)
def test_strength_0_is_the_scene_itself_and_weight_0_keeps_every_bit(verb: Verb) -> None:
    scene = random_scene(20)
    assert deform(scene, ALL, verb, BODY, strength=0) is scene
    weights = (np.arange(20) % 2).astype(np.float32)
    changed = deform(scene, weights, verb, BODY, strength=1)
    assert_same(changed.take(weights == 0), scene.take(weights == 0))
    assert (changed.means_xyz[weights == 1] != scene.means_xyz[weights == 1]).any()


def test_half_the_weight_is_half_the_strength() -> None:
    scene = random_scene(20)
    one = deform(scene, ALL * np.float32(0.5), "twist", BODY, strength=1)
    assert_same(one, deform(scene, ALL, "twist", BODY, strength=0.5))


def test_body_of_a_box_with_floaters() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform((-1, 2, 5), (3, 4, 9), (3_000, 3))
    points[:10] = 500
    scene = replace(random_scene(3_000, degree=0), means_xyz=points.astype(np.float32))
    body = body_of(scene, np.ones(3_000, np.float32), (0, 0, 2))
    np.testing.assert_allclose(body.base_xyz, (1, 3, 5), atol=0.15)
    assert body.height == pytest.approx(4, rel=0.06)
    np.testing.assert_allclose(body.up_xyz, (0, 0, 1))


def test_body_of_upside_down_stands_on_its_foot() -> None:
    scene = replace(random_scene(2, degree=0), means_xyz=np.array([[0, 1, 0], [0, 3, 0]], np.float32))
    body = body_of(scene, np.ones(2, np.float32), (0, -1, 0))
    np.testing.assert_allclose(body.base_xyz, (0, 3, 0), atol=1e-9)
    assert body.height == pytest.approx(2)


def test_body_of_one_point_and_of_nothing() -> None:
    scene = random_scene(3)
    weights = np.array([0, 1, 0], np.float32)
    body = body_of(scene, weights, (0, 0, 1))
    np.testing.assert_allclose(body.base_xyz, scene.means_xyz[1], atol=1e-6)
    assert body.height > 0
    for verb in VERBS:
        deform(scene, weights, verb, body, strength=1).validated()
    with pytest.raises(InputError, match="Nothing is selected"):
        body_of(scene, np.zeros(3, np.float32), (0, 0, 1))


def test_other_verbs_and_strengths_are_refused() -> None:
    scene: GaussianScene = random_scene(20)
    with pytest.raises(InputError, match="“melt” is no deformation"):
        deform(scene, ALL, "melt", BODY, strength=1)  # type: ignore[arg-type]
    for strength in (1.5, -1.5, float("nan")):
        with pytest.raises(InputError, match="allowed are -1 to 1"):
            deform(scene, ALL, "taller", BODY, strength=strength)
    with pytest.raises(ValueError, match="must be"):
        deform(scene, ALL[:5], "taller", BODY, strength=1)
