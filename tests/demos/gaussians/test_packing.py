"""The file that the page loads: decoded number by number, its order, its patches, and how close a picture of it is."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from demos.gaussians import packing
from demos.gaussians.colour import C0
from demos.gaussians.raster import render
from demos.gaussians.rotations import matrices_from_quats
from demos.gaussians.scene import GaussianScene
from tests.demos.gaussians.scenes import random_scene
from tests.demos.gaussians.views import ball, camera


def decoded(data: bytes) -> GaussianScene:
    """The scene behind a file, read one number after the other as the format's table says."""
    magic, count, degree, band_range = struct.unpack_from("<4sIIf", data)
    assert magic == b"GSV1"
    bands = (degree + 1) ** 2
    assert len(data) == 32 + 32 * count + 3 * (bands - 1) * count
    means, scales, quats, logits, sh = [], [], [], [], []
    for i in range(count):
        x, y, z, *rest = struct.unpack_from("<3f3eH3H3H", data, 32 + 32 * i)
        rgb, opacity, steps, turn = rest[:3], rest[3], rest[4:7], rest[7:]
        three = [((word & 32_767) / 32_767 * 2 - 1) / math.sqrt(2) for word in turn]
        three.insert(turn[0] >> 15 | turn[1] >> 15 << 1, math.sqrt(max(0.0, 1 - sum(v * v for v in three))))
        alpha = min(max(opacity / 65_535, 1e-6), 1 - 1e-6)
        higher = struct.unpack_from(f"<{3 * (bands - 1)}b", data, 32 + 32 * count + 3 * (bands - 1) * i)
        means.append((x, y, z))
        scales.append([step * 24 / 65_535 - 16 for step in steps])
        quats.append(three)
        logits.append(math.log(alpha / (1 - alpha)))
        sh.append([[(value - 0.5) / C0 for value in rgb], *np.reshape(higher, (-1, 3)) * band_range / 127])
    arrays = (np.array(values, np.float32) for values in (means, scales, quats, logits, sh))
    return GaussianScene(*arrays)


def unpacked(text: str, dtype: str) -> NDArray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_every_number_comes_back(degree: int) -> None:
    scene = random_scene(60, degree=degree, seed=degree)
    packed = packing.pack(scene)
    found, wanted = decoded(packed.to_bytes()), scene.take(packed.order)
    np.testing.assert_array_equal(found.means_xyz, wanted.means_xyz)
    np.testing.assert_allclose(found.log_scales, wanted.log_scales, atol=2e-4)
    np.testing.assert_allclose(found.opacities, wanted.opacities, atol=1e-5)
    np.testing.assert_allclose(found.sh[:, 0], wanted.sh[:, 0], atol=4e-3)
    np.testing.assert_allclose(found.sh[:, 1:], wanted.sh[:, 1:], atol=packed.band_range / 127 / 2 + 1e-6)
    turns = matrices_from_quats(found.quats_wxyz) - matrices_from_quats(wanted.quats_wxyz)
    assert np.abs(turns).max() < 2e-4


def test_a_picture_of_the_file_is_that_of_the_scene() -> None:
    scene, view = random_scene(400, degree=1, seed=3), camera(160, 120)
    before = render(scene, view).rgb
    after = render(decoded(packing.pack(scene).to_bytes()), view).rgb
    assert np.abs(before - after).mean() < 1e-3 and np.abs(before - after).max() < 0.02


def test_thin_gaussians_stay_thin() -> None:
    """Axes a thousand times as long as wide: what a covariance of 16-bit numbers would lose."""
    needle = ball((0.0, 0.0, 0.0), scale=(1.0, 0.001, 0.001), quat_wxyz=(0.9, 0.3, -0.3, 0.1))
    needle = replace(needle, quats_wxyz=needle.quats_wxyz / np.linalg.norm(needle.quats_wxyz))
    found = decoded(packing.pack(needle).to_bytes())
    np.testing.assert_allclose(found.scales, needle.scales, rtol=4e-4)


def test_the_most_visible_come_first() -> None:
    scene = random_scene(200, seed=5)
    order = packing.pack(scene).order
    assert sorted(order) == list(range(200))
    areas = np.sort(scene.scales, 1)[:, 1:].prod(1) * scene.opacities
    assert (np.diff(areas[order]) <= 1e-9).all()


def test_too_many_are_cut_to_the_most_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_SHOWN", 50)
    monkeypatch.setattr(packing, "MAX_BAND_BYTES", 50 * 24)
    scene = random_scene(80, degree=3)
    packed = packing.pack(scene)
    assert len(packed) == 50 and packed.degree == 2, "the highest degree stays behind"
    assert packed.order.tolist() == packing._by_visibility(scene)[:50].tolist()


def test_values_travel_in_the_order_of_the_file() -> None:
    packed = packing.pack(random_scene(40, seed=1))
    values = np.linspace(-0.1, 1.1, 40)
    steps = unpacked(packing.layer(values, packed), "u1")
    assert steps.tolist() == [round(255 * min(max(values[row], 0), 1)) for row in packed.order]
    ids = np.arange(-1, 39)
    assert unpacked(packing.ids_layer(ids, packed), "<u2").tolist() == [row for row in packed.order]
    assert unpacked(packing.layer(np.full(40, np.nan), packed), "u1").max() == 0


@given(st.integers(1, 60), st.integers(0, 3), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_a_patch_leads_from_one_packing_to_the_other(count: int, degree: int, seed: int) -> None:
    scene = random_scene(count, degree=degree, seed=seed)
    rng = np.random.default_rng(seed)
    rows = rng.random(count) < 0.3
    sh, means = scene.sh.copy(), scene.means_xyz.copy()
    sh[rows] *= np.float32(0.5)
    means[rows] += np.float32(1)
    before = packing.pack(scene)
    after = packing.repacked(before, replace(scene, sh=sh, means_xyz=means))
    told = packing.patch(before, after)
    at = unpacked(told["at"], "<u4")
    assert told["count"] == len(at) == rows.sum()
    found_rows, found_bands = before.rows.copy(), before.bands.copy()
    found_rows[at] = unpacked(told["rows"], packing.ROW)  # type: ignore[arg-type]
    found_bands[at] = unpacked(told["bands"], "i1").reshape(len(at), *before.bands.shape[1:])
    assert found_rows.tobytes() == after.rows.tobytes() and (found_bands == after.bands).all()


def test_nothing_changed_is_an_empty_patch() -> None:
    scene = random_scene(9)
    packed = packing.pack(scene)
    assert packing.patch(packed, packing.repacked(packed, scene))["count"] == 0


def test_colours_beyond_every_picture_stay_finite() -> None:
    bright = replace(random_scene(3, degree=0), sh=np.full((3, 1, 3), 1e6, np.float32))
    assert np.isfinite(packing.pack(bright).rows["rgb"]).all()
