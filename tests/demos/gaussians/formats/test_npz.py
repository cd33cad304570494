"""This hub's own scene file: all comes back; pickles, false headers and other people's arrays are refused."""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest

from core.errors import InputError
from demos.gaussians.cameras import look_at
from demos.gaussians.formats.blob import open_blob
from demos.gaussians.formats.npz import read_npz, write_npz
from demos.gaussians.formats.result import UP_IS_MINUS_Y, ReadScene
from tests.demos.gaussians.scenes import assert_same, random_scene


def read(data: bytes, *, budget: int = 10**6) -> ReadScene:
    return read_npz(open_blob(data, name="tabletop.npz"), budget=budget)


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(data)
    return str(caught.value)


def changed(**arrays: Any) -> bytes:
    """A scene with some arrays replaced, added, or (None) left out."""
    with np.load(io.BytesIO(write_npz(random_scene(6, language=True)))) as stored:
        content = {name: stored[name] for name in stored.files} | {k.replace("__", "/"): v for k, v in arrays.items()}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, **{name: array for name, array in content.items() if array is not None})
    return buffer.getvalue()


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_the_gaussians_come_back_bit_by_bit(degree: int) -> None:
    scene = random_scene(25, degree=degree)
    found = read(write_npz(scene))
    assert_same(found.scene, scene)
    assert found.notes == () and found.cameras == () and found.up_xyz == UP_IS_MINUS_Y
    assert found.scene.language is None


def test_language_cameras_and_up_come_back() -> None:
    scene = random_scene(12, language=True)
    views = [look_at((3, 0, 1), (0, 0, 0), width=320, height=200), look_at((0, 3, 1), (0, 0, 0))]
    found = read(write_npz(scene, cameras=views, up_xyz=(0, 0, 1)))
    one, other = found.scene.language, scene.language
    assert one is not None and other is not None
    assert (one.levels, one.model) == (other.levels, other.model)
    for name in ("ids", "features", "codes"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)
    assert one.decoder.keys() == other.decoder.keys()
    for name, weight in other.decoder.items():
        np.testing.assert_array_equal(one.decoder[name], weight, strict=True)
    assert found.up_xyz == (0, 0, 1)
    assert [(view.width, view.height) for view in found.cameras] == [(320, 200), (640, 480)]
    for view, original in zip(found.cameras, views, strict=True):
        np.testing.assert_array_equal(view.world_to_cam, original.world_to_cam)
        assert (view.fx, view.cy) == (original.fx, original.cy)


def test_numpy_reads_it_without_pickles() -> None:
    scene = random_scene(4, language=True)
    with np.load(io.BytesIO(write_npz(scene)), allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["sh"], scene.sh)
        assert stored["language_levels"].tolist() == ["part", "whole"]


def test_same_scene_same_bytes() -> None:
    assert write_npz(random_scene(5, language=True)) == write_npz(random_scene(5, language=True))


def test_compact_is_smaller_and_close() -> None:
    scene = random_scene(500, language=True)
    small = write_npz(scene, compact=True)
    assert len(small) < 0.6 * len(write_npz(scene))
    found = read(small).scene
    np.testing.assert_array_equal(found.means_xyz, scene.means_xyz)
    np.testing.assert_allclose(found.sh, scene.sh, atol=2e-3)
    np.testing.assert_allclose(found.log_scales, scene.log_scales, atol=4e-3)
    assert found.language is not None and found.language.features is not None
    np.testing.assert_allclose(np.linalg.norm(found.language.features, axis=1), 1, atol=1e-6)


def test_budget_carries_the_language() -> None:
    found = read(write_npz(random_scene(50, language=True)), budget=9)
    assert len(found.scene) == 9 and found.scene.language is not None
    found.scene.validated()


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        raise AssertionError("was unpickled")


def test_pickled_objects_are_refused_and_not_opened() -> None:
    for array in (np.array([1, "a", None], object), np.array([object], object)):
        assert "pickled objects" in refusal(changed(means_xyz=array))


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"sh": None}, "no array “sh”"),
        ({"means_xyz": np.zeros((6, 2), np.float32)}, "(6, 2)"),
        ({"means_xyz": np.zeros((6, 3), np.int32)}, "i4"),
        ({"means_xyz": np.zeros((6, 3), np.complex64)}, "makes no sense"),
        ({"means_xyz": np.zeros(6, [("x", "f4"), ("y", "f4")])}, "makes no sense"),
        ({"means_xyz": np.array(["a"] * 6)}, "“means_xyz”"),
        ({"log_scales": np.zeros((5, 3), np.float32)}, "5 rows"),
        ({"sh": np.zeros((6, 7, 3), np.float32)}, "7 harmonics"),
        ({"means_xyz": np.zeros((0, 3), np.float32)}, "holds no Gaussian"),
        ({"language_levels": np.array([], np.str_)}, "0 levels"),
        ({"language_levels": np.array(["a"] * 99)}, "99 levels"),
        ({"language_ids": np.full((6, 2), 99, np.int32)}, "an id is 99"),
        ({"language_ids": np.zeros((6, 3), np.int32)}, "“language_ids”"),
        ({"language_features": None}, "“language_features”"),
        ({"language_codes": np.zeros((5, 2, 3), np.float32)}, "“language_codes”"),
        ({"decoder__decoder.0.weight": np.full((2, 3), np.nan)}, "not finite"),
        ({"camera_intrinsics": np.zeros((1, 6)), "camera_world_to_cam": np.eye(4)[None]}, "no sensible size"),
        ({"camera_intrinsics": np.ones((2, 6)), "camera_world_to_cam": np.eye(4)[None]}, "“camera_world_to_cam”"),
        ({"up_xyz": np.zeros(4, np.float32)}, "“up_xyz”"),
    ],
)
def test_other_peoples_arrays(arrays: dict[str, Any], words: str) -> None:
    sentence = refusal(changed(**arrays))
    assert words in sentence and sentence.endswith(".")


def test_values_that_are_no_numbers() -> None:
    means = random_scene(6).means_xyz.copy()
    means[2] = np.nan
    features = np.full((5, 8), np.nan, np.float32)
    found = read(changed(means_xyz=means, language_features=features, up_xyz=np.full(3, np.nan)))
    assert len(found.scene) == 5 and found.scene.language is not None
    assert found.scene.language.features is not None and not found.scene.language.features.any()
    assert found.up_xyz == UP_IS_MINUS_Y


def test_ids_of_every_width() -> None:
    ids = np.array([[-1, 0], [1, 2], [3, 4], [-1, -7], [0, 0], [1, 1]], np.int64)
    found = read(changed(language_ids=ids)).scene.language
    assert found is not None and found.ids is not None
    np.testing.assert_array_equal(found.ids, np.maximum(ids, -1))


def with_header(shape: str, payload: bytes = b"") -> bytes:
    """An .npz whose means claim a shape."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + payload
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("means_xyz.npy", array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "shape, words",
    [
        ("(1000000000000, 3)", "cut short"),
        ("(10**9, 3)", "makes no sense"),
        ("(-1, 3)", "makes no sense"),
        ("(-2, -3)", "makes no sense"),
        ("(" * 500, "makes no sense"),
    ],
)
def test_false_headers(shape: str, words: str) -> None:
    assert words in refusal(with_header(shape, bytes(24)))


def test_text_that_is_none() -> None:
    levels = np.array([0x7FFFFFFF, 0x61], np.uint32).view("<U1")
    assert "holds no text" in refusal(changed(language_levels=levels))


def test_a_pickle_inside_is_not_even_looked_at() -> None:
    buffer = io.BytesIO(write_npz(random_scene(3)))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("extra.pkl", pickle.dumps({"a": 1}))
    assert_same(read(buffer.getvalue()).scene, random_scene(3))
