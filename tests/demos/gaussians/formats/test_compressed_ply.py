"""Compressed .ply of SuperSplat: our writer, gsplat's writer, a slow unpacker, and damaged files."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import numpy as np
import pytest

from core.errors import InputError
from demos.gaussians.formats.blob import open_blob
from demos.gaussians.formats.compressed_ply import CHUNK, write_compressed_ply
from demos.gaussians.formats.ply import read_ply
from demos.gaussians.formats.result import ReadScene
from demos.gaussians.scene import GaussianScene
from tests.demos.gaussians.formats.gsplat_exporter import gsplat_bytes
from tests.demos.gaussians.scenes import random_scene, rotation_error_rad


def read(data: bytes, *, budget: int = 10**6) -> ReadScene:
    return read_ply(open_blob(data, name="biker.compressed.ply"), budget=budget)


def matched(found: GaussianScene, scene: GaussianScene) -> GaussianScene:
    """The found Gaussians in the order of the original, by nearest centres."""
    distances = np.linalg.norm(found.means_xyz[None] - scene.means_xyz[:, None], axis=2)
    rows = distances.argmin(1)
    assert len(set(rows.tolist())) == len(scene)
    return found.take(rows)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_round_trip_within_the_steps_of_the_format(degree: int) -> None:
    scene = random_scene(600, degree=degree)  # three chunks, the last one not full
    found = read(write_compressed_ply(scene))
    assert found.kind == "compressed .ply" and found.notes == ()
    back = matched(found.scene, scene)
    span = np.ptp(scene.means_xyz, 0)
    assert (np.abs(back.means_xyz - scene.means_xyz) <= span / 1023).all()
    assert np.abs(back.log_scales - scene.log_scales).max() <= np.ptp(scene.log_scales) / 1023
    assert np.abs(back.opacities - scene.opacities).max() <= 0.5 / 255 + 1e-3
    assert np.abs(back.sh[:, 0] - scene.sh[:, 0]).max() <= np.ptp(scene.sh[:, 0]) / 255
    if degree:
        assert np.abs(back.sh[:, 1:] - scene.sh[:, 1:]).max() <= 8 / 256 / 2 + 1e-6
    assert rotation_error_rad(back.quats_wxyz, scene.quats_wxyz).max() < 4e-3


def test_a_second_trip_changes_little() -> None:
    once = read(write_compressed_ply(random_scene(300))).scene
    twice = matched(read(write_compressed_ply(once)).scene, once)
    np.testing.assert_allclose(twice.sh[:, 1:], once.sh[:, 1:], atol=1e-6)
    np.testing.assert_allclose(twice.opacities, once.opacities, atol=1e-6)
    np.testing.assert_allclose(twice.means_xyz, once.means_xyz, atol=1e-2)


@pytest.mark.parametrize("degree", [0, 2, 3])
def test_what_gsplat_packs(degree: int) -> None:
    scene = random_scene(300, degree=degree)
    scene = replace(scene, opacity_logits=np.maximum(scene.opacity_logits, -4))  # gsplat drops what is below 1/255
    data = gsplat_bytes(scene, "ply_compressed")
    back = matched(read(data).scene, scene)
    assert np.abs(back.log_scales - scene.log_scales).max() < 1e-2
    assert np.abs(back.sh[:, 0] - scene.sh[:, 0]).max() < 0.05
    assert np.abs(back.sh[:, 1:] - scene.sh[:, 1:]).max(initial=0) < 0.02
    assert rotation_error_rad(back.quats_wxyz, scene.quats_wxyz).max() < 4e-3


def by_hand(packed: tuple[int, int, int, int], *, sh: bytes = b"", with_colours: bool = True) -> bytes:
    """One Gaussian between the bounds -1, -2, -3 and 1, 2, 3 (log-scales -4 to -2, colours -0.5 to 1.5)."""
    bounds = [-1, -2, -3, 1, 2, 3, -4, -4, -4, -2, -2, -2, -0.5, -0.5, -0.5, 1.5, 1.5, 1.5]
    names = [f"{end}_{axis}" for end in ("min", "max") for axis in "xyz"]
    names += [f"{end}_scale_{axis}" for end in ("min", "max") for axis in "xyz"]
    names += [f"{end}_{axis}" for end in ("min", "max") for axis in "rgb"]
    if not with_colours:
        bounds, names = bounds[:12], names[:12]
    lines = ["ply", "format binary_little_endian 1.0", "element chunk 1", *(f"property float {n}" for n in names)]
    lines += ["element vertex 1"]
    lines += [f"property uint packed_{n}" for n in ("position", "rotation", "scale", "color")]
    lines += ["element sh 1", *(f"property uchar f_rest_{i}" for i in range(len(sh)))] if sh else []
    head = "\n".join([*lines, "end_header", ""]).encode()
    return head + struct.pack(f"<{len(bounds)}f4I", *bounds, *packed) + sh


def test_every_bit_is_where_it_belongs() -> None:
    position = 2047 << 21 | 0 << 11 | 1024
    scale = 0 << 21 | 1023 << 11 | 2047
    rotation = 2 << 30 | 512 << 20 | 700 << 10 | 100  # y is the greatest; w, x, z in 10 bits each
    colour = 255 << 24 | 0 << 16 | 51 << 8 | 204
    found = read(by_hand((position, rotation, scale, colour), sh=bytes([0, 255, 128, 64, 1, 254, 127, 200, 10]))).scene
    np.testing.assert_allclose(found.means_xyz[0], [1, -2, -3 + 6 * 1024 / 2047], rtol=1e-6)
    np.testing.assert_allclose(found.log_scales[0], [-4, -2, -2])
    w, x, z = ((v / 1023 - 0.5) * math.sqrt(2) for v in (512, 700, 100))
    y = math.sqrt(1 - w * w - x * x - z * z)
    np.testing.assert_allclose(found.quats_wxyz[0], [w, x, y, z], atol=1e-6)
    rgb = [-0.5 + 2 * v / 255 for v in (255, 0, 51)]
    np.testing.assert_allclose(found.sh[0, 0], [(c - 0.5) / 0.28209479177387814 for c in rgb], rtol=1e-5)
    assert found.opacities[0] == pytest.approx(0.8)
    expected = [-4.0, 4.0, *((v + 0.5) / 32 - 4 for v in (128, 64, 1, 254, 127, 200, 10))]
    np.testing.assert_allclose(found.sh[0, 1:].T.ravel(), expected, atol=1e-6)  # channel-major


def test_older_files_bound_no_colours() -> None:
    found = read(by_hand((0, 0, 0, 51 << 24 | 102 << 16 | 255 << 8 | 128), with_colours=False)).scene
    np.testing.assert_allclose(found.sh[0, 0] * 0.28209479177387814 + 0.5, [0.2, 0.4, 1.0], atol=1e-6)


def test_equal_neighbours_are_no_division_by_0() -> None:
    scene = random_scene(4).take(np.zeros(300, np.intp))
    with np.errstate(all="raise"):
        found = read(write_compressed_ply(scene)).scene
    np.testing.assert_allclose(found.means_xyz, scene.means_xyz, atol=1e-5)


def test_budget() -> None:
    found = read(write_compressed_ply(random_scene(600)), budget=50)
    assert len(found.scene) == 50 and "Of its 600 Gaussians" in found.notes[0]


@pytest.mark.parametrize(
    "old, new, words",
    [
        (b"element chunk 3", b"element chunk 2", "too few"),
        (b"property float min_x", b"property float min_q", "no bounds"),
        (b"element vertex 600", b"element vertex 999999999999", "cut short"),
    ],
)
def test_damage(old: bytes, new: bytes, words: str) -> None:
    data = write_compressed_ply(random_scene(600))
    assert old in data
    with pytest.raises(InputError, match=words):
        read(data.replace(old, new, 1))


def test_harmonics_that_do_not_fit_are_left_out_and_said() -> None:
    data = write_compressed_ply(random_scene(4, degree=1)).replace(b"f_rest_3", b"f_test_3", 1)
    found = read(data)
    assert found.scene.degree == 0 and "do not fit" in found.notes[0]


def test_bounds_that_are_no_numbers() -> None:
    data = bytearray(write_compressed_ply(random_scene(CHUNK + 10)))
    start = data.index(b"end_header\n") + len(b"end_header\n")
    data[start : start + 4] = struct.pack("<f", math.nan)
    found = read(bytes(data))
    assert len(found.scene) == 10 and "256 Gaussians were left out" in found.notes[0]
