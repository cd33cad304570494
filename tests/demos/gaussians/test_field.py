"""Fields: what they promise, their files, and files of strangers."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.errors import InputError
from demos.gaussians.exports import scene_file, turn_film
from demos.gaussians.field import LanguageField, from_language, to_language
from demos.gaussians.field_file import read_field, write_field, write_scene
from demos.gaussians.formats.blob import open_blob
from demos.gaussians.formats.npz import write_npz
from demos.gaussians.formats.reading import read_scene
from demos.gaussians.packing import pack
from demos.gaussians.pipeline import open_scene, view_picture
from demos.gaussians.present import scene_value
from tests.demos.gaussians.scenes import assert_same, random_scene
from tests.demos.gaussians.worlds import UP, World, coded, world


@pytest.fixture(scope="module")
def known() -> World:
    return world(20)


def assert_like(one: LanguageField, other: LanguageField, *, atol: float = 0.0) -> None:
    assert (one.model, one.levels) == (other.model, other.levels)
    for name in ("ids", "weights", "table", "codes"):
        first, second = getattr(one, name), getattr(other, name)
        assert (first is None) == (second is None), name
        if first is not None:
            np.testing.assert_allclose(first, second, atol=atol, err_msg=name)
    assert one.decoder.keys() == other.decoder.keys()
    assert (one.objects is None) == (other.objects is None)
    if one.objects is not None and other.objects is not None:
        np.testing.assert_array_equal(one.objects.ids, other.objects.ids)
        assert one.objects.words == other.objects.words


@pytest.mark.parametrize("kind", ["uplifted", "coded"])
@pytest.mark.parametrize("compact", [False, True])
def test_field_comes_back(known: World, kind: str, compact: bool) -> None:
    field = known.field if kind == "uplifted" else coded(known.labels)
    count = len(known.scene)
    alone = read_field(open_blob(write_field(field, compact=compact), name="f.npz"), count)
    beside = read_field(open_blob(write_scene(known.scene, field, compact=compact), name="s.npz"), count)
    for back in (alone, beside):
        assert back is not None
        assert_like(back, field, atol=5e-3 if compact else 1e-6)
        back.validated(count)


def test_same_field_gives_the_same_bytes(known: World) -> None:
    assert write_scene(known.scene, known.field) == write_scene(known.scene, known.field)
    rng = np.random.default_rng(0)
    assert known.field.weights is not None
    noisy = replace(known.field, weights=rng.random(known.field.weights.shape, np.float32))
    small, large = (len(write_field(noisy, compact=compact)) for compact in (True, False))
    assert small < 0.7 * large


def test_scene_beside_its_field_is_the_scene(known: World) -> None:
    assert_same(read_scene(write_scene(known.scene, known.field), name="a.npz").scene, known.scene)
    handle = known.opened()
    assert handle.field is not None and handle.up_xyz == (0.0, 0.0, 1.0)
    np.testing.assert_allclose(handle.cameras[0].world_to_cam, known.camera.world_to_cam)


def test_background_is_seen_in_page_pictures_and_films_and_comes_back(known: World) -> None:
    behind = (0.2, 0.4, 0.8)
    content = write_scene(known.scene, known.field, cameras=[known.camera], up_xyz=UP, background_rgb=behind)
    handle = open_scene(content, name="w.npz")
    assert handle.background_rgb == pytest.approx(behind)
    packed = pack(handle.scene)
    assert scene_value(handle, packed, {}, key="k", place="p")["background"] == [51, 102, 204]
    np.testing.assert_array_equal(view_picture(handle, known.camera)[0, 0], (51, 102, 204))
    frame = Image.open(io.BytesIO(turn_film(handle, known.camera, kind="webp", frames=2))).convert("RGB")
    np.testing.assert_allclose(np.asarray(frame)[0, 0], (51, 102, 204), atol=4)
    assert open_scene(scene_file(handle, "npz"), name="again.npz").background_rgb == pytest.approx(behind)
    black = open_scene(write_scene(known.scene, known.field, cameras=[known.camera], up_xyz=UP), name="w.npz")
    assert black.background_rgb == (0, 0, 0) and not view_picture(black, known.camera)[0, 0].any()


@pytest.mark.parametrize(("given", "read"), [((np.nan, 0, 1), (0, 0, 0)), ((-1, 0.5, 7), (0, 0.5, 1))])
def test_a_background_that_is_no_colour_is_mended(
    known: World, given: tuple[float, ...], read: tuple[float, ...]
) -> None:
    content = write_npz(known.scene, background_rgb=given)
    assert open_scene(content, name="w.npz").background_rgb == pytest.approx(read)


def test_scene_file_without_field_uses_its_language() -> None:
    scene = random_scene(12, language=True)
    handle = open_scene(write_npz(scene), name="old.npz")
    assert handle.field is not None and handle.field.levels == ("part", "whole")
    assert scene.language is not None and handle.field.is_coded  # it has codes with a decoder, and ids as well
    plain = replace(scene.language, codes=None, decoder={})
    field = from_language(plain)
    np.testing.assert_array_equal(field.ids[:, :, 0], plain.ids)  # type: ignore[index, arg-type]
    np.testing.assert_array_equal(to_language(field).ids, plain.ids)  # type: ignore[arg-type]


def test_heaviest_id_leaves_the_hub(known: World) -> None:
    language = to_language(known.field)
    assert language.ids is not None
    np.testing.assert_array_equal(language.ids[:, 2], known.labels)


def test_taking_rows(known: World) -> None:
    rows = np.array([5, 5, 0])
    some = known.field.take(rows)
    assert len(some) == 3 and some.table is known.field.table
    assert some.objects is not None and known.field.objects is not None
    np.testing.assert_array_equal(some.objects.ids, known.field.objects.ids[rows])


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"ids": np.full((400, 3, 2), 9, np.int32)}, "-1..4"),
        ({"weights": np.full((400, 3, 2), -1, np.float32)}, "negative"),
        ({"weights": np.full((400, 3, 2), np.nan, np.float32)}, "finite"),
        ({"weights": np.zeros((400, 3, 1), np.float32)}, "ids are"),
        ({"table": None}, "come together"),
        ({"levels": ("a", "a", "b")}, "levels"),
        ({"codes": np.zeros((400, 3, 3), np.float32)}, "either"),
        ({"ids": None, "weights": None, "table": None, "codes": np.zeros((400, 3, 3), np.float32)}, "decoder"),
    ],
)
def test_fields_that_do_not_fit(known: World, changes: dict[str, Any], sentence: str) -> None:
    field = replace(known.field.take(np.arange(400)), objects=None)
    with pytest.raises(ValueError, match=sentence):
        replace(field, **changes).validated(400)
    with pytest.raises(ValueError, match=r"\(7,"):
        field.validated(7)


def with_array(content: bytes, name: str, array: NDArray[Any] | bytes) -> bytes:
    """The archive with one of its arrays replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.namelist():
            data = old.read(entry)
            if entry == f"field/{name}.npy":
                if isinstance(array, bytes):
                    data = array
                else:
                    stream = io.BytesIO()
                    np.lib.format.write_array(stream, array)
                    data = stream.getvalue()
            new.writestr(entry, data)
    return out.getvalue()


@pytest.mark.parametrize(
    "name, array",
    [
        ("ids", np.full((500, 3, 2), 77, np.int32)),
        ("ids", np.zeros((3, 3, 2), np.int32)),
        ("weights", np.full((500, 3, 2), np.inf, np.float32)),
        ("weights", b"\x93NUMPY nonsense"),
        ("weights", np.array([{}] * 3, object)),
        ("table", np.zeros((5, 5), np.int32)),
        ("levels", np.array(["x"] * 9)),
        ("object_ids", np.full(500, 99, np.int32)),
    ],
)
def test_damaged_files_are_refused_by_a_sentence(known: World, name: str, array: NDArray[Any] | bytes) -> None:
    count = len(known.scene)
    content = with_array(write_scene(known.scene, known.field), name, array)
    with pytest.raises(InputError, match="damaged|which no scene|refused|cut short"):
        read_field(open_blob(content, name="bad.npz"), count)
    with pytest.raises(InputError):
        open_scene(content, name="bad.npz")


def test_field_of_other_gaussians(known: World) -> None:
    with pytest.raises(InputError):
        read_field(open_blob(write_field(known.field), name="f.npz"), len(known.scene) - 1)
    assert read_field(open_blob(write_npz(known.scene), name="plain.npz"), len(known.scene)) is None
