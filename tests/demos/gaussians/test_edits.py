"""Edits: exact colour maps in every direction, rigid moves, and bits that do not change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from demos.gaussians import edits
from demos.gaussians.colour import colours_towards, dc_from_rgb, rgb_from_dc
from demos.gaussians.edits import AffineColour
from demos.gaussians.rotations import matrices_from_quats
from tests.demos.gaussians.scenes import assert_same, random_scene, slow_covariances

ALL = np.ones(20, bool)
SOME = np.arange(20) % 3 == 0


def random_map(seed: int) -> AffineColour:
    rng = np.random.default_rng(seed)
    return AffineColour(rng.normal(0, 1, (3, 3)), rng.normal(0, 0.5, 3))


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("strength", [1.0, 0.3])
def test_recolour_is_exact_in_every_direction(degree: int, strength: float) -> None:
    scene, colour = random_scene(degree=degree), random_map(1)
    weights = np.random.default_rng(2).uniform(0, 1, 20).astype(np.float32)
    changed = edits.recolour(scene, weights, colour, strength=strength)
    for seed in range(4):
        directions = np.random.default_rng(seed).normal(size=(20, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        before = colours_towards(scene.sh, directions, clamped=False).astype(np.float64)
        share = (weights * strength)[:, None]
        expected = (1 - share) * before + share * (before @ colour.matrix.T + colour.offset)
        np.testing.assert_allclose(colours_towards(changed.sh, directions, clamped=False), expected, atol=1e-5)


@settings(deadline=None, max_examples=20)
@given(first=st.integers(0, 99), second=st.integers(0, 99))
def test_two_maps_are_their_product(first: int, second: int) -> None:
    scene, one, two = random_scene(8), random_map(first), random_map(second)
    whole = np.ones(8, np.float32)
    both = AffineColour(two.matrix @ one.matrix, two.matrix @ one.offset + two.offset)
    apart = edits.recolour(edits.recolour(scene, whole, one), whole, two)
    np.testing.assert_allclose(apart.sh, edits.recolour(scene, whole, both).sh, atol=2e-4)


def test_recolour_leaves_everything_else_alone() -> None:
    scene = random_scene(language=True)
    sh = scene.sh.copy()
    sh[1] = -0.0  # a sign that an added 0 would lose
    scene = replace(scene, sh=sh)
    changed = edits.recolour(scene, SOME.astype(np.float32), random_map(3))
    for name in ("means_xyz", "log_scales", "quats_wxyz", "opacity_logits", "language"):
        assert getattr(changed, name) is getattr(scene, name)
    assert changed.sh[~SOME].tobytes() == scene.sh[~SOME].tobytes()
    assert (changed.sh[SOME] != scene.sh[SOME]).any()
    changed.validated()


def test_strength_0_and_no_weight_are_the_same_scene() -> None:
    scene = random_scene()
    assert edits.recolour(scene, ALL.astype(np.float32), random_map(3), strength=0) is scene
    assert edits.recolour(scene, np.zeros(20, np.float32), random_map(3)) is scene
    assert edits.move(scene, ALL, (0, 0, 0)) is scene
    assert edits.move(scene, ~ALL, (1, 0, 0)) is scene
    assert edits.scale(scene, ALL, 1, (0, 0, 0)) is scene
    assert edits.turn(scene, ALL, np.eye(3), (0, 0, 0)) is scene
    assert edits.remove(scene, ~ALL) is scene
    np.testing.assert_array_equal(edits.recolour(scene, ALL.astype(np.float32), AffineColour.identity()).sh, scene.sh)


def test_a_tint_moves_the_mean_onto_the_target_and_keeps_the_shade() -> None:
    rng = np.random.default_rng(0)
    grey = rng.uniform(0.3, 0.9, 50)
    rgb = (grey[:, None] * [0.2, 0.4, 0.9]).astype(np.float32)
    scene = replace(random_scene(50, degree=0), sh=dc_from_rgb(rgb)[:, None])
    weights = np.ones(50, np.float32)
    mean, target = edits.mean_colour(scene, weights), np.array([0.5, 0.1, 0.1])
    tinted = edits.recolour(scene, weights, edits.tint(target, mean))
    np.testing.assert_allclose(edits.mean_colour(tinted, weights), target, atol=1e-3)
    found = rgb_from_dc(tinted.sh[:, 0])
    assert np.corrcoef(found[:, 0], grey)[0, 1] > 0.999
    np.testing.assert_allclose(found / found.sum(1, keepdims=True), np.tile(target / target.sum(), (50, 1)), atol=1e-5)


@pytest.mark.parametrize("target", [(0, 0, 0), (1, 1, 1), (0.9, 0.1, 0.2)])
def test_a_tint_of_black_is_the_target_and_stays_bounded(target: tuple[float, float, float]) -> None:
    colour = edits.tint(target, (0.0, 0.0, 0.0))
    np.testing.assert_allclose(colour.offset, target)
    assert np.abs(colour.matrix).max() < 7


def test_mean_colour_is_weighed_by_area_and_opacity() -> None:
    scene = replace(random_scene(2, degree=0), sh=dc_from_rgb([[[1, 0, 0]], [[0, 0, 1]]]))
    big = replace(
        scene, log_scales=np.array([[0, 0, -9], [-5, -5, -5]], np.float32), opacity_logits=np.zeros(2, np.float32)
    )
    assert edits.mean_colour(big, np.ones(2, np.float32)) == pytest.approx([1, 0, 0], abs=1e-3)
    assert edits.mean_colour(big, np.array([0, 1], np.float32)) == pytest.approx([0, 0, 1], abs=1e-6)
    with pytest.raises(InputError, match="Nothing is selected"):
        edits.mean_colour(big, np.zeros(2, np.float32))


def test_isolate_and_remove_share_the_scene_out() -> None:
    scene = random_scene(language=True)
    inside, outside = edits.isolate(scene, SOME), edits.remove(scene, SOME)
    assert len(inside) + len(outside) == 20
    assert_same(inside, scene.take(SOME))
    assert_same(outside, scene.take(~SOME))
    assert inside.language is not None and inside.language.ids is not None and len(inside.language.ids) == len(inside)


def test_nothing_and_everything_are_refused() -> None:
    scene = random_scene()
    with pytest.raises(InputError, match="None of the 20"):
        edits.isolate(scene, ~ALL)
    with pytest.raises(InputError, match="would leave nothing"):
        edits.remove(scene, ALL)
    with pytest.raises(InputError, match="None of the 20"):
        edits.duplicate(scene, ~ALL, (1, 0, 0))


@pytest.mark.parametrize("factor", [0, -1, 1e3, float("nan")])
def test_factors_out_of_range_are_refused(factor: float) -> None:
    with pytest.raises(InputError, match="allowed are 0.01 to 100"):
        edits.scale(random_scene(), ALL, factor, (0, 0, 0))


@pytest.mark.parametrize("strength", [1.1, -2, float("nan")])
def test_strengths_out_of_range_are_refused(strength: float) -> None:
    with pytest.raises(InputError, match="allowed are -1 to 1"):
        edits.recolour(random_scene(), ALL.astype(np.float32), random_map(0), strength=strength)


def test_masks_of_another_scene_are_a_fault_of_the_caller() -> None:
    scene = random_scene()
    for call in (
        lambda: edits.isolate(scene, np.ones(19, bool)),
        lambda: edits.move(scene, np.ones(20, np.int32), (1, 0, 0)),  # type: ignore[arg-type]
        lambda: edits.recolour(scene, np.ones(19, np.float32), random_map(0)),
    ):
        with pytest.raises(ValueError, match="must be"):
            call()


def test_move_shifts_the_selection_only() -> None:
    scene = random_scene()
    moved = edits.move(scene, SOME, (1, -2, 0.5))
    np.testing.assert_allclose(moved.means_xyz[SOME], scene.means_xyz[SOME] + np.array([1, -2, 0.5], np.float32))
    np.testing.assert_array_equal(moved.means_xyz[~SOME], scene.means_xyz[~SOME])
    assert moved.sh is scene.sh


def test_duplicate_appends() -> None:
    scene = random_scene(language=True)
    doubled = edits.duplicate(scene, SOME, (0, 0, 3)).validated()
    assert_same(doubled.take(np.arange(20)), scene)
    copy = doubled.take(np.arange(20, len(doubled)))
    np.testing.assert_allclose(copy.means_xyz, scene.means_xyz[SOME] + np.array([0, 0, 3], np.float32))
    np.testing.assert_array_equal(copy.sh, scene.sh[SOME])
    assert doubled.language is not None and scene.language is not None
    assert doubled.language.ids is not None and scene.language.ids is not None
    np.testing.assert_array_equal(doubled.language.ids[20:], scene.language.ids[SOME])


def test_scale_scales_covariances_by_the_square() -> None:
    scene = random_scene()
    grown = edits.scale(scene, SOME, 2.0, (1, 1, 1))
    np.testing.assert_allclose(grown.means_xyz[SOME], 2 * scene.means_xyz[SOME] - 1, atol=1e-5)
    np.testing.assert_allclose(slow_covariances(grown)[SOME], 4 * slow_covariances(scene)[SOME], rtol=1e-5)
    np.testing.assert_array_equal(grown.log_scales[~SOME], scene.log_scales[~SOME])
    back = edits.scale(grown, SOME, 0.5, (1, 1, 1))
    np.testing.assert_allclose(back.means_xyz, scene.means_xyz, atol=1e-5)


def test_turn_is_rigid_and_turns_what_is_seen() -> None:
    scene = random_scene()
    rotation, about = matrices_from_quats((0.3, -0.5, 0.7, 0.2)), np.array([1.0, 2.0, 3.0])
    turned = edits.turn(scene, ALL, rotation, about).validated()
    np.testing.assert_allclose(turned.means_xyz, about + (scene.means_xyz - about) @ rotation.T, atol=1e-5)
    np.testing.assert_allclose(slow_covariances(turned), rotation @ slow_covariances(scene) @ rotation.T, atol=1e-6)
    directions = np.random.default_rng(0).normal(size=(20, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    before = colours_towards(scene.sh, directions, clamped=False)
    np.testing.assert_allclose(colours_towards(turned.sh, directions @ rotation.T, clamped=False), before, atol=1e-5)


def test_joined_needs_equal_bands_and_drops_lonely_language() -> None:
    with pytest.raises(ValueError, match="16 and 4"):
        edits.joined(random_scene(2), random_scene(2, degree=1))
    assert edits.joined(random_scene(2, language=True), random_scene(2)).language is None


def test_covariances_are_the_slow_ones() -> None:
    np.testing.assert_allclose(edits.covariances(random_scene()), slow_covariances(random_scene()), rtol=1e-9)
