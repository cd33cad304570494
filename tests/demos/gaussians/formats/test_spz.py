""".spz: our writer, a slow unpacker written from the format's description, versions by hand, bombs and damage."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from core.errors import InputError
from demos.gaussians.formats.blob import open_blob
from demos.gaussians.formats.result import ReadScene
from demos.gaussians.formats.spz import read_spz, write_spz
from tests.demos.gaussians.scenes import random_scene, rotation_error_rad

# Signs of the 15 coefficients when y and z are turned round, as nianticlabs/spz lists them: y, z, x, xy, yz, ...
FLIPS = (-1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1)


def read(data: bytes, *, budget: int = 10**6) -> ReadScene:
    return read_spz(open_blob(data, name="racoon.spz"), budget=budget)


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(data)
    return str(caught.value)


def packed(
    version: int,
    columns: tuple[bytes, ...],
    *,
    count: int = 1,
    degree: int = 0,
    fraction_bits: int = 12,
    flags: int = 0,
    magic: bytes = b"NGSP",
) -> bytes:
    return gzip.compress(
        struct.pack("<4sIIBBBB", magic, version, count, degree, fraction_bits, flags, 0) + b"".join(columns)
    )


def fixed24(*values: int) -> bytes:
    return b"".join(value.to_bytes(3, "little", signed=True) for value in values)


@pytest.mark.parametrize("version, angle", [(2, 0.2), (3, 0.006)])
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_round_trip_within_the_steps_of_the_format(version: int, angle: float, degree: int) -> None:
    scene = random_scene(150, degree=degree)
    found = read(write_spz(scene, version=version))
    assert found.notes == () and found.kind == f".spz version {version}"
    back = found.scene
    np.testing.assert_allclose(back.means_xyz, scene.means_xyz, atol=1e-6)
    np.testing.assert_allclose(back.log_scales, scene.log_scales, atol=1 / 32 + 1e-6)
    assert np.abs(back.opacities - scene.opacities).max() <= 0.5 / 255 + 1e-3
    assert np.abs(back.sh[:, 0] - np.clip(scene.sh[:, 0], -10 / 3, 10 / 3)).max() <= 0.5 / 255 / 0.15 + 1e-6
    assert np.abs(back.sh[:, 1:4] - np.clip(scene.sh[:, 1:4], -1, 127 / 128)).max(initial=0) <= 4.5 / 128
    assert np.abs(back.sh[:, 4:] - np.clip(scene.sh[:, 4:], -1, 127 / 128)).max(initial=0) <= 8.5 / 128
    assert rotation_error_rad(back.quats_wxyz, scene.quats_wxyz).max() < angle


@pytest.mark.parametrize("version", [2, 3])
def test_a_second_trip_changes_nothing(version: int) -> None:
    once = write_spz(random_scene(40), version=version)
    one, two = gzip.decompress(once), gzip.decompress(write_spz(read(once).scene, version=version))
    start, rotations = 16 + 40 * (9 + 1 + 3 + 3), 40 * (3 if version == 2 else 4)
    assert one[:start] == two[:start] and one[start + rotations :] == two[start + rotations :]


def test_every_byte_of_version_2_is_where_it_belongs() -> None:
    rest = bytes(range(128, 128 + 45))
    columns = (
        fixed24(4096, 8192, -2048),
        bytes([204]),
        bytes([128, 0, 255]),
        bytes([160, 144, 176]),
        bytes([255, 128, 128]),
    )
    found = read(packed(2, (*columns, rest), degree=3)).scene
    np.testing.assert_allclose(found.means_xyz, [[1, -2, 0.5]])  # right, up, back -> right, down, forward
    np.testing.assert_allclose(found.opacities, [0.8], atol=1e-6)
    np.testing.assert_allclose(found.sh[0, 0], [(v / 255 - 0.5) / 0.15 for v in (128, 0, 255)], atol=1e-6)
    np.testing.assert_allclose(found.log_scales, [[0, -1, 1]])
    np.testing.assert_allclose(found.quats_wxyz, [[0, 1, 0, 0]], atol=6e-3)
    coefficient_major = np.arange(45).reshape(15, 3) / 128 * np.array(FLIPS)[:, None]
    np.testing.assert_allclose(found.sh[0, 1:], coefficient_major, atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_version_3_rotations_by_a_slow_unpacker(seed: int) -> None:
    word = int(np.random.default_rng(seed).integers(0, 2**32))
    greatest, xyzw, left = word >> 30, [0.0] * 4, word
    for place in (3, 2, 1, 0):
        if place != greatest:
            size = (left & 511) / 511 * math.sqrt(0.5)
            xyzw[place] = -size if left & 512 else size
            left >>= 10
    xyzw[greatest] = math.sqrt(max(0.0, 1 - sum(v * v for v in xyzw)))
    columns = (fixed24(0, 0, 0), b"\x80", bytes(3), bytes(3), struct.pack("<I", word))
    x, y, z, w = np.array(xyzw) / np.linalg.norm(xyzw)
    np.testing.assert_allclose(read(packed(3, columns)).scene.quats_wxyz, [[w, x, -y, -z]], atol=1e-5)


def test_version_1_has_half_floats() -> None:
    columns = (np.array([1.5, -2, 0.25], "<f2").tobytes(), b"\x80", bytes(3), bytes(3), bytes([128, 128, 128]))
    np.testing.assert_allclose(read(packed(1, columns)).scene.means_xyz, [[1.5, 2, -0.25]])


def test_degree_4_is_cut_down_and_said() -> None:
    columns = (fixed24(0, 0, 0), b"\x80", bytes(3), bytes(3), bytes(4), bytes([128] * 72))
    found = read(packed(3, columns, degree=4))
    assert found.scene.sh.shape == (1, 16, 3) and "degree 4" in found.notes[0]


def test_flags_are_said() -> None:
    columns = (fixed24(0, 0, 0), b"\x80", bytes(3), bytes(3), bytes(4))
    notes = read(packed(3, columns, flags=3)).notes
    assert "anti-aliased" in notes[0] and "extensions" in notes[1]


def test_a_file_that_was_unpacked_already() -> None:
    data = write_spz(random_scene(5))
    np.testing.assert_array_equal(read(gzip.decompress(data)).scene.sh, read(data).scene.sh)


@pytest.mark.parametrize("reach, expected_bits", [(0.001, 20), (1.0, 20), (100.0, 16), (3_000.0, 11)])
def test_large_scenes_keep_their_corners_and_small_ones_their_detail(reach: float, expected_bits: int) -> None:
    scene = random_scene(30)
    scene = replace(scene, means_xyz=scene.means_xyz / np.abs(scene.means_xyz).max() * np.float32(reach))
    data = write_spz(scene)
    assert gzip.decompress(data)[13] == expected_bits
    np.testing.assert_allclose(read(data).scene.means_xyz, scene.means_xyz, atol=0.51 / 2**expected_bits, rtol=1e-6)


def zstd_or_skip() -> object:
    try:
        from compression import zstd
    except ImportError:
        return pytest.importorskip("zstandard")
    return zstd


def version_4(columns: tuple[bytes, ...], *, count: int, degree: int, claimed: int | None = None) -> bytes:
    zstd = zstd_or_skip()
    compress = zstd.compress  # type: ignore[attr-defined]
    streams = [compress(column) for column in columns if column]
    head = struct.pack("<4sIIBBBBI12x", b"NGSP", 4, count, degree, 12, 0, len(streams), 32)
    sizes = [claimed if claimed is not None else len(column) for column in columns if column]
    table = b"".join(struct.pack("<QQ", len(stream), size) for stream, size in zip(streams, sizes, strict=True))
    return head + table + b"".join(streams)


def columns_of(data: bytes) -> tuple[tuple[bytes, ...], int, int]:
    """The columns of a version 3 file, its count and degree."""
    body = gzip.decompress(data)
    count, degree = struct.unpack_from("<I", body, 8)[0], body[12]
    sizes = [9, 1, 3, 3, 4, 3 * (0, 3, 8, 15)[degree]]
    columns, at = [], 16
    for size in sizes:
        columns.append(body[at : at + count * size])
        at += count * size
    return tuple(columns), count, degree


@pytest.mark.parametrize("degree", [0, 3])
def test_version_4_is_version_3_in_zstd(degree: int) -> None:
    scene = replace(random_scene(30, degree=degree), means_xyz=random_scene(30).means_xyz * 100)
    data = write_spz(scene)
    columns, count, degree = columns_of(data)
    found = read(version_4(columns, count=count, degree=degree))
    assert found.kind == ".spz version 4"
    np.testing.assert_array_equal(found.scene.quats_wxyz, read(data).scene.quats_wxyz)
    np.testing.assert_array_equal(found.scene.sh, read(data).scene.sh)


def test_version_4_damaged() -> None:
    columns, count, degree = columns_of(write_spz(random_scene(30, degree=0)))
    good = version_4(columns, count=count, degree=degree)
    assert "cut short" in refusal(good[:-10])
    assert "cut short" in refusal(good[:40])
    assert "size it claims" in refusal(version_4(columns, count=count, degree=degree, claimed=2**50))
    assert "cannot be unpacked" in refusal(good[:112] + b"\0" * (len(good) - 112))


def test_version_4_without_a_library_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "compression", None)
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    head = struct.pack("<4sIIBBBBI12x", b"NGSP", 4, 1, 0, 12, 0, 5, 32)
    sentence = refusal(head + struct.pack("<QQ", 5, 9) * 5 + bytes(40))
    assert "version 4" in sentence and "zstandard" in sentence and "version 3" in sentence


def test_what_is_no_spz() -> None:
    columns = (fixed24(0, 0, 0), b"\x80", bytes(3), bytes(3), bytes(4))
    assert "is no .spz" in refusal(packed(3, columns, magic=b"GIF8"))
    assert "is no .spz" in refusal(gzip.compress(b"hi"))
    assert "version 9" in refusal(packed(9, columns))
    assert "degree 5" in refusal(packed(3, columns, degree=5))
    assert "99 fractional bits" in refusal(packed(3, columns, fraction_bits=99))
    assert "holds no Gaussian" in refusal(packed(3, columns, count=0))
    assert "4,294,967,295" in refusal(packed(3, columns, count=2**32 - 1))
    assert "cut short" in refusal(packed(3, columns, count=2))
    assert "cannot be unpacked" in refusal(write_spz(random_scene(50))[:10] + b"garbage" * 20)


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = struct.pack("<4sIIBBBB", b"NGSP", 3, 1_000_000, 3, 12, 0, 0)
    bomb = packer.compress(head + bytes(10_000_000)) + packer.flush()
    assert "50 times" in refusal(bomb)


def test_budget() -> None:
    found = read(write_spz(random_scene(100)), budget=7)
    assert len(found.scene) == 7 and "Of its 100 Gaussians the 7" in found.notes[0]


def test_only_versions_2_and_3_are_written() -> None:
    with pytest.raises(ValueError, match="2 or 3"):
        write_spz(random_scene(1), version=4)
