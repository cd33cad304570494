"""The Toybox renderer against known answers and a slow twin."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="Toybox needs numba (requirements-train.txt)")

from training.toybox.camera import look_at, orbit
from training.toybox.develop import pool_labels
from training.toybox.kit import Toy, assemble
from training.toybox.light import Light, Quality
from training.toybox.mesh import is_closed, joined, rotation, signed_volume
from training.toybox.palette import Material, paint
from training.toybox.raster import light_frames, light_heights, rasterise
from training.toybox.render import View, render, sample_surface
from training.toybox.scene import Placed, Scene, to_linear
from training.toybox.shapes import (
    box,
    curve,
    cylinder,
    dome,
    ellipsoid,
    extrude,
    lathe,
    ring_of,
    rod,
    sheet,
    sphere,
    star_outline,
    superellipsoid,
    torus,
    triangulate,
    tube,
    wrap,
)  # fmt: skip
from training.toybox.stage import Stage, floor

SHARP = Quality(supersampling=1, n_sun=1, n_sky=4, map_side=32)
EMPTY = Stage("empty", (), "studio")


def toy_of(mesh, material=None) -> Toy:
    return assemble("thing", "red", "", [("body", mesh, material or paint("red"))])


def scene_of(mesh, material=None, size_m: float = 1.0, stage: Stage = EMPTY) -> Scene:
    return Scene((Placed(toy_of(mesh, material), (0.0, 0.0, 0.0), 0.0, size_m),), stage, Light())


# ---- builders ----

BUILDERS = {
    "sphere": (sphere(0.5, 40), 4 / 3 * np.pi * 0.125),
    "ellipsoid": (ellipsoid(0.3, 0.5, 0.2, 40), 4 / 3 * np.pi * 0.03),
    "box": (box(1, 2, 3), 6.0),
    "rounded box": (box(1, 1, 1, 0.1, 8), 1 - (1 - np.pi / 4) * 0.01 * 12 * 0.8 - (8 - 4 / 3 * np.pi) * 0.001),
    "cylinder": (cylinder(0.5, 2, n=64), np.pi * 0.5),
    "cone": (cylinder(0.5, 1.5, top=0.0, n=64), np.pi * 0.25 * 1.5 / 3),
    "torus": (torus(1.0, 0.25, 64, 32), 2 * np.pi**2 * 0.0625),
    "tube": (tube([(0, 0, 0), (0, 0, 1), (0, 0, 2)], 0.1, 48, round_ends=False), np.pi * 0.02),
    "rod": (rod((0, 0, 0), (3, 4, 0), 0.1, n=48), np.pi * 0.05),
    "dome": (dome(0.5, 0.5, 48), 2 / 3 * np.pi * 0.125),
    "extruded star": (extrude(star_outline(1.0, 0.4), 0.5), None),
    "extruded square, clockwise": (extrude([(0, 0), (0, 2), (2, 2), (2, 0)], 0.5), 2.0),
    "hoop": (lathe([(1.1, 0), (1.1, 0.2), (0.9, 0.2), (0.9, 0)], 64, is_hoop=True), np.pi * 0.4 * 0.2),
    "band": (wrap([(1.0, 0.0), (1.0, 1.0)], 0.2, 0.4, 0.05, 64), np.pi * (1.05**2 - 0.9**2) * 0.2),
    "pillow": (superellipsoid(1, 1, 1, 0.5), None),
    "sheet": (
        sheet(np.stack(np.meshgrid(np.arange(4.0), np.arange(3.0), [0.0], indexing="ij"), -1)[:, :, 0], 0.1),
        0.6,
    ),
    "mirrored box": (box(1, 1, 1).scaled(-1, 1, 1), 1.0),
    "ring of boxes": (ring_of(box(0.1, 0.1, 0.1), 6, 1.0), 0.006),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_builders_make_closed_outward_meshes_of_the_right_volume(name):
    mesh, volume = BUILDERS[name]
    assert is_closed(mesh)
    assert signed_volume(mesh) > 0
    if volume is not None:
        assert signed_volume(mesh) == pytest.approx(volume, rel=0.02)


def test_an_inside_out_mesh_has_negative_volume_and_a_holed_one_is_open():
    mesh = sphere(1.0)
    flipped = type(mesh)(mesh.vertices, mesh.faces[:, ::-1].copy())
    assert signed_volume(flipped) < 0
    assert not is_closed(type(mesh)(mesh.vertices, mesh.faces[1:]))


def test_triangles_of_a_concave_polygon_fill_its_area():
    outline = star_outline(1.0, 0.4)
    x, y = outline.T
    area = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    a, b, c = (outline[triangulate(outline)[:, k]] for k in range(3))
    parts = 0.5 * ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    assert len(parts) == len(outline) - 2
    assert (parts > 0).all() and parts.sum() == pytest.approx(area)


def test_curves_pass_through_their_control_points_without_overshoot():
    control = np.array([(0.40, 0.0), (0.42, 0.5), (0.42, 0.97), (0.40, 1.0)])
    fine = curve(control, 301)
    assert fine[0] == pytest.approx(control[0]) and fine[-1] == pytest.approx(control[-1])
    assert min(np.linalg.norm(fine - control[1], axis=1)) < 1e-9
    assert fine[:, 1].max() <= 1.0 + 1e-9


def test_corner_normals_of_a_sphere_point_out_and_of_a_box_are_its_faces():
    ball, cube = toy_of(sphere(0.5, 32)), toy_of(box(1, 1, 1))
    corners = ball.vertices[ball.faces] - (0, 0, 0.5)
    cosine = (corners * ball.normals).sum(-1) / np.linalg.norm(corners, axis=-1)
    assert cosine.min() > 0.995
    assert np.sort(np.abs(cube.normals).reshape(-1, 3), axis=1) == pytest.approx(
        np.tile((0, 0, 1), (3 * len(cube.faces), 1)), abs=1e-6
    )


# ---- cameras ----


def test_projection_round_trip_and_axes():
    rng = np.random.default_rng(0)
    camera = orbit((0.1, -0.2, 0.3), 2.0, 35.0, 25.0, width_px=200, height_px=120, roll_deg=11)
    points = rng.uniform(-0.4, 0.4, (50, 3))
    uv, depth = camera.project(points)
    assert camera.unproject(uv, depth) == pytest.approx(points, abs=1e-9)
    turn = camera.world_to_cam[:3, :3]
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-12) and np.linalg.det(turn) == pytest.approx(1.0)
    assert camera.project(np.array([(0.1, -0.2, 0.3)]))[0][0] == pytest.approx((100, 60))


def test_azimuth_zero_sees_right_as_x_and_up_as_minus_v():
    camera = orbit((0, 0, 0), 3.0, 0.0, 0.0, width_px=100)
    (right, up, back), depth = camera.project(np.array([(0.1, 0, 0), (0, 0, 0.1), (0, 0.5, 0)]))
    assert right[0] > 50 and right[1] == pytest.approx(50)
    assert up[1] < 50 and up[0] == pytest.approx(50)
    assert back == pytest.approx((50, 50)) and depth[2] == pytest.approx(3.5)


def test_look_at_refuses_an_eye_on_its_target():
    with pytest.raises(ValueError, match="same point"):
        look_at((1, 2, 3), (1, 2, 3))


# ---- rasteriser ----


def slow_rasterise(local, faces, fx, fy, cx, cy, width, height, is_culled):
    """Every pixel's ray against every triangle (Moeller & Trumbore 1997), nearest first: no edges, no z-buffer."""
    a, e1, e2 = local[faces[:, 0]], local[faces[:, 1]] - local[faces[:, 0]], local[faces[:, 2]] - local[faces[:, 0]]
    depth = np.full((height, width), np.inf)
    index = np.full((height, width), -1)
    bary = np.zeros((height, width, 2))
    for row in range(height):
        for col in range(width):
            ray = np.array([(col + 0.5 - cx) / fx, (row + 0.5 - cy) / fy, 1.0])
            p = np.cross(ray, e2)
            det = (e1 * p).sum(1)
            det = np.where(np.abs(det) < 1e-14, np.nan, det)
            u = (-a * p).sum(1) / det
            q = np.cross(-a, e1)
            v, t = q @ ray / det, (e2 * q).sum(1) / det
            hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 1e-3) & ((det > 0) | (not is_culled))
            if hit.any():
                f = int(np.argmin(np.where(hit, t, np.inf)))
                depth[row, col], index[row, col], bary[row, col] = t[f], f, (u[f], v[f])
    return depth, index, bary


@pytest.mark.parametrize("is_culled", [True, False])
def test_rasteriser_equals_its_slow_twin(is_culled):
    mesh = joined(box(0.8, 0.5, 0.6, 0.1, 2), sphere(0.3, 8).at(0.3, -0.2, 0.5), torus(0.5, 0.1, 8, 5))
    camera = orbit((0, 0, 0.3), 1.6, 33, 28, width_px=36, height_px=28)
    local = mesh.vertices @ camera.world_to_cam[:3, :3].T + camera.world_to_cam[:3, 3]
    args = (local, mesh.faces, camera.fx, camera.fy, camera.cx, camera.cy, 36, 28, is_culled)
    depth, index, bary = rasterise(*args)
    slow_depth, slow_index, slow_bary = slow_rasterise(*args)
    assert ((index >= 0) == (slow_index >= 0)).mean() > 0.998  # an edge may round either way
    both = (index == slow_index) & (index >= 0)
    assert both.sum() > 0.99 * (slow_index >= 0).sum() > 200
    assert depth[both] == pytest.approx(slow_depth[both], abs=1e-5)
    assert bary[both] == pytest.approx(slow_bary[both], abs=1e-4)


def test_faces_through_the_eye_plane_are_cut_not_lost():
    ground = floor(50.0)
    camera = look_at((0, 0, 1), (0, 1.7, 0), width_px=32)
    local = ground.vertices @ camera.world_to_cam[:3, :3].T + camera.world_to_cam[:3, 3]
    args = (local, ground.faces, camera.fx, camera.fy, camera.cx, camera.cy, 32, 32)
    depth, index, bary = rasterise(*args, True)
    assert (index >= 0).all()  # the floor fills the picture below the horizon
    rows, cols = np.mgrid[0:32, 0:32]
    world = camera.unproject(np.column_stack([cols.ravel() + 0.5, rows.ravel() + 0.5]), depth.ravel().astype(float))
    assert np.abs(world[:, 2]).max() < 1e-4
    weights = np.stack([1 - bary.sum(-1), bary[..., 0], bary[..., 1]], -1)
    mixed = (weights[..., None] * ground.vertices[ground.faces[index]]).sum(2)
    assert mixed.reshape(-1, 3) == pytest.approx(world, abs=2e-2)


def test_sphere_has_the_projected_area_and_centre_depth():
    radius, distance, side = 0.5, 4.0, 200
    view = render(scene_of(sphere(0.5, 64)), orbit((0, 0, 0.5), distance, 20, 15, width_px=side, fov_deg=30), SHARP)
    focal = view.camera.fx
    disc_px = focal * np.tan(np.arcsin(radius / distance))
    assert (view.instances == 1).sum() == pytest.approx(np.pi * disc_px**2, rel=0.01)
    assert view.depth[side // 2, side // 2] == pytest.approx(distance - radius, abs=2e-3)
    assert np.isinf(view.depth[0, 0]) and view.instances[0, 0] == 0


def test_cube_mask_equals_the_hull_of_its_projected_corners():
    scene = scene_of(box(1, 1, 1))
    camera = orbit((0, 0, 0.5), 4, 30, 25, width_px=160)
    mask = render(scene, camera, SHARP).instances == 1
    uv, _ = camera.project(scene.objects[0].world_vertices())
    rows, cols = np.mgrid[0:160, 0:160]
    centres = np.stack([cols + 0.5, rows + 0.5], -1).reshape(-1, 2)
    inside = np.zeros(len(centres), bool)
    faces = scene.objects[0].toy.faces
    for a, b, c in uv[faces]:
        sign = [
            (q - p)[0] * (centres - p)[:, 1] - (q - p)[1] * (centres - p)[:, 0] for p, q in ((a, b), (b, c), (c, a))
        ]
        inside |= (np.min(sign, axis=0) >= 0) | (np.max(sign, axis=0) <= 0)
    assert (mask.ravel() == inside).mean() > 0.9995


def test_nearer_object_hides_the_farther():
    cube = toy_of(box(1, 1, 1))
    objects = tuple(Placed(cube, (0.0, y, 0.0), 0.0, 1.0) for y in (2.0, 0.0))
    view = render(Scene(objects, EMPTY, Light()), orbit((0, 0, 0.5), 6, 0, 0, width_px=64), SHARP)
    assert view.objects[0].pixels == 0 and view.objects[1].pixels > 100
    assert view.depth[32, 32] == pytest.approx(5.5, abs=1e-4)


def test_light_heights_hold_the_highest_point_towards_the_light():
    cube = box(1, 1, 1)
    heights = light_heights(cube.vertices, cube.faces, light_frames(np.array([(0.0, 0.0, 1.0)])), np.zeros(3), 1.0, 20)
    assert heights[0, 10, 10] == pytest.approx(1.0)
    assert np.isneginf(heights[0, 1, 1]) and (heights[0] == 1.0).mean() == pytest.approx(0.25, abs=0.02)


# ---- shading ----


def test_unlit_paint_comes_out_as_its_srgb():
    material = Material("green", (0.2, 0.6, 0.4), is_unlit=True)
    view = render(scene_of(box(1, 1, 1), material), orbit((0, 0, 0.5), 3, 30, 20, width_px=32), Quality(2, 1, 4, 32))
    assert view.rgb[16, 16].tolist() == [51, 153, 102]


def test_open_white_floor_reflects_sun_and_sky():
    white = Material("white", (1.0, 1.0, 1.0), "cloth")
    stage = Stage("floor", (("floor", floor(5.0), white),), "studio")
    light = Light(sun_elevation_deg=90, sun_rgb=(0.2, 0.2, 0.2), zenith_rgb=(0.3,) * 3, horizon_rgb=(0.3,) * 3)
    scene = Scene((), stage, light)
    view = render(scene, orbit((0, 0, 0), 2, 0, 60, width_px=16), Quality(1, 1, 64, 16))
    linear = to_linear(view.rgb[8, 8] / 255.0)
    assert linear == pytest.approx(np.full(3, 0.5), abs=0.02)  # 0.2 sun + 0.3 sky; cloth adds a trace of sheen


def test_a_toy_throws_a_shadow_away_from_the_sun():
    white = Material("white", (0.5, 0.5, 0.5), "cloth")
    stage = Stage("floor", (("floor", floor(5.0), white),), "studio")
    light = Light(
        sun_azimuth_deg=-90, sun_elevation_deg=45, sun_rgb=(0.6,) * 3, zenith_rgb=(0.2,) * 3, horizon_rgb=(0.2,) * 3
    )
    scene = Scene((Placed(toy_of(box(0.4, 0.4, 1.0)), (0, 0, 0), 0, 1.0),), stage, light)
    camera = orbit((0, 0, 0), 6, 0, 89, width_px=96, fov_deg=40)
    view = render(scene, camera, Quality(1, 1, 32, 128))
    uv, _ = camera.project(np.array([(0.7, 0.0, 0.0), (-0.7, 0.0, 0.0)]))
    shadow, lit = (view.rgb[int(v), int(u)].astype(int).sum() for u, v in uv)
    assert shadow < 0.7 * lit


def test_highlights_need_shine():
    def brightest(finish: str) -> int:
        black = Material("black", (0.02, 0.02, 0.02), finish)
        view = render(scene_of(sphere(0.5, 48), black), orbit((0, 0, 0.5), 3, 0, 20, width_px=64), SHARP)
        return int(view.rgb[view.instances == 1].max())

    assert brightest("glossy") > 120 > brightest("cloth")


def test_pooled_labels_take_the_majority_and_the_nearer_on_a_tie():
    depth = np.array([[3, 3], [1, 1]], np.float32)
    objects = np.array([[1, 1], [2, 2]], np.int32)
    assert [int(out[0, 0]) for out in pool_labels(depth, objects, objects * 10, 2)] == [2, 20, 1]
    objects = np.array([[1, 1], [1, 2]], np.int32)
    small, parts, pooled = pool_labels(depth, objects, np.array([[5, 6], [6, 7]], np.int32), 2)
    assert (small[0, 0], parts[0, 0], pooled[0, 0]) == (1, 6, pytest.approx(7 / 3))


def test_surface_points_lie_on_the_surface_evenly():
    scene = scene_of(sphere(0.5, 48))
    surface = sample_surface(scene, 4000, np.random.default_rng(0), quality=SHARP)
    away = surface.positions - (0, 0, 0.5)
    assert np.linalg.norm(away, axis=1) == pytest.approx(np.full(4000, 0.5), abs=4e-3)
    assert (away * surface.normals).sum(1).min() > 0.49
    assert surface.area_m2 * 4000 == pytest.approx(np.pi, rel=0.01)
    assert np.abs(away.mean(0)).max() < 0.03
    assert (surface.object_id == 1).all() and surface.lit_rgb.shape == (4000, 3)


def test_turned_toy_turns_counter_clockwise_seen_from_above():
    placed = Placed(toy_of(box(1, 0.2, 0.2)), (1.0, 2.0, 0.0), 90.0, 2.0)
    assert np.ptp(placed.world_vertices(), axis=0) == pytest.approx((0.4, 2.0, 0.4))
    assert rotation("z", 90) @ (1, 0, 0) == pytest.approx((0, 1, 0))


def test_photo_backdrop_stays_where_nothing_hides_or_shades_it():
    photo = np.full((20, 20, 3), (40, 120, 200), np.uint8)
    view: View = render(scene_of(sphere(0.5, 24)), orbit((0, 0, 0.5), 4, 0, 10, width_px=48), SHARP, photo=photo)
    assert np.abs(view.rgb[2, 2].astype(int) - (40, 120, 200)).max() <= 1
