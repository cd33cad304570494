"""Cameras: known projections, round trips through COLMAP and OpenGL, and orbits that stay upright."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.gaussians.cameras import (
    Camera,
    colmap_from_world_to_cam,
    fitting_distance,
    frame_of,
    inverted,
    look_at,
    opengl_from_world_to_cam,
    orbit,
    orbit_path,
    world_to_cam_from_colmap,
    world_to_cam_from_opengl,
)
from demos.gaussians.rotations import matrices_from_quats
from tests.demos.gaussians.scenes import random_scene

angles = st.floats(-360, 360)
coordinates = st.tuples(*[st.floats(-50, 50)] * 3)


def random_motion(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = matrices_from_quats(rng.normal(size=4)), rng.normal(0, 3, 3)
    return motion


def test_pixels_of_a_camera_at_the_origin() -> None:
    camera = Camera(640, 480, 500.0, 400.0, 320.0, 240.0, np.eye(4))
    uv, depth = camera.project([(0, 0, 2), (1, 0, 2), (0, 1, 2), (-0.5, -0.25, 1)])
    np.testing.assert_allclose(uv, [(320, 240), (570, 240), (320, 440), (70, 140)])
    np.testing.assert_allclose(depth, [2, 2, 2, 1])


def test_unproject_undoes_project() -> None:
    camera = replace(look_at((1, 2, 3), (0, 0, 0)), world_to_cam=random_motion(1))
    points = camera.unproject(np.random.default_rng(0).uniform(0, 600, (50, 2)), np.linspace(0.1, 9, 50))
    uv, depth = camera.project(points)
    np.testing.assert_allclose(camera.unproject(uv, depth), points, atol=1e-9)
    np.testing.assert_allclose(depth, np.linspace(0.1, 9, 50))


@pytest.mark.parametrize("seed", range(5))
def test_colmap_round_trip(seed: int) -> None:
    motion = random_motion(seed)
    quat, translation = colmap_from_world_to_cam(motion)
    assert quat[0] >= 0
    np.testing.assert_allclose(world_to_cam_from_colmap(quat, translation), motion, atol=1e-12)
    np.testing.assert_allclose(world_to_cam_from_colmap(-3 * quat, translation), motion, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_opengl_round_trip_and_its_axes(seed: int) -> None:
    motion = random_motion(seed)
    cam_to_world = opengl_from_world_to_cam(motion)
    np.testing.assert_allclose(world_to_cam_from_opengl(cam_to_world), motion, atol=1e-12)
    # The camera stands where it stood; its x is the same, its y and z are turned round.
    rows = motion[:3, :3]
    np.testing.assert_allclose(cam_to_world[:3, 3], -rows.T @ motion[:3, 3], atol=1e-12)
    np.testing.assert_allclose(cam_to_world[:3, :3].T, rows * [[1], [-1], [-1]], atol=1e-12)


def test_an_opengl_camera_at_rest_looks_along_minus_z() -> None:
    camera = replace(look_at((0, -1, 0), (0, 0, 0)), world_to_cam=world_to_cam_from_opengl(np.eye(4)))
    uv, depth = camera.project([(0, 0, -2), (0.1, 0.2, -2)])
    assert depth[0] == 2
    assert uv[1, 0] > uv[0, 0] and uv[1, 1] < uv[0, 1]  # right is right, up is up


@settings(deadline=None, max_examples=25)
@given(eye=coordinates, target=coordinates, up=st.sampled_from([(0, 0, 1), (0, -1, 0), (0, 1, 0), (1, 1, 1)]))
def test_look_at_is_rigid_central_and_upright(eye: tuple, target: tuple, up: tuple) -> None:
    if np.linalg.norm(np.subtract(eye, target)) < 1e-3:
        return
    camera = look_at(eye, target, up_xyz=up)
    rotation = camera.world_to_cam[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) > 0
    np.testing.assert_allclose(camera.centre_xyz, eye, atol=1e-7)
    uv, depth = camera.project([target])
    np.testing.assert_allclose(uv[0], (320, 240), atol=1e-3)
    assert depth[0] > 0
    assert rotation[1] @ np.asarray(up, float) <= 1e-9  # the picture's down does not point up


def test_look_at_refuses_a_point() -> None:
    with pytest.raises(ValueError, match="same point"):
        look_at((1, 2, 3), (1, 2, 3))


@settings(deadline=None, max_examples=25)
@given(azimuth=angles, elevation=st.floats(-90, 90), up=st.sampled_from([(0, 0, 1), (0, -1, 0), (0, 0, -1), (1, 2, 3)]))
def test_orbit_keeps_distance_and_elevation(azimuth: float, elevation: float, up: tuple) -> None:
    camera = orbit((1, 2, 3), 5.0, azimuth, elevation, up_xyz=up)
    offset = camera.centre_xyz - (1, 2, 3)
    np.testing.assert_allclose(np.linalg.norm(offset), 5, atol=1e-9)
    np.testing.assert_allclose(offset @ up / np.linalg.norm(up) / 5, np.sin(np.radians(elevation)), atol=1e-9)
    np.testing.assert_allclose(camera.project([(1, 2, 3)])[0][0], (320, 240), atol=1e-6)


def test_orbit_starts_where_toybox_does() -> None:
    np.testing.assert_allclose(orbit((0, 0, 0), 2.0, 0, 0).centre_xyz, (0, -2, 0), atol=1e-12)
    np.testing.assert_allclose(orbit((0, 0, 0), 2.0, 90, 0).centre_xyz, (2, 0, 0), atol=1e-12)


def test_an_orbit_over_the_pole_does_not_jump() -> None:
    below, above = (orbit((0, 0, 0), 1.0, 30, elevation) for elevation in (89.999, 90))
    assert np.abs(below.world_to_cam - above.world_to_cam).max() < 1e-4


def test_orbit_path_closes() -> None:
    path = orbit_path((0, 0, 0), 3.0, 8)
    first, last = (orbit((0, 0, 0), 3.0, azimuth, 20.0) for azimuth in (0, 315))
    assert len(path) == 8
    np.testing.assert_allclose(path[0].world_to_cam, first.world_to_cam)
    np.testing.assert_allclose(path[-1].world_to_cam, last.world_to_cam)


def test_resized_sees_the_same() -> None:
    camera = look_at((1, -3, 2), (0, 0, 0), width=640, height=480)
    small = camera.resized(320, 120)
    points = np.random.default_rng(0).normal(size=(9, 3))
    np.testing.assert_allclose(small.project(points)[0], camera.project(points)[0] * (0.5, 0.25))


@pytest.mark.parametrize("seed", range(3))
def test_inverted(seed: int) -> None:
    np.testing.assert_allclose(inverted(random_motion(seed)) @ random_motion(seed), np.eye(4), atol=1e-12)


def test_frame_ignores_floaters_and_sees_the_rest() -> None:
    scene = random_scene(2_000, degree=0)
    far = scene.means_xyz.copy()
    far[:20] += 1_000  # one in a hundred
    centre, radius = frame_of(replace(scene, means_xyz=far))
    assert np.abs(centre).max() < 0.3
    assert 4 < radius < 8  # 95 % of a 3D normal distribution of deviation 2 lie within 5.6
    camera = orbit(centre, fitting_distance(radius, 45), 10, 20)
    uv, depth = camera.project(scene.means_xyz[20:])
    inside = (np.abs(uv - (320, 240)) <= (320, 240)).all(1) & (depth > 0)
    assert inside.mean() > 0.9


def test_frame_of_nothing_and_of_one() -> None:
    scene = random_scene(1)
    assert frame_of(scene.take(np.zeros(1, bool))) == (pytest.approx(np.zeros(3)), 1.0)
    centre, radius = frame_of(scene)
    np.testing.assert_allclose(centre, scene.means_xyz[0])
    assert radius > 0
