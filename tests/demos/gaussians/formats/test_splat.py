""".splat: our writer, gsplat's, every byte by hand, and bytes that are none."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from core.errors import InputError
from demos.gaussians.formats.blob import open_blob
from demos.gaussians.formats.result import ReadScene
from demos.gaussians.formats.splat import ROW, read_splat, write_splat
from demos.gaussians.scene import GaussianScene
from tests.demos.gaussians.formats.gsplat_exporter import gsplat_bytes
from tests.demos.gaussians.scenes import random_scene, rotation_error_rad


def read(data: bytes, *, budget: int = 10**6) -> ReadScene:
    return read_splat(open_blob(data, name="nike.splat"), budget=budget)


def sorted_as_written(scene: GaussianScene) -> GaussianScene:
    return scene.take(np.argsort(-(scene.scales.prod(1) * scene.opacities)))


def test_round_trip_within_a_byte() -> None:
    scene = random_scene(200, degree=0)
    found = read(write_splat(scene))
    expected = sorted_as_written(scene)
    assert found.notes == () and found.kind == ".splat"
    np.testing.assert_array_equal(found.scene.means_xyz, expected.means_xyz)
    np.testing.assert_allclose(found.scene.log_scales, expected.log_scales, atol=1e-5)
    assert np.abs(found.scene.opacities - expected.opacities).max() <= 0.5 / 255 + 1e-3
    colours = np.clip(expected.sh[:, 0] * 0.28209479 + 0.5, 0, 1)
    assert np.abs(found.scene.sh[:, 0] * 0.28209479 + 0.5 - colours).max() <= 0.5 / 255 + 1e-5
    assert rotation_error_rad(found.scene.quats_wxyz, expected.quats_wxyz).max() < 0.02


def test_a_second_trip_changes_nothing() -> None:
    once = write_splat(random_scene(50))
    both = (np.frombuffer(data, ROW) for data in (once, write_splat(read(once).scene)))
    one, two = (rows[np.argsort(rows["mean"][:, 0])] for rows in both)  # rounded opacities may swap neighbours
    for name in ("mean", "rgba", "rotation"):
        np.testing.assert_array_equal(one[name], two[name])
    np.testing.assert_allclose(one["scale"], two["scale"], rtol=1e-6)


def test_every_byte_is_where_it_belongs() -> None:
    data = struct.pack("<6f8B", 1, -2, 3, 0.5, 1, 2, 255, 0, 51, 204, 128, 128, 255, 128)
    found = read(data).scene
    np.testing.assert_array_equal(found.means_xyz, [[1, -2, 3]])
    np.testing.assert_allclose(found.scales, [[0.5, 1, 2]], rtol=1e-6)
    np.testing.assert_allclose(found.sh[:, 0] * 0.28209479 + 0.5, [[1, 0, 0.2]], atol=1e-6)
    np.testing.assert_allclose(found.opacities, [0.8], atol=1e-6)
    np.testing.assert_allclose(found.quats_wxyz, [[0, 0, 1, 0]])


def test_what_gsplat_writes() -> None:
    scene = random_scene(64, degree=0)
    found = read(gsplat_bytes(scene, "splat")).scene
    order, expected_order = np.argsort(found.means_xyz[:, 0]), np.argsort(scene.means_xyz[:, 0])
    found, scene = found.take(order), scene.take(expected_order)
    np.testing.assert_array_equal(found.means_xyz, scene.means_xyz)
    np.testing.assert_allclose(found.log_scales, scene.log_scales, atol=1e-5)
    assert np.abs(found.opacities - scene.opacities).max() <= 1 / 255 + 1e-3  # gsplat cuts off where we round
    assert rotation_error_rad(found.quats_wxyz, scene.quats_wxyz).max() < 0.04


def test_no_rotation_and_no_size() -> None:
    data = struct.pack("<6f8B", 0, 0, 0, 0, 1, 1, 9, 9, 9, 255, 128, 128, 128, 128)
    found = read(data * 2)
    assert found.scene.quats_wxyz.tolist() == [[1, 0, 0, 0]] * 2 and "2 rotations" in found.notes[0]
    assert 0 < found.scene.scales[0, 0] < 1e-12
    assert found.scene.opacities[0] == pytest.approx(1, abs=2e-3)


def test_rows_with_a_negative_size_are_left_out() -> None:
    good = struct.pack("<6f8B", 0, 0, 0, 1, 1, 1, 9, 9, 9, 255, 255, 128, 128, 128)
    bad = struct.pack("<6f8B", 0, 0, 0, -1, 1, 1, 9, 9, 9, 255, 255, 128, 128, 128)
    found = read(good * 3 + bad)
    assert len(found.scene) == 3 and "1 Gaussian was left out" in found.notes[0]


def test_budget() -> None:
    found = read(write_splat(random_scene(100)), budget=7)
    assert len(found.scene) == 7 and "Of its 100 Gaussians the 7" in found.notes[0]


def test_bytes_that_are_no_splat() -> None:
    with pytest.raises(InputError, match="no multiple of 32"):
        read(bytes(33))
    with pytest.raises(InputError, match="most of its rows"):
        read(np.random.default_rng(0).integers(0, 256, 3_200, np.uint8).tobytes())
    with pytest.raises(InputError, match="empty"):
        read(b"")
