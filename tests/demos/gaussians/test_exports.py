"""Files that others, and this hub, can open again."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.errors import Cancelled, InputError, ModelUnavailable
from core.tasks import Job
from demos.gaussians import exports
from demos.gaussians.answers import SceneAnswer, SceneHandle
from demos.gaussians.commands import Command
from demos.gaussians.exports import answer_json, film_formats, mask_png, scene_file, turn_film, turned
from demos.gaussians.history import Selection
from demos.gaussians.pipeline import edit, open_scene, query
from tests.demos.gaussians.scenes import assert_same
from tests.demos.gaussians.test_pipeline import SHARP
from tests.demos.gaussians.worlds import World, world
from tests.stub_model import StubModel


@pytest.fixture(scope="module")
def known() -> World:
    return world(80)


@pytest.fixture(scope="module")
def handle(known: World) -> SceneHandle:
    return known.opened()


@pytest.fixture(scope="module")
def answer(handle: SceneHandle) -> SceneAnswer:
    return query(handle, "red; zebra", replace(SHARP, least_peak=0.6), model=StubModel())


def test_edited_scene_comes_back(handle: SceneHandle, answer: SceneAnswer) -> None:
    blue = edit(handle, Command("recolour", rgb=(0, 0, 1)), answer.found[0].selection)
    back = open_scene(scene_file(blue, "npz"), name="edited.npz")
    assert_same(back.scene, blue.scene)
    assert back.field is not None and back.field.model == "stub"
    assert back.field.objects is not None and back.field.objects.words[0] == ("red thing",)
    again = query(back, "red", SHARP, model=StubModel()).found[0]
    np.testing.assert_array_equal(again.selection.rows, answer.found[0].selection.rows)


def test_ply_holds_objects(handle: SceneHandle, known: World) -> None:
    plyfile = pytest.importorskip("plyfile")
    rows = plyfile.PlyData.read(io.BytesIO(scene_file(handle, "ply")))["vertex"]
    np.testing.assert_array_equal(rows["id_object"], known.labels)
    np.testing.assert_array_equal(rows["x"], handle.scene.means_xyz[:, 0])


@pytest.mark.parametrize("kind", ["ply", "splat", "npz"])
def test_selection_alone(handle: SceneHandle, answer: SceneAnswer, kind: str) -> None:
    content = scene_file(handle, kind, selection=answer.found[0].selection)  # type: ignore[arg-type]
    assert len(open_scene(content, name=f"part.{kind}").scene) == 80


def test_nothing_selected_and_unknown_format(handle: SceneHandle, answer: SceneAnswer) -> None:
    with pytest.raises(InputError, match="Nothing is selected"):
        scene_file(handle, "ply", selection=answer.found[1].selection)
    with pytest.raises(InputError, match="no scene format"):
        scene_file(handle, "obj")  # type: ignore[arg-type]


def test_mask(answer: SceneAnswer) -> None:
    for found in answer.found:
        pixels = np.asarray(Image.open(io.BytesIO(mask_png(found))))
        np.testing.assert_array_equal(pixels == 255, found.mask)
        assert set(np.unique(pixels)) <= {0, 255}


def test_json(answer: SceneAnswer) -> None:
    row = json.loads(json.dumps(answer_json(answer)))
    assert [query["found"] for query in row["queries"]] == [True, False]
    assert [level["level"] for level in row["queries"][0]["levels"]] == ["whole"]
    assert row["camera"]["width"] == answer.camera.width and len(row["camera"]["world_to_cam"]) == 4


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_film(handle: SceneHandle, answer: SceneAnswer, known: World, kind: str) -> None:
    content = turn_film(handle, known.camera, answer.found[0].selection, kind=kind, frames=4)  # type: ignore[arg-type]
    film = Image.open(io.BytesIO(content))
    assert film.n_frames == 4 and film.size == (120, 80)  # type: ignore[attr-defined]
    frames = []
    for index in range(4):
        film.seek(index)
        frames.append(np.asarray(film.convert("RGB")).astype(int))
    assert np.abs(frames[0] - frames[2]).mean() > 3


def test_films_are_refused_and_cancelled(handle: SceneHandle, known: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="1 frames"):
        turn_film(handle, known.camera, frames=1)
    with pytest.raises(InputError, match="no film format"):
        turn_film(handle, known.camera, kind="avi")  # type: ignore[arg-type]
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert film_formats() == ("gif", "webp")
    with pytest.raises(ModelUnavailable, match="ffmpeg"):
        turn_film(handle, known.camera, kind="mp4")
    job = Job(lambda step: job.cancel() if step.done == 2 else None)
    with pytest.raises(Cancelled):
        turn_film(handle, known.camera, frames=5, job=job)


def test_mp4_is_what_ffmpeg_wrote(handle: SceneHandle, known: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def run(command: list[str], *, input: bytes, **_: object) -> object:
        seen["size"], seen["bytes"] = command[command.index("-s") + 1], len(input)
        return type("Done", (), {"stdout": b"film"})

    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/ffmpeg")
    monkeypatch.setattr(exports.subprocess, "run", run)
    odd = known.camera.resized(63, 41)
    assert turn_film(handle, odd, kind="mp4", frames=3) == b"film"
    assert seen == {"size": "64x40", "bytes": 3 * 64 * 40 * 3}


def test_a_turn_keeps_its_centre(known: World) -> None:
    about, up = np.array([0.5, 0.2, 0.4]), np.array([0.0, 0.1, 1.0])
    before = known.camera.project([about])
    for angle in (0.7, 3.0):
        after = turned(known.camera, about, up, angle)
        np.testing.assert_allclose(after.project([about])[0], before[0], atol=1e-6)
        assert np.linalg.norm(after.centre_xyz - about) == pytest.approx(
            np.linalg.norm(known.camera.centre_xyz - about)
        )
    whole = turned(known.camera, about, up, 2 * np.pi)
    np.testing.assert_allclose(whole.world_to_cam, known.camera.world_to_cam, atol=1e-9)


def test_empty_selection_turns_about_the_scene(handle: SceneHandle, known: World) -> None:
    empty = Selection.of(np.zeros(len(handle.scene), np.float32))
    assert turn_film(handle, known.camera, empty, frames=2) == turn_film(handle, known.camera, frames=2)
